import { type Graph, type Plan, type Precision, QError } from '@q/ir';
import { type LayerMeasurement, measureIn, stopReason, tellMeasurement } from './layer-measurement.ts';
import {
  int8PlanOf,
  int8ScoreOf,
  noSamples,
  type SensitiveLayerOptions,
  scoreUnlessStopped,
  searchedLayers,
  withPickedLayers,
} from './run-sensitive-layer.ts';
import type { OnSearchEvent } from './search-event.ts';
import { SearchSession } from './search-session.ts';
import { type LayerSensitivity, pickLayers, rankLayers } from './sensitive-layers.ts';
import type { EvaluationCost } from './suffix-evaluator.ts';

/** `values` are in the original those of the MSE method's table, or of the first method's when MSE is not among them. */
export interface SearchQtableOptions extends SensitiveLayerOptions {
  /** More layers than this are never tried; an eighth of the layers in integers by default, as in the original. */
  readonly floatLayerLimit?: number;
  /** `--transformer True`: layers of types that such networks are insensitive in are not tried. */
  readonly isTransformer?: boolean;
}

/** A float set that was scored as a whole. */
export interface MixedTrial {
  /** Layers asked for; partners of Conv and Scale may exceed it. */
  readonly count: number;
  readonly floatLayers: readonly string[];
  readonly score: number;
  /**
   * A race did not make sure that these are the costliest, nor of their thresholds: they fall so far short that it does not matter.
   */
  readonly isSketch?: true;
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
      /** Why not everything was searched. */
      readonly stopped?: 'budget' | 'aborted';
    };

/** Types that `--transformer True` leaves out. */
const INSENSITIVE: ReadonlySet<string> = new Set(
  ['Reshape', 'LayerNorm', 'Unsqueeze', 'Gather', 'Slice', 'MulConst', 'Concat'].map((name) => `top.${name}`),
);

/**
 * `search_qtable` of TPU-MLIR up to v1.17 (search.md 5.2), from the thresholds of its methods on.
 *
 * @throws QError as `runSensitiveLayer`, and `search.nothing-quantized`.
 */
export async function searchQtable(options: SearchQtableOptions): Promise<SearchQtableOutcome> {
  const { target, processor, graph, samples, emit } = options;
  if (samples.length === 0) throw noSamples();
  const plan = int8PlanOf(options);
  const int8 = target.lower(graph, plan, emit);
  const quantizedLayers = searchedLayers(graph, int8).filter((name) => isByte(int8, name));
  if (quantizedLayers.length === 0) throw nothingQuantized(processor);
  const types = new Map(graph.ops.map((op) => [op.name, op.type]));
  const layers = options.isTransformer
    ? quantizedLayers.filter((name) => !INSENSITIVE.has(types.get(name)!))
    : quantizedLayers;
  const session = await SearchSession.open({ options, plan, layers });
  try {
    return await search(session, { int8, quantizedLayers }, options);
  } finally {
    await session.dispose();
  }
}

