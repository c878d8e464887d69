import type { PlanScores } from '../sensitivity/plan-scores.ts';
import { searchedLayers } from '../sensitivity/run-sensitive-layer.ts';
import { meanOf } from '../sensitivity/sample-score.ts';
import type { SearchEvent } from '../sensitivity/search-event.ts';
import {
  growFloatSets,
  type MixedTrial,
  nothingQuantized,
  type SearchQtableOptions,
  type SearchQtableOutcome,
} from '../sensitivity/search-qtable.ts';
import {
  allFloatNetwork,
  measureLayers,
  pickLayers,
  rankLayers,
  type SensitivityResult,
} from '../sensitivity/sensitive-layers.ts';
import { SearchStopped, untilStopped } from '../sensitivity/stop-clock.ts';
import type { EvaluationCost } from '../sensitivity/suffix-evaluator.ts';
import { isCodes } from './integer-layers.ts';
import { costlierCluster } from './two-means.ts';
import { screenTypes, type TypeScreening } from './type-screening.ts';
import { type NewerSearchOptions, NO_COST, startOf, WholeTrials } from './whole-trials.ts';

/** The default of `floatLayerLimit` is a fifth of the layers in integers. */
export interface ScreenedSearchOptions
  extends NewerSearchOptions,
    Pick<SearchQtableOptions, 'methods' | 'maxFloatLayers' | 'floatLayerLimit'> {
  /**
   * `--cluster`: layers fall into two groups by likeness and noise, and the costlier group becomes float, however many they are.
   */
  readonly isClustered?: boolean;
}

export type ScreenedSearchOutcome =
  | Extract<SearchQtableOutcome, { kind: 'sufficient' }>
  | (Extract<SearchQtableOutcome, { kind: 'searched' }> & {
      readonly screening: TypeScreening;
      /** The group that became float by `--cluster`, in the network's order. */
      readonly cluster?: readonly string[];
    });

/** The part of the layers that may be float at most. */
const CAP = 5;

/**
 * `search_qtable` of TPU-MLIR since 2026 (search.md 5.3): types of layers that do no harm alone in INT8 are not searched; layers that
 * must stay float are float throughout; up to a fifth of the layers becomes float. Of a search that is stopped, what is known by then
 * is answered: the costliest of the layers that were tried.
 */
export async function searchScreenedQtable(options: ScreenedSearchOptions): Promise<ScreenedSearchOutcome> {
  const { plan, floatType } = startOf(options);
  const progress: Progress = {
    ...{ int8Score: Number.NaN, quantizedLayers: [], screening: { types: [], sensitive: [] } },
    ...{ measured: { layers: [], plan }, noises: [], trials: [], cost: NO_COST },
  };
  const end = await untilStopped(() => search(options, progress));
  const { int8Score, quantizedLayers, screening, measured, cost } = progress;
  if (end === 'sufficient') return { kind: 'sufficient', int8Score };
  const stopped = end instanceof SearchStopped ? end.reason : undefined;
  if (stopped !== undefined) options.onEvent?.({ type: 'stopped', reason: stopped });
  const { expectedCos = 0.99 } = options;
  const trials = progress.trials.length > 0 ? progress.trials : [unscored(options, progress)];
  const passing = trials.filter(({ score }) => score > expectedCos).sort((a, b) => a.count - b.count)[0];
  return {
    kind: 'searched',
    ...{ int8Score, quantizedLayers, layers: measured.layers, ranking: rankLayers(measured.layers), trials },
    ...{ floatType, screening, plan: measured.plan, cost },
    ...(options.isClustered ? { cluster: trials[0]!.floatLayers } : passing && { smallestPassing: passing }),
    ...(stopped && { stopped }),
  };
}

/** What is known so far. */
interface Progress {
  int8Score: number;
  quantizedLayers: readonly string[];
  screening: TypeScreening;
  measured: SensitivityResult;
  /** Noise over signal of each layer, the least of its trials. */
  readonly noises: number[];
  readonly trials: MixedTrial[];
  cost: EvaluationCost;
}

async function search(options: ScreenedSearchOptions, progress: Progress): Promise<'sufficient' | 'searched'> {
  const whole = await WholeTrials.open(options, 'trained', options.isClustered ? 'likeness-and-signal' : 'likeness');
  try {
    return await searchIn(whole, options, progress);
  } finally {
    progress.cost = whole.cost;
    await whole.dispose();
  }
}

