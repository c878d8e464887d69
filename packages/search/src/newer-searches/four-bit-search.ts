import { type CalibrationSections, type Graph, isQError, type Op, type Plan, QError } from '@q/ir';
import { searchedLayers } from '../sensitivity/run-sensitive-layer.ts';
import { meanOf } from '../sensitivity/sample-score.ts';
import { SearchStopped, untilStopped } from '../sensitivity/stop-clock.ts';
import { densityGroups } from './density-groups.ts';
import type { LayerNoise } from './fast-search.ts';
import { isCodes } from './integer-layers.ts';
import { type NewerSearchOptions, startOf, WholeTrials } from './whole-trials.ts';

export interface FourBitSearchOptions extends Omit<NewerSearchOptions, 'effort'> {
  /** Weights and activations in four bits, or weights alone. */
  readonly precision: 'INT4' | 'W4INT8';
  /** Of the calibration table; INT4 takes its ranges from `#int4_th`. */
  readonly sections?: CalibrationSections;
  /** Also tries the layers of the first group that costs too much one by one (`--debug_cmd cluster_one_by_one`). */
  readonly isOneByOne?: boolean;
}

/** Layers that were put into four bits together with those before them. */
export interface FourBitTrial {
  readonly layers: readonly string[];
  readonly score: number;
  readonly isTaken: boolean;
}

export interface FourBitOutcome {
  readonly int8Score: number;
  /** All candidates in four bits. */
  readonly fourBitScore: number;
  /** Of the layers that were taken. */
  readonly mixedScore: number;
  /** What each candidate costs alone in four bits, in the network's order. */
  readonly losses: readonly LayerNoise[];
  /** Layers that cost alike, the cheapest group first. */
  readonly groups: readonly (readonly string[])[];
  readonly trials: readonly FourBitTrial[];
  /** In the network's order. */
  readonly fourBitLayers: readonly string[];
  /** Candidates that stay in INT8, in the network's order. */
  readonly int8Layers: readonly string[];
  /** What to deploy. */
  readonly plan: Plan;
  /** Why not everything was searched; scores that were not found by then are no numbers. */
  readonly stopped?: SearchStopped['reason'];
}

interface Progress {
  int8Score: number;
  fourBitScore: number;
  mixedScore: number;
  candidates: readonly string[];
  readonly losses: LayerNoise[];
  groups: readonly (readonly string[])[];
  readonly trials: FourBitTrial[];
  taken: readonly string[];
}

/**
 * `search_qtable` of TPU-MLIR since 2026 with `--mix_mode wi4ai4_wi8ai8` or `wi4ai8_wi8ai8` (search.md 6): each Conv and MatMul alone in four
 * bits in the INT8 network; layers that cost alike fall into groups, which are put into four bits, the cheapest first, as long as the
 * score is at least `expectedCos` times that of INT8.
 *
 * @throws QError `search.no-four-bits`, `search.four-bit-ranges`, `search.samples-missing`, `search.journal-differs`
 */
export async function searchFourBits(options: FourBitSearchOptions): Promise<FourBitOutcome> {
  const progress: Progress = {
    ...{ int8Score: Number.NaN, fourBitScore: Number.NaN, mixedScore: Number.NaN },
    ...{ candidates: candidatesOf(options), losses: [], groups: [], trials: [], taken: [] },
  };
  const end = await untilStopped(() => search(options, progress));
  const { candidates, taken, ...found } = progress;
  const stopped = end instanceof SearchStopped ? end.reason : undefined;
  if (stopped !== undefined) options.onEvent?.({ type: 'stopped', reason: stopped });
  return {
    ...found,
    fourBitLayers: candidates.filter((name) => taken.includes(name)),
    int8Layers: candidates.filter((name) => !taken.includes(name)),
    plan: planWith(options, candidates, taken),
    ...(stopped && { stopped }),
  };
}

/**
 * Convolutions and products that the processor runs so; in weights alone not depthwise ones, nor products of activations. (In INT4 the
 * original tries a depthwise one, too, which then runs in INT8.)
 */
function candidatesOf(options: FourBitSearchOptions): string[] {
  const { target, processor, graph, precision, sections, fixedFloat = [] } = options;
  const isKind = ({ type, inputs }: Op): boolean =>
    type === 'top.Conv' || (type === 'top.MatMul' && (precision === 'INT4' || graph.weights.has(inputs[1] ?? '')));
  const runs = graph.ops.filter((op) => isKind(op) && target.precisions(op, processor).includes(precision));
  if (runs.length === 0) throw noFourBits(options);
  if (precision === 'INT4' && (sections?.int4.size ?? 0) === 0) throw noRanges();
  const int8 = target.lower(graph, startOf(options).plan);
  const inCodes = new Set(searchedLayers(graph, int8).filter((name) => isCodes(int8, name)));
  const isDepthwise = (op: Op): boolean => precision !== 'INT4' && op.type === 'top.Conv' && isDepthwiseConv(op, graph);
  const layers = runs.filter((op) => inCodes.has(op.name) && !isDepthwise(op)).map(({ name }) => name);
  return layers.filter((name) => !fixedFloat.includes(name));
}

function isDepthwiseConv(op: Extract<Op, { type: 'top.Conv' }>, graph: Graph): boolean {
  const { group } = op.attributes;
  const [input, output] = [op.inputs[0]!, op.name].map((name) => graph.values.get(name)?.shape[1]);
  return group > 1 && input === group && output === group;
}