async function search(
  session: SearchSession,
  { int8, quantizedLayers }: { readonly int8: Graph; readonly quantizedLayers: readonly string[] },
  options: SearchQtableOptions,
): Promise<SearchQtableOutcome> {
  const { graph, onEvent, expectedCos = 0.99, maxFloatLayers = 5 } = options;
  const int8Score = await int8ScoreOf(session, int8);
  if (int8Score > expectedCos) return { kind: 'sufficient', int8Score };
  onEvent?.({ type: 'layers', lowered: searchedLayers(graph, int8), searched: session.layers });
  const measured = await measureIn(session, options.methods);
  if (!measured.isRace) tellMeasurement(measured, options);
  const cap = options.floatLayerLimit ?? Math.floor(quantizedLayers.length / CAP);
  const scoreOf = mixedScorer(session, measured);
  const growth = { measured, graph, maxFloatLayers, cap, expectedCos, int8Score, scoreOf };
  const trials = await growUntilSettled({ ...growth, ...(onEvent && { onEvent }) });
  if (measured.isRace) tellMeasurement(measured, options);
  const passing = trials.filter(({ score }) => score > expectedCos).sort((a, b) => a.count - b.count)[0];
  const stopped = stopReason(session, measured);
  return {
    kind: 'searched',
    int8Score,
    quantizedLayers,
    layers: measured.layers(),
    ranking: rankLayers(measured.layers()),
    trials,
    floatType: session.floatType,
    ...(passing && { smallestPassing: passing }),
    plan: measured.plan(),
    cost: session.cost,
    ...(stopped && { stopped }),
  };
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

function mixedScorer(session: SearchSession, measured: LayerMeasurement) {
  const { target, graph, onEvent } = session.options;
  const { floatType } = session;
  return async (floatLayers: readonly string[]): Promise<number> => {
    const mixed = withPickedLayers(measured.plan(), floatLayers, { floatType, ranking: measured.layers() });
    onEvent?.({ type: 'network', kind: 'mixed' });
    return scoreUnlessStopped(session, target.lower(graph, mixed));
  };
}

/** The part of the layers that may be float at most. */
const CAP = 8;

/** What float sets are grown from. */
export interface FloatSetGrowth {
  readonly measured: Pick<LayerMeasurement, 'isRace' | 'sketch' | 'settle'>;
  readonly graph: Graph;
  /** Layers to begin with. */
  readonly maxFloatLayers: number;
  /** Layers at most. */
  readonly cap: number;
  readonly expectedCos: number;
  readonly int8Score: number;
  /** A hopeless first pick that was scored before. */
  readonly sketch?: MixedTrial;
  /** Not a number: the search was stopped. */
  readonly scoreOf: (floatLayers: readonly string[]) => Promise<number>;
  readonly onEvent?: OnSearchEvent;
}

/** Rounds after which float sets are taken as they are: what a race decides last may change what was scored first. */
const ROUNDS = 3;

/** In a race, scores again what later decisions changed. What they did not change is known and costs nothing. */
async function growUntilSettled(growth: FloatSetGrowth): Promise<MixedTrial[]> {
  const { onEvent, ...silent } = growth;
  let trials = await growFloatSets(growth);
  for (let round = 1; growth.measured.isRace && round < ROUNDS; round++) {
    const again = await growFloatSets({ ...silent, ...(trials[0]!.isSketch && { sketch: trials[0]! }) });
    const changed = again.filter((trial, at) => !isSameTrial(trial, trials[at]));
    if (changed.length === 0 || again.some(({ score }) => Number.isNaN(score))) break;
    trials = again;
    for (const trial of changed) onEvent?.({ type: 'mixed', ...trial });
  }
  return trials;
}

function isSameTrial(a: MixedTrial, b: MixedTrial | undefined): boolean {
  return b !== undefined && a.score === b.score && a.floatLayers.join('\n') === b.floatLayers.join('\n');
}

/** Scores the first pick; when it falls short, the largest allowed; when that suffices, what lies between by bisection. */
export async function growFloatSets(growth: FloatSetGrowth): Promise<MixedTrial[]> {
  const { measured, graph, maxFloatLayers, cap, expectedCos, scoreOf } = growth;
  const trials: MixedTrial[] = [];
  const tell = (trial: MixedTrial): boolean => {
    trials.push(trial);
    growth.onEvent?.({ type: 'mixed', ...trial });
    return trial.score > expectedCos;
  };
  const tryCount = async (count: number): Promise<boolean> => {
    const floatLayers = pickLayers(await measured.settle(count), count, graph);
    return tell({ count, floatLayers, score: await scoreOf(floatLayers) });
  };
  const sketch = growth.sketch ?? (cap > maxFloatLayers ? await sketchOf(growth) : undefined);
  if (sketch === undefined) await tryCount(maxFloatLayers);
  else tell(sketch);
  if (!(trials[0]!.score < expectedCos) || cap <= maxFloatLayers) return trials;
  if (!(await tryCount(cap))) return trials;
  let [low, high] = [maxFloatLayers, cap];
  while (low <= high && !Number.isNaN(trials.at(-1)!.score)) {
    const middle = Math.floor((low + high) / 2);
    if (await tryCount(middle)) high = middle - 1;
    else low = middle + 1;
  }
  return trials;
}

/**
 * The first pick of a race that is sure of nothing yet, if it falls so far short that no other pick of its size can do: it would
 * have to recover twice as much.
 */
async function sketchOf(growth: FloatSetGrowth): Promise<MixedTrial | undefined> {
  const { measured, graph, maxFloatLayers: count, expectedCos, int8Score, scoreOf } = growth;
  if (!measured.isRace) return undefined;
  const floatLayers = pickLayers(await measured.sketch(), count, graph);
  const score = await scoreOf(floatLayers);
  const isHopeless = expectedCos - score > Math.max(0, score - int8Score);
  return isHopeless ? { count, floatLayers, score, isSketch: true } : undefined;
}