async function searchIn(
  whole: WholeTrials,
  options: ScreenedSearchOptions,
  progress: Progress,
): Promise<'sufficient' | 'searched'> {
  const { target, graph, expectedCos = 0.99, fixedFloat = [], onEvent } = options;
  const { floatType, plan } = whole;
  const int8 = whole.lower(plan);
  onEvent?.({ type: 'network', kind: 'int8' });
  progress.int8Score = await whole.score(plan);
  onEvent?.({ type: 'int8-score', score: progress.int8Score });
  if (progress.int8Score > expectedCos) return 'sufficient';
  const fixed = new Set(fixedFloat);
  const lowered = searchedLayers(graph, int8);
  const quantizedLayers = lowered.filter((name) => isCodes(int8, name) && !fixed.has(name));
  if (quantizedLayers.length === 0) throw nothingQuantized(options.processor);
  progress.quantizedLayers = quantizedLayers;
  progress.screening = await screenTypes(whole, quantizedLayers, { expectedCos, later: 0 });
  const typeOf = new Map(graph.ops.map(({ name, type }) => [name, type as string]));
  const layers = quantizedLayers.filter((name) => progress.screening.sensitive.includes(typeOf.get(name)!));
  onEvent?.({ type: 'layers', lowered, searched: layers });
  await whole.evaluateFrom(allFloatNetwork(target, { graph, plan, floatType, layers }));
  const { methods, emit } = options;
  const tried = { graph, plan, floatType, layers, methods, scorer: scorerOf(whole, progress.noises) };
  progress.measured = await measureLayers({ ...tried, ...(emit && { emit }), ...(onEvent && { onEvent }) });
  onEvent?.({ type: 'ranking', ranking: rankLayers(progress.measured.layers) });
  if (progress.measured.stopped !== undefined) throw new SearchStopped(progress.measured.stopped);
  await scoreFloatSets(whole, options, progress);
  return 'searched';
}

/** Scores of plans; the least noise of what is asked together, a layer's trials, is added to `noises`. */
function scorerOf(whole: WholeTrials, noises: number[]): PlanScores {
  return {
    async scores(plans) {
      const found: (readonly (readonly number[])[])[] = [];
      for await (const [, numbers] of whole.measures(plans, (plan) => plan)) found.push(numbers);
      const [scores, signals] = [0, 1].map((at) =>
        found.map((numbers) => Float64Array.from(numbers, (parts) => parts[at] ?? Number.NaN)),
      );
      noises.push(Math.min(...signals!.map((perSample) => 1 - meanOf(perSample))));
      return scores!;
    },
  };
}

/** The costlier cluster, or sets that grow until one suffices. */
async function scoreFloatSets(whole: WholeTrials, options: ScreenedSearchOptions, progress: Progress): Promise<void> {
  const { graph, expectedCos = 0.99, maxFloatLayers = 5, onEvent } = options;
  const { measured, quantizedLayers, int8Score, trials } = progress;
  const scoreOf = (chosen: readonly string[]): Promise<number> => {
    onEvent?.({ type: 'network', kind: 'mixed' });
    return whole.score(whole.withFloat(measured.plan, chosen));
  };
  const tell = (event: SearchEvent): void => {
    if (event.type !== 'mixed') return;
    const { type: _, ...trial } = event;
    trials.push(trial);
    onEvent?.(event);
  };
  if (options.isClustered) {
    const cluster = clusterOf(progress);
    tell({ type: 'mixed', count: cluster.length, floatLayers: cluster, score: await scoreOf(cluster) });
    return;
  }
  const cap = options.floatLayerLimit ?? Math.floor(quantizedLayers.length / CAP);
  const ranking = async () => rankLayers(measured.layers);
  const measurement = { isRace: false, sketch: ranking, settle: ranking };
  const growth = { measured: measurement, graph, maxFloatLayers, cap, expectedCos, int8Score, scoreOf };
  await growFloatSets({ ...growth, onEvent: tell });
}

/** What would be scored next. */
function unscored({ graph, maxFloatLayers = 5, isClustered }: ScreenedSearchOptions, progress: Progress): MixedTrial {
  const ranking = rankLayers(progress.measured.layers);
  const floatLayers = isClustered ? clusterOf(progress) : pickLayers(ranking, maxFloatLayers, graph);
  return { count: isClustered ? floatLayers.length : maxFloatLayers, floatLayers, score: Number.NaN };
}

/** The costlier layers of those that were tried, in the network's order. */
function clusterOf({ measured, noises }: Progress): string[] {
  const isCostlier = costlierCluster(measured.layers.map(({ best }, at) => [best.loss, noises[at]!] as const));
  return measured.layers.filter((_, at) => isCostlier[at]).map(({ layer }) => layer);
}
