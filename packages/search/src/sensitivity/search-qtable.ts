import { type Graph, type Plan, type Precision, QError, type Target } from '@q/ir';
import { evaluateInFull, type FullEvaluation } from './full-evaluation.ts';
import { withFloatOps } from './plan-edits.ts';
import { loweredScores } from './plan-scores.ts';
import { againstFloat, noSamples, searchedLayers } from './run-sensitive-layer.ts';
import { meanOf } from './sample-score.ts';
import type { SearchOptions } from './search-options.ts';
import {
  allFloatNetwork,
  type LayerSensitivity,
  type MethodThresholds,
  measureLayers,
  pickLayers,
  rankLayers,
  type SensitivityResult,
} from './sensitive-layers.ts';
import { type EvaluationCost, SuffixEvaluator } from './suffix-evaluator.ts';

/** `values` are in the original those of the MSE method's table, or of the first method's when MSE is not among them. */
export interface SearchQtableOptions extends SearchOptions {
  /** In the order of `quantize_method_list`. */
  readonly methods: readonly MethodThresholds[];
  /** Layers to start with; more are tried, up to an eighth of the layers, when these do not suffice. Default 5. */
  readonly maxFloatLayers?: number;
  /** `--transformer True`: layers of types that such networks are insensitive in are not tried. */
  readonly isTransformer?: boolean;
}

/** A float set that was scored as a whole. */
export interface MixedTrial {
  /** Layers asked for; partners of Conv and Scale may exceed it. */
  readonly count: number;
  readonly floatLayers: readonly string[];
  readonly score: number;
}

export type SearchQtableOutcome =
  | { readonly kind: 'sufficient'; readonly int8Score: number }
  | {
      readonly kind: 'searched';
      readonly int8Score: number;
      /** Layers that run in integers and were candidates for the cap. */
      readonly quantizedLayers: readonly string[];
      readonly layers: readonly LayerSensitivity[];
      readonly ranking: readonly LayerSensitivity[];
      /** Every float set that was scored, in order. The original writes the last one, whether it passed or not. */
      readonly trials: readonly MixedTrial[];
      /** The smallest set that passed; absent when none did. */
      readonly smallestPassing?: MixedTrial;
      readonly floatType: Precision;
      /** Thresholds of `new_cali_table.txt`, all layers in INT8; put the set of your choice into float. */
      readonly plan: Plan;
      readonly cost: EvaluationCost;
    };

/** Types that `--transformer True` leaves out. */
const INSENSITIVE: ReadonlySet<string> = new Set(
  ['Reshape', 'LayerNorm', 'Unsqueeze', 'Gather', 'Slice', 'MulConst', 'Concat'].map((name) => `top.${name}`),
);