/** INT8 with some layers in four bits; the other candidates are named, too, so that the base precision does not matter. */
function planWith(options: FourBitSearchOptions, candidates: readonly string[], chosen: readonly string[]): Plan {
  const { precision, sections } = options;
  const { plan } = startOf(options);
  const isChosen = new Set(chosen);
  const ops = new Map(plan.ops);
  for (const name of candidates) {
    ops.set(name, { precision: isChosen.has(name) ? precision : 'INT8', reason: { code: 'default' } });
  }
  const whole = { ...plan, ops };
  return precision === 'INT4' && sections && chosen.length > 0
    ? { ...whole, sections: { ...sections, int4Ops: candidates.filter((name) => isChosen.has(name)) } }
    : whole;
}

async function search(options: FourBitSearchOptions, progress: Progress): Promise<void> {
  const trials = await WholeTrials.open(options, 'trained', 'likeness-and-signal');
  try {
    await searchIn(trials, options, progress);
  } finally {
    await trials.dispose();
  }
}

async function searchIn(trials: WholeTrials, options: FourBitSearchOptions, progress: Progress): Promise<void> {
  const { onEvent, expectedCos = 0.99 } = options;
  const { candidates } = progress;
  const scoreOf = async (layers: readonly string[]): Promise<number> =>
    untilRefused(() => trials.score(planWith(options, candidates, layers)));
  progress.int8Score = await trials.score(trials.plan);
  progress.mixedScore = progress.int8Score;
  onEvent?.({ type: 'int8-score', score: progress.int8Score });
  progress.fourBitScore = await scoreOf(candidates);
  onEvent?.({ type: 'layers', lowered: candidates, searched: candidates });
  await measureAlone(trials, options, progress);
  const { losses } = progress;
  progress.groups = groupsOf(losses);
  const least = progress.int8Score * expectedCos;
  for (const group of progress.groups) {
    if (await takes(group)) continue;
    const single = group.length > 1 && options.isOneByOne ? group.toSorted((a, b) => costOf(a) - costOf(b)) : [];
    for (const layer of single) await takes([layer]);
    break;
  }

  function costOf(name: string): number {
    return losses.find(({ layer }) => layer === name)!.cosine;
  }

  async function takes(layers: readonly string[]): Promise<boolean> {
    const together = [...progress.taken, ...layers];
    const score = await scoreOf(together);
    const isTaken = score >= least;
    progress.trials.push({ layers, score, isTaken });
    if (!isTaken) return false;
    Object.assign(progress, { taken: together, mixedScore: score });
    return true;
  }
}

/** Each candidate alone in four bits. What cannot be lowered so stays in INT8. */
async function measureAlone(trials: WholeTrials, options: FourBitSearchOptions, progress: Progress): Promise<void> {
  const { candidates, losses } = progress;
  const typeOf = new Map(options.graph.ops.map(({ name, type }) => [name, type as string]));
  for (const [at, layer] of candidates.entries()) {
    const found = await measured(trials, planWith(options, candidates, [layer]));
    if (found !== undefined) {
      const [score, signal] = [0, 1].map((part) => meanOf(Float64Array.from(found, (numbers) => numbers[part]!)));
      losses.push({ layer, type: typeOf.get(layer)!, cosine: 1 - score!, noise: 1 - signal! });
    }
    const ranked = losses.map(({ layer: name, cosine }) => ({
      layer: name,
      loss: cosine,
      samples: found?.length ?? 0,
    }));
    trials.tell('four bits', { done: at + 1, total: candidates.length }, ranked);
  }
}

async function measured(trials: WholeTrials, plan: Plan): Promise<readonly (readonly number[])[] | undefined> {
  try {
    return await trials.measure(plan);
  } catch (error) {
    if (isRefused(error)) return undefined;
    throw error;
  }
}

/** A score; minus infinity of a network that cannot be lowered. */
async function untilRefused(score: () => Promise<number>): Promise<number> {
  try {
    return await score();
  } catch (error) {
    if (isRefused(error)) return Number.NEGATIVE_INFINITY;
    throw error;
  }
}

function isRefused(error: unknown): boolean {
  return isQError(error) && error.code.startsWith('lower.');
}

function groupsOf(losses: readonly LayerNoise[]): string[][] {
  const groups = densityGroups(losses.map(({ cosine, noise }) => [cosine, noise] as const));
  const cost = (group: readonly number[]): number =>
    group.reduce((sum, at) => sum + losses[at]!.cosine, 0) / group.length;
  return groups.toSorted((a, b) => cost(a) - cost(b)).map((group) => group.map((at) => losses[at]!.layer));
}

function noFourBits({ processor, precision, graph }: FourBitSearchOptions): QError {
  return new QError(`${processor} runs no layer of ${graph.name} in ${precision}`, {
    code: 'search.no-four-bits',
    where: processor,
    found: 'no Conv and no MatMul that it runs so',
    expected: precision === 'INT4' ? 'bm1688, cv186x or bm1690' : 'bm1684x, bm1688, cv186x or bm1690',
  });
}

function noRanges(): QError {
  return new QError('INT4 needs the section #int4_th of the calibration table', {
    code: 'search.four-bit-ranges',
    where: 'calibration table',
    found: 'no #int4_th',
    expected: 'a range in four bits per layer',
    hint: 'q run_calibration --mix_mode wi4ai4_wi8ai8 writes one',
  });
}
