import { type Graph, type Plan, type Precision, QError } from '@q/ir';
import { evaluateInFull, type FullEvaluation, referenceOutputs } from './full-evaluation.ts';
import { withFloatOps } from './plan-edits.ts';
import { loweredScores } from './plan-scores.ts';
import { meanOf } from './sample-score.ts';
import type { SearchOptions } from './search-options.ts';
import {
  allFloatNetwork,
  type LayerSensitivity,
  type MethodThresholds,
  measureLayers,
  pickLayers,
  rankLayers,
} from './sensitive-layers.ts';
import { type EvaluationCost, SuffixEvaluator } from './suffix-evaluator.ts';

export interface SensitiveLayerOptions extends SearchOptions {
  /** MAX, Percentile9999 and KL in the original. */
  readonly methods: readonly MethodThresholds[];
  /** Default 5. */
  readonly maxFloatLayers?: number;
}

export type SensitiveLayerOutcome =
  /** INT8 is good enough; nothing was searched. */
  | { readonly kind: 'sufficient'; readonly int8Score: number }
  | {
      readonly kind: 'searched';
      readonly int8Score: number;
      readonly mixedScore: number;
      /** In the network's order. */
      readonly layers: readonly LayerSensitivity[];
      readonly ranking: readonly LayerSensitivity[];
      /** In the order of the quantize table. */
      readonly floatLayers: readonly string[];
      readonly floatType: Precision;
      /** What to deploy: the best threshold of every layer, and the picked layers in float with their losses. */
      readonly plan: Plan;
      readonly cost: EvaluationCost;
    };

/**
 * `run_sensitive_layer` of TPU-MLIR (search.md 9): tries every layer alone in INT8 with the threshold of each method, ranks
 * the layers by what they cost, and keeps the costliest in float.
 */
export async function runSensitiveLayer(options: SensitiveLayerOptions): Promise<SensitiveLayerOutcome> {
  const { target, processor, graph, samples, emit } = options;
  if (samples.length === 0) throw noSamples();
  const floatType = options.floatType ?? target.floatType(processor);
  const plan: Plan = { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values: options.values };
  const evaluation = await againstFloat(options);
  const int8 = target.lower(graph, plan, emit);
  const int8Score = meanOf(await evaluateInFull(int8, evaluation));
  if (int8Score > (options.expectedCos ?? 0.99)) return { kind: 'sufficient', int8Score };
  const layers = searchedLayers(graph, int8);
  const base = allFloatNetwork(target, { graph, plan, floatType, layers });
  const evaluator = await SuffixEvaluator.open({
    ...evaluation,
    base,
    ...(options.frontierBytes === undefined ? {} : { frontierBytes: options.frontierBytes }),
  });
  try {
    const { methods } = options;
    const search = { graph, plan, floatType, layers, methods, scorer: loweredScores(target, graph, evaluator) };
    const measured = await measureLayers({ ...search, ...(emit && { emit }) });
    const ranking = rankLayers(measured.layers);
    const floatLayers = pickLayers(ranking, options.maxFloatLayers ?? 5, graph);
    const lossOf = new Map(ranking.map(({ layer, best }) => [layer, best.loss]));
    const mixed = withFloatOps(measured.plan, floatLayers, floatType, (name) => ({
      code: 'sensitivity',
      loss: lossOf.get(name) ?? 0,
    }));
    const mixedScore = meanOf(await evaluateInFull(target.lower(graph, mixed), evaluation));
    const { layers: measuredLayers } = measured;
    const found = { int8Score, mixedScore, layers: measuredLayers, ranking, floatLayers, floatType };
    return { kind: 'searched', ...found, plan: mixed, cost: evaluator.cost };
  } finally {
    evaluator.dispose();
  }
}

/** Scores against the network in the processor's own float type (search.md 2), whatever float type is searched with. */
export async function againstFloat(
  options: Pick<SearchOptions, 'target' | 'processor' | 'graph' | 'samples' | 'score' | 'compared'>,
): Promise<FullEvaluation> {
  const { target, processor, graph, samples, score, compared } = options;
  const precision = target.floatType(processor);
  const float: Plan = { processor, precision, asymmetric: false, ops: new Map(), values: new Map() };
  const reference = await referenceOutputs(target.lower(graph, float), samples, compared);
  return { samples, reference, ...(score && { score }), ...(compared && { compared }) };
}

/** Layers of the float network that exist under the same name in the lowered one, in the network's order. */
export function searchedLayers(graph: Graph, lowered: Graph): string[] {
  const names = new Set(lowered.ops.map(({ name }) => name));
  return graph.ops.map(({ name }) => name).filter((name) => names.has(name));
}

export function noSamples(): QError {
  return new QError('A search needs at least one sample.', {
    code: 'search.samples-missing',
    found: '0 samples',
    expected: 'images or arrays to compare networks on',
  });
}
