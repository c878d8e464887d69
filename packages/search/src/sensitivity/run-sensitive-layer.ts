import { type Graph, type Plan, type Precision, QError } from '@q/ir';
import { type FullEvaluation, referenceOutputs } from './full-evaluation.ts';
import { measureIn, stopReason, tellMeasurement } from './layer-measurement.ts';
import { withFloatOps } from './plan-edits.ts';
import type { SearchOptions } from './search-options.ts';
import { floatPlan, SearchSession } from './search-session.ts';
import { type LayerSensitivity, type MethodThresholds, pickLayers } from './sensitive-layers.ts';
import { SearchStopped, untilStopped } from './stop-clock.ts';
import type { EvaluationCost } from './suffix-evaluator.ts';

/** What searches of layers and thresholds have in common. */
export interface SensitiveLayerOptions extends SearchOptions {
  /** Tried in this order: MAX, Percentile9999 and KL in `run_sensitive_layer`, `quantize_method_list` in `search_qtable`. */
  readonly methods: readonly MethodThresholds[];
  /** Layers to put into float, or to start with where more are tried when these do not suffice. Default 5. */
  readonly maxFloatLayers?: number;
}

export type SensitiveLayerOutcome =
  /** INT8 is good enough; nothing was searched. */
  | { readonly kind: 'sufficient'; readonly int8Score: number }
  | {
      readonly kind: 'searched';
      readonly int8Score: number;
      /** Not a number when the search was stopped before. */
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
      /** Why not everything was searched. */
      readonly stopped?: 'budget' | 'aborted';
    };

/**
 * `run_sensitive_layer` of TPU-MLIR (search.md 9): tries every layer alone in INT8 with the threshold of each method, ranks
 * the layers by what they cost, and keeps the costliest in float.
 *
 * @throws QError `search.samples-missing`, `search.threshold-missing`, `search.method-missing`, `search.not-a-number`,
 * `search.journal-differs`, and what lowering, executing and the metric throw.
 */
export async function runSensitiveLayer(options: SensitiveLayerOptions): Promise<SensitiveLayerOutcome> {
  const { target, graph, samples, emit } = options;
  if (samples.length === 0) throw noSamples();
  const plan = int8PlanOf(options);
  const int8 = target.lower(graph, plan, emit);
  const session = await SearchSession.open({ options, plan, layers: searchedLayers(graph, int8) });
  try {
    return await search(session, int8, options);
  } finally {
    await session.dispose();
  }
}

async function search(
  session: SearchSession,
  int8: Graph,
  options: SensitiveLayerOptions,
): Promise<SensitiveLayerOutcome> {
  const { target, graph, onEvent, expectedCos = 0.99, maxFloatLayers = 5 } = options;
  const { floatType } = session;
  const int8Score = await int8ScoreOf(session, int8);
  if (int8Score > expectedCos) return { kind: 'sufficient', int8Score };
  onEvent?.({ type: 'layers', lowered: session.layers, searched: session.layers });
  const measured = await measureIn(session, options.methods);
  const ranking = await measured.settle(maxFloatLayers);
  tellMeasurement(measured, options);
  const floatLayers = pickLayers(ranking, maxFloatLayers, graph);
  const mixed = withPickedLayers(measured.plan(), floatLayers, { floatType, ranking });
  onEvent?.({ type: 'network', kind: 'mixed' });
  const mixedScore = await scoreUnlessStopped(session, target.lower(graph, mixed));
  onEvent?.({ type: 'mixed', count: maxFloatLayers, floatLayers, score: mixedScore });
  const stopped = stopReason(session, measured);
  const found = { int8Score, mixedScore, layers: measured.layers(), ranking, floatLayers, floatType };
  return { kind: 'searched', ...found, plan: mixed, cost: session.cost, ...(stopped && { stopped }) };
}

/** INT8 for every layer, with the thresholds that the search starts from. */
export function int8PlanOf({ processor, values }: Pick<SearchOptions, 'processor' | 'values'>): Plan {
  return { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values };
}

/** Score of the INT8 network; not a number when the search was stopped before it was known. */
export async function int8ScoreOf(session: SearchSession, int8: Graph): Promise<number> {
  const { onEvent } = session.options;
  onEvent?.({ type: 'network', kind: 'int8' });
  const score = await scoreUnlessStopped(session, int8);
  onEvent?.({ type: 'int8-score', score });
  return score;
}

/** Not a number when the search was stopped meanwhile. */
export async function scoreUnlessStopped(session: SearchSession, network: Graph): Promise<number> {
  const score = await untilStopped(() => session.meanScore(network));
  if (!(score instanceof SearchStopped)) return score;
  session.stopped ??= score.reason;
  return Number.NaN;
}

/** The plan with the picked layers in float, each with what it costs in INT8. */
export function withPickedLayers(
  plan: Plan,
  floatLayers: readonly string[],
  { floatType, ranking }: { readonly floatType: Precision; readonly ranking: readonly LayerSensitivity[] },
): Plan {
  const lossOf = new Map(ranking.map(({ layer, best }) => [layer, best.loss]));
  return withFloatOps(plan, floatLayers, floatType, (name) => ({ code: 'sensitivity', loss: lossOf.get(name) ?? 0 }));
}

/** Scores against the network in the processor's own float type (search.md 2), whatever float type is searched with. */
export async function againstFloat(
  options: Pick<SearchOptions, 'target' | 'processor' | 'graph' | 'samples' | 'score' | 'compared'>,
  checkpoint?: () => void,
): Promise<FullEvaluation> {
  const { target, processor, graph, samples, score, compared } = options;
  const float = target.lower(graph, floatPlan({ target, processor }));
  const reference = await referenceOutputs(float, samples, compared, checkpoint);
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