/** `search_qtable` of TPU-MLIR up to v1.17 (search.md 5.2), from the thresholds of its methods on. */
export async function searchQtable(options: SearchQtableOptions): Promise<SearchQtableOutcome> {
  const { target, processor, graph, samples, methods, expectedCos = 0.99, emit } = options;
  if (samples.length === 0) throw noSamples();
  const floatType = options.floatType ?? target.floatType(processor);
  const plan: Plan = { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values: options.values };
  const evaluation = await againstFloat(options);
  const int8 = target.lower(graph, plan, emit);
  const int8Score = meanOf(await evaluateInFull(int8, evaluation));
  if (int8Score > expectedCos) return { kind: 'sufficient', int8Score };
  const quantizedLayers = searchedLayers(graph, int8).filter((name) => isByte(int8, name));
  if (quantizedLayers.length === 0) throw nothingQuantized(processor);
  const types = new Map(graph.ops.map((op) => [op.name, op.type]));
  const layers = options.isTransformer
    ? quantizedLayers.filter((name) => !INSENSITIVE.has(types.get(name)!))
    : quantizedLayers;
  const base = allFloatNetwork(target, { graph, plan, floatType, layers });
  const { frontierBytes } = options;
  const evaluator = await SuffixEvaluator.open({
    ...evaluation,
    base,
    ...(frontierBytes !== undefined && { frontierBytes }),
  });
  try {
    const search = { graph, plan, floatType, layers, methods, scorer: loweredScores(target, graph, evaluator) };
    const measured = await measureLayers({ ...search, ...(emit && { emit }) });
    const ranking = rankLayers(measured.layers);
    const scoreOf = mixedScorer({ target, graph, floatType, measured, evaluation });
    const cap = Math.floor(quantizedLayers.length / CAP);
    const trials = await growFloatSets({
      ranking,
      graph,
      maxFloatLayers: options.maxFloatLayers ?? 5,
      cap,
      expectedCos,
      scoreOf,
    });
    const passing = trials.filter(({ score }) => score > expectedCos).sort((a, b) => a.count - b.count)[0];
    const found = { int8Score, quantizedLayers, layers: measured.layers, ranking, trials, floatType };
    return {
      kind: 'searched',
      ...found,
      ...(passing && { smallestPassing: passing }),
      plan: measured.plan,
      cost: evaluator.cost,
    };
  } finally {
    evaluator.dispose();
  }
}

export function nothingQuantized(processor: string): QError {
  return new QError(`No layer runs in integers on ${processor}, so that there is nothing to search.`, {
    code: 'search.nothing-quantized',
    where: processor,
    found: '0 layers in integers',
    hint: 'q run_sensitive_layer tries all layers, whatever they run in',
  });
}

function isByte(lowered: Graph, name: string): boolean {
  const dtype = lowered.values.get(name)?.dtype;
  return dtype === 'i8' || dtype === 'u8';
}

interface MixedNetworks {
  readonly target: Target;
  readonly graph: Graph;
  readonly floatType: Precision;
  readonly measured: SensitivityResult;
  readonly evaluation: FullEvaluation;
}

function mixedScorer({ target, graph, floatType, measured, evaluation }: MixedNetworks) {
  const lossOf = new Map(measured.layers.map(({ layer, best }) => [layer, best.loss]));
  return async (floatLayers: readonly string[]): Promise<number> => {
    const mixed = withFloatOps(measured.plan, floatLayers, floatType, (name) => ({
      code: 'sensitivity',
      loss: lossOf.get(name) ?? 0,
    }));
    return meanOf(await evaluateInFull(target.lower(graph, mixed), evaluation));
  };
}

/** The part of the layers that may be float at most. */
const CAP = 8;

/** What float sets are grown from. */
export interface FloatSetGrowth {
  readonly ranking: readonly LayerSensitivity[];
  readonly graph: Graph;
  /** Layers to begin with. */
  readonly maxFloatLayers: number;
  /** Layers at most. */
  readonly cap: number;
  readonly expectedCos: number;
  readonly scoreOf: (floatLayers: readonly string[]) => Promise<number>;
}

/** Scores the first pick; when it falls short, the largest allowed; when that suffices, what lies between by bisection. */
export async function growFloatSets(growth: FloatSetGrowth): Promise<MixedTrial[]> {
  const { ranking, graph, maxFloatLayers, cap, expectedCos, scoreOf } = growth;
  const trials: MixedTrial[] = [];
  const tryCount = async (count: number): Promise<boolean> => {
    const floatLayers = pickLayers(ranking, count, graph);
    const score = await scoreOf(floatLayers);
    trials.push({ count, floatLayers, score });
    return score > expectedCos;
  };
  await tryCount(maxFloatLayers);
  if (trials[0]!.score >= expectedCos || cap <= maxFloatLayers) return trials;
  if (!(await tryCount(cap))) return trials;
  let [low, high] = [maxFloatLayers, cap];
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    if (await tryCount(middle)) high = middle - 1;
    else low = middle + 1;
  }
  return trials;
}
