import type { Graph } from '@q/ir';
import type { FullEvaluation } from '../sensitivity/full-evaluation.ts';
import { loweredScores, type PlanScores } from '../sensitivity/plan-scores.ts';
import { searchedLayers } from '../sensitivity/run-sensitive-layer.ts';
import { meanOf, signalScore } from '../sensitivity/sample-score.ts';
import { growFloatSets, nothingQuantized, type SearchQtableOutcome } from '../sensitivity/search-qtable.ts';
import { allFloatNetwork, type MethodThresholds, measureLayers, rankLayers } from '../sensitivity/sensitive-layers.ts';
import { SuffixEvaluator } from '../sensitivity/suffix-evaluator.ts';
import { costlierCluster } from './two-means.ts';
import { screenTypes, type TypeScreening } from './type-screening.ts';
import { type NewerSearchOptions, WholeTrials } from './whole-trials.ts';

export interface ScreenedSearchOptions extends NewerSearchOptions {
  readonly methods: readonly MethodThresholds[];
  /** Default 5. */
  readonly maxFloatLayers?: number;
  /** More layers than this are never tried; a fifth of the layers in integers by default, as in the original. */
  readonly floatLayerLimit?: number;
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
/** Types of codes: layers of these run in integers. */
const CODES: ReadonlySet<string> = new Set(['i8', 'u8', 'i16', 'u16', 'i32', 'u32']);

/**
 * `search_qtable` of TPU-MLIR since 2026 (search.md 5.3): types of layers that do no harm alone in INT8 are not searched; layers that
 * must stay float are float throughout; up to a fifth of the layers becomes float.
 */
export async function searchScreenedQtable(options: ScreenedSearchOptions): Promise<ScreenedSearchOutcome> {
  const {
    target,
    graph,
    methods,
    expectedCos = 0.99,
    maxFloatLayers = 5,
    fixedFloat = [],
    emit,
    frontierBytes,
  } = options;
  // This search is not stopped early.
  const { budgetMilliseconds: _, signal: __, ...unbounded } = options;
  const whole = await WholeTrials.open(unbounded, 'trained');
  const { floatType, plan, evaluation } = whole;
  const int8 = whole.lower(plan);
  const int8Score = await whole.score(plan);
  if (int8Score > expectedCos) return { kind: 'sufficient', int8Score };
  const fixed = new Set(fixedFloat);
  const quantizedLayers = searchedLayers(graph, int8).filter((name) => isCodes(int8, name) && !fixed.has(name));
  if (quantizedLayers.length === 0) throw nothingQuantized(options.processor);
  const screening = await screenTypes(whole, quantizedLayers, expectedCos);
  const typeOf = new Map(graph.ops.map(({ name, type }) => [name, type as string]));
  const layers = quantizedLayers.filter((name) => screening.sensitive.includes(typeOf.get(name)!));
  const base = allFloatNetwork(target, { graph, plan, floatType, layers });
  const evaluator = await SuffixEvaluator.open({
    ...evaluation,
    base,
    ...(frontierBytes === undefined ? {} : { frontierBytes }),
  });
  const noise = options.isClustered ? await NoiseScores.open(options, { base, evaluation }) : undefined;
  try {
    const likeness = loweredScores(target, graph, evaluator);
    const scorer = noise === undefined ? likeness : noise.beside(likeness);
    const measured = await measureLayers({ graph, plan, floatType, layers, methods, scorer, ...(emit && { emit }) });
    const ranking = rankLayers(measured.layers);
    const scoreOf = (chosen: readonly string[]): Promise<number> => whole.score(whole.withFloat(measured.plan, chosen));
    if (noise !== undefined) {
      const costs = measured.layers.map(({ best }, at) => [best.loss, noise.least[at]!] as const);
      const isCostlier = costlierCluster(costs);
      const cluster = measured.layers.filter((_, at) => isCostlier[at]).map(({ layer }) => layer);
      const trials = [{ count: cluster.length, floatLayers: cluster, score: await scoreOf(cluster) }];
      const found = { int8Score, quantizedLayers, layers: measured.layers, ranking, trials, floatType, screening };
      return { kind: 'searched', ...found, cluster, plan: measured.plan, cost: evaluator.cost };
    }
    const cap = options.floatLayerLimit ?? Math.floor(quantizedLayers.length / CAP);
    const known = async () => ranking;
    const measurement = { isRace: false, sketch: known, settle: known };
    const growth = { measured: measurement, graph, maxFloatLayers, cap, expectedCos, int8Score, scoreOf };
    const trials = await growFloatSets(growth);
    const passing = trials.filter(({ score }) => score > expectedCos).sort((a, b) => a.count - b.count)[0];
    const found = { int8Score, quantizedLayers, layers: measured.layers, ranking, trials, floatType, screening };
    return {
      kind: 'searched',
      ...found,
      ...(passing && { smallestPassing: passing }),
      plan: measured.plan,
      cost: evaluator.cost,
    };
  } finally {
    evaluator.dispose();
    noise?.dispose();
  }
}

/** Noise over signal of the trials that a search scores, the least of each layer's. */
class NoiseScores {
  readonly #scores: PlanScores;
  readonly #evaluator: SuffixEvaluator;
  /** In the order in which layers are tried. */
  readonly least: number[] = [];

  private constructor(scores: PlanScores, evaluator: SuffixEvaluator) {
    this.#scores = scores;
    this.#evaluator = evaluator;
  }

  static async open(
    { target, graph }: ScreenedSearchOptions,
    { base, evaluation }: { readonly base: Graph; readonly evaluation: FullEvaluation },
  ): Promise<NoiseScores> {
    const evaluator = await SuffixEvaluator.open({ ...evaluation, score: signalScore(), base });
    return new NoiseScores(loweredScores(target, graph, evaluator), evaluator);
  }

  /** The scores of another scorer; every call of it is a layer's. */
  beside(scorer: PlanScores): PlanScores {
    return {
      scores: async (plans, samples) => {
        const signals = await this.#scores.scores(plans, samples);
        this.least.push(Math.min(...signals.map((scores) => 1 - meanOf(scores))));
        return scorer.scores(plans, samples);
      },
    };
  }

  dispose(): void {
    this.#evaluator.dispose();
  }
}

function isCodes(lowered: Graph, name: string): boolean {
  return CODES.has(lowered.values.get(name)?.dtype ?? '');
}
