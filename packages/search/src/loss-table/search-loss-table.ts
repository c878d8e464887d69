import type { Graph, Plan, Precision } from '@q/ir';
import { withFloatOps } from '../sensitivity/plan-edits.ts';
import { noSamples } from '../sensitivity/run-sensitive-layer.ts';
import { meanOf } from '../sensitivity/sample-score.ts';
import type { SearchOptions } from '../sensitivity/search-options.ts';
import { floatPlan } from '../sensitivity/search-session.ts';
import { SearchStopped, StopClock, untilStopped } from '../sensitivity/stop-clock.ts';
import { SuffixEvaluator } from '../sensitivity/suffix-evaluator.ts';
import { signalNoiseScore } from './signal-noise-score.ts';

/** What one layer in float does to the loss of the INT8 network. */
export interface LayerLoss {
  readonly layer: string;
  /** −SQNR in dB of the outputs. */
  readonly loss: number;
}

export interface LossTableOutcome {
  /** Not a number when the search was stopped before. */
  readonly int8Loss: number;
  /** The largest improvement first. */
  readonly layers: readonly LayerLoss[];
  /** Layers that improve the loss by more than a twentieth, at most a quarter of all; the largest improvement first. */
  readonly floatLayers: readonly string[];
  readonly floatType: Precision;
  /** INT8 with the float layers, each with what it costs: the dB that the outputs gain with it in float. */
  readonly plan: Plan;
  /** Why not every layer was tried. */
  readonly stopped?: 'budget' | 'aborted';
}

export type LossTableOptions = Pick<
  SearchOptions,
  | 'target'
  | 'processor'
  | 'graph'
  | 'values'
  | 'samples'
  | 'floatType'
  | 'compared'
  | 'frontierBytes'
  | 'emit'
  | 'budgetMilliseconds'
  | 'signal'
  | 'onEvent'
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
  const { target, processor, graph, samples, emit, onEvent } = options;
  if (samples.length === 0) throw noSamples();
  const floatType = options.floatType ?? target.floatType(processor);
  const plan: Plan = { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values: options.values };
  const base = target.lower(graph, plan, emit);
  const measured: { int8Loss: number; readonly layers: LayerLoss[] } = { int8Loss: Number.NaN, layers: [] };
  const end = await untilStopped(() => measure({ ...options, plan, floatType, base }, measured));
  const { int8Loss, layers } = measured;
  const sorted = layers.toSorted((a, b) => a.loss - b.loss);
  const floatLayers = worthwhile(sorted, int8Loss, graph);
  const gainOf = new Map(layers.map(({ layer, loss }) => [layer, int8Loss - loss]));
  const mixed = withFloatOps(plan, floatLayers, floatType, (name) => ({
    code: 'sensitivity',
    loss: gainOf.get(name)!,
  }));
  const found = { int8Loss, layers: sorted, floatLayers, floatType, plan: mixed };
  if (!(end instanceof SearchStopped)) return found;
  onEvent?.({ type: 'stopped', reason: end.reason });
  return { ...found, stopped: end.reason };
}

interface Measuring extends LossTableOptions {
  readonly plan: Plan;
  readonly floatType: Precision;
  /** The INT8 network. */
  readonly base: Graph;
}

/** Tries layer by layer; what is known is in `measured` also when it is stopped. */
async function measure(
  options: Measuring,
  measured: { int8Loss: number; readonly layers: LayerLoss[] },
): Promise<void> {
  const { target, graph, plan, floatType, base, samples, emit, onEvent, compared, frontierBytes } = options;
  const checkpoint = new StopClock(options).check;
  const reference = target.lower(graph, floatPlan(options));
  const evaluator = await SuffixEvaluator.open({
    ...{ samples, reference, base, checkpoint, score: signalNoiseScore() },
    ...(compared && { compared }),
    ...(frontierBytes === undefined ? {} : { frontierBytes }),
  });
  const tried = graph.ops.filter(({ type }) => !SKIPPED.has(type)).map(({ name }) => name);
  try {
    measured.int8Loss = -meanOf((await evaluator.scores([base]))[0]!);
    for (const [index, layer] of tried.entries()) {
      const [scores] = await evaluator.scores([target.lower(graph, alone(plan, layer, floatType))]);
      measured.layers.push({ layer, loss: -meanOf(scores!) });
      const work = { done: index + 1, total: tried.length };
      emit?.({ type: 'progress', task: 'loss table', ...work, label: layer });
      onEvent?.({ type: 'work', ...work, top: [] });
    }
  } finally {
    evaluator.dispose();
  }
}

function alone(plan: Plan, layer: string, floatType: Precision): Plan {
  return withFloatOps(plan, [layer], floatType, () => ({ code: 'default' }));
}

function worthwhile(sorted: readonly LayerLoss[], int8Loss: number, graph: Graph): string[] {
  const least = WORTHWHILE * Math.abs(int8Loss);
  const improving = sorted.filter(({ loss }) => int8Loss - loss > least).map(({ layer }) => layer);
  return improving.slice(0, Math.floor(graph.ops.length / MOST));
}
