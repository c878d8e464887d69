import type { Graph, Plan, Precision } from '@q/ir';
import { evaluateInFull } from '../sensitivity/full-evaluation.ts';
import { withFloatOps } from '../sensitivity/plan-edits.ts';
import { againstFloat, noSamples } from '../sensitivity/run-sensitive-layer.ts';
import { meanOf } from '../sensitivity/sample-score.ts';
import type { SearchOptions } from '../sensitivity/search-options.ts';
import { SuffixEvaluator } from '../sensitivity/suffix-evaluator.ts';
import { signalNoiseScore } from './signal-noise-score.ts';

/** What one layer in float does to the loss of the INT8 network. */
export interface LayerLoss {
  readonly layer: string;
  /** −SQNR in dB of the outputs. */
  readonly loss: number;
}

export interface LossTableOutcome {
  readonly int8Loss: number;
  /** The largest improvement first. */
  readonly layers: readonly LayerLoss[];
  /** Layers that improve the loss by more than a twentieth, at most a quarter of all; the largest improvement first. */
  readonly floatLayers: readonly string[];
  readonly floatType: Precision;
  readonly plan: Plan;
}

export type LossTableOptions = Pick<
  SearchOptions,
  'target' | 'processor' | 'graph' | 'values' | 'samples' | 'floatType' | 'compared' | 'frontierBytes' | 'emit'
>;

/** Types that are never tried (search.md 8.2). */
const SKIPPED: ReadonlySet<string> = new Set(
  ['Input', 'Reshape', 'Softmax', 'Weight', 'MaxPool', 'Slice', 'Tile', 'Permute', 'Upsample'].map(
    (type) => `top.${type}`,
  ),
);
const WORTHWHILE = 0.05;
const MOST = 4;

/**
 * `run_qtable` of 2022 (search.md 8.4): each layer alone in float, in the INT8 network otherwise. The layers that improve the
 * outputs by more than 5 % are taken. (The original sorts the other way round, against what its manual says.)
 */
export async function searchLossTable(options: LossTableOptions): Promise<LossTableOutcome> {
  const { target, processor, graph, samples, emit, frontierBytes } = options;
  if (samples.length === 0) throw noSamples();
  const floatType = options.floatType ?? target.floatType(processor);
  const plan: Plan = { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values: options.values };
  const evaluation = await againstFloat({ ...options, score: signalNoiseScore() });
  const base = target.lower(graph, plan, emit);
  const int8Loss = -meanOf(await evaluateInFull(base, evaluation));
  const tried = graph.ops.filter(({ type }) => !SKIPPED.has(type)).map(({ name }) => name);
  const evaluator = await SuffixEvaluator.open({
    ...evaluation,
    base,
    ...(frontierBytes === undefined ? {} : { frontierBytes }),
  });
  const layers: LayerLoss[] = [];
  try {
    for (const [index, layer] of tried.entries()) {
      const [scores] = await evaluator.scores([target.lower(graph, alone(plan, layer, floatType))]);
      layers.push({ layer, loss: -meanOf(scores!) });
      emit?.({ type: 'progress', task: 'loss table', done: index + 1, total: tried.length, label: layer });
    }
  } finally {
    evaluator.dispose();
  }
  const sorted = layers.toSorted((a, b) => a.loss - b.loss);
  const floatLayers = worthwhile(sorted, int8Loss, graph);
  const lossOf = new Map(layers.map(({ layer, loss }) => [layer, loss]));
  const mixed = withFloatOps(plan, floatLayers, floatType, (name) => ({
    code: 'sensitivity',
    loss: lossOf.get(name)!,
  }));
  return { int8Loss, layers: sorted, floatLayers, floatType, plan: mixed };
}

function alone(plan: Plan, layer: string, floatType: Precision): Plan {
  return withFloatOps(plan, [layer], floatType, () => ({ code: 'default' }));
}

function worthwhile(sorted: readonly LayerLoss[], int8Loss: number, graph: Graph): string[] {
  const least = WORTHWHILE * Math.abs(int8Loss);
  const improving = sorted.filter(({ loss }) => int8Loss - loss > least).map(({ layer }) => layer);
  return improving.slice(0, Math.floor(graph.ops.length / MOST));
}
