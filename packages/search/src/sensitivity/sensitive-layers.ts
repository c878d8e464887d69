import { type Emit, type Graph, nearest, type Op, type Plan, type Precision, QError, type Target } from '@q/ir';
import { withFloatOps, withThresholds } from './plan-edits.ts';
import type { PlanScores } from './plan-scores.ts';
import { meanOf } from './sample-score.ts';
import type { OnSearchEvent, RankedLayer } from './search-event.ts';
import { SearchStopped, untilStopped } from './stop-clock.ts';

/** Thresholds that one calibration method decides on, by layer. */
export interface MethodThresholds {
  readonly method: string;
  readonly thresholds: ReadonlyMap<string, number>;
}

export interface LayerTrial {
  readonly method: string;
  readonly threshold: number;
  /** 1 − score, averaged over samples. */
  readonly loss: number;
  /** Samples that it was tried on. */
  readonly samples: number;
}

/** A layer that was tried alone in INT8, with the threshold that costs least. */
export interface LayerSensitivity {
  readonly layer: string;
  readonly type: string;
  readonly trials: readonly LayerTrial[];
  /** The trial that costs least. */
  readonly best: LayerTrial;
  /** False: a race ended before it was sure which threshold is best, and the plan keeps the base table's. */
  readonly isDecided: boolean;
}

export interface LayerSearch {
  readonly graph: Graph;
  /** INT8 for every layer, with the thresholds that the search starts from. */
  readonly plan: Plan;
  /** Float type of the layers around the one that is tried. */
  readonly floatType: Precision;
  /** Layers to try, in the network's order. */
  readonly layers: readonly string[];
  /** Tried in this order; of equal losses the first counts. */
  readonly methods: readonly MethodThresholds[];
  readonly scorer: PlanScores;
  readonly emit?: Emit;
  readonly onEvent?: OnSearchEvent;
}

export interface SensitivityResult {
  /** In the order of the layers. */
  readonly layers: readonly LayerSensitivity[];
  /** The plan's thresholds with the best of every layer. */
  readonly plan: Plan;
  /** Why not all layers were tried. */
  readonly stopped?: SearchStopped['reason'];
}

/** The network that every trial differs from: all searched layers in float. */
export function allFloatNetwork(
  target: Target,
  { graph, plan, floatType, layers }: Pick<LayerSearch, 'graph' | 'plan' | 'floatType' | 'layers'>,
): Graph {
  return target.lower(graph, allFloat(plan, layers, floatType));
}

function allFloat(plan: Plan, layers: Iterable<string>, floatType: Precision): Plan {
  return withFloatOps(plan, layers, floatType, () => ({ code: 'sensitivity', loss: 0 }));
}

/**
 * The trial of every layer alone in INT8, each method's threshold in turn (search.md 5.2.5, 9). The best threshold stays
 * in the working table: the cast before a later layer quantizes with its producer's range.
 *
 * @throws QError `search.threshold-missing`, `search.method-missing`, and what lowering and evaluating throw.
 */
export async function measureLayers(search: LayerSearch): Promise<SensitivityResult> {
  const { layers, emit, onEvent } = search;
  checkThresholds(search);
  const types = new Map(search.graph.ops.map((op) => [op.name, op.type]));
  let plan = search.plan;
  const found: LayerSensitivity[] = [];
  for (const [index, layer] of layers.entries()) {
    const trials = await untilStopped(() => tryLayer(search, plan, layer));
    if (trials instanceof SearchStopped) return { layers: found, plan, stopped: trials.reason };
    const best = trials.reduce((least, trial) => (trial.loss < least.loss ? trial : least));
    plan = withThresholds(plan, new Map([[layer, best.threshold]]));
    const sensitivity = { layer, type: types.get(layer) ?? 'unknown', trials, best, isDecided: true };
    found.push(sensitivity);
    emit?.({ type: 'progress', task: 'sensitivity', done: index + 1, total: layers.length, label: layer });
    onEvent?.({ type: 'layer', sensitivity });
    onEvent?.({ type: 'work', ...workOf(index + 1, layers.length), top: topOf(found) });
  }
  return { layers: found, plan };
}

/** A layer costs what follows it: the first ones cost most. */
function workOf(done: number, layers: number): { readonly done: number; readonly total: number } {
  const total = (layers * (layers + 1)) / 2;
  return { done: total - ((layers - done) * (layers - done + 1)) / 2, total };
}

/** The costliest layers so far. */
export function topOf(layers: readonly LayerSensitivity[]): RankedLayer[] {
  const ranked = rankLayers(layers).slice(0, 5);
  return ranked.map(({ layer, best }) => ({ layer, loss: best.loss, samples: best.samples }));
}

async function tryLayer(search: LayerSearch, plan: Plan, layer: string): Promise<LayerTrial[]> {
  const { floatType, layers, methods, scorer } = search;
  const others = layers.filter((name) => name !== layer);
  // Methods that agree make one plan.
  const plans = new Map<number, Plan>();
  for (const { thresholds } of methods) {
    const threshold = thresholds.get(layer)!;
    if (plans.has(threshold)) continue;
    const trial = withThresholds(plan, new Map([[layer, threshold]]));
    plans.set(threshold, allFloat(trial, others, floatType));
  }
  const scores = await scorer.scores([...plans.values()]);
  const losses = new Map([...plans.keys()].map((threshold, index) => [threshold, 1 - meanOf(scores[index]!)]));
  const samples = scores[0]!.length;
  return methods.map(({ method, thresholds }) => {
    const threshold = thresholds.get(layer)!;
    return { method, threshold, loss: losses.get(threshold)!, samples };
  });
}

/** @throws QError `search.threshold-missing`, `search.method-missing`. */
export function checkThresholds({ layers, methods }: Pick<LayerSearch, 'layers' | 'methods'>): void {
  if (methods.length === 0) {
    throw new QError('A search needs the thresholds of at least one method.', { code: 'search.method-missing' });
  }
  const issues = methods.flatMap(({ method, thresholds }) =>
    layers
      .filter((layer) => !(thresholds.get(layer)! > 0))
      .map((layer) => {
        const similar = nearest(layer, [...thresholds.keys()]);
        return {
          code: 'search.threshold-missing',
          where: layer,
          found: `no threshold of ${method}`,
          expected: 'a positive threshold per layer',
          ...(similar === undefined ? {} : { hint: `the table has ${similar}: was it made for this network?` }),
        };
      }),
  );
  if (issues.length === 0) return;
  const names = [...new Set(issues.map(({ where }) => where))].slice(0, 5).join(', ');
  throw new QError(`Layers without a threshold: ${names}.`, issues[0]!, { issues });
}

/** Layers by loss, the costliest first; equal ones stay in the network's order. */
export function rankLayers(layers: readonly LayerSensitivity[]): LayerSensitivity[] {
  return layers.toSorted((a, b) => b.best.loss - a.best.loss);
}

/**
 * The layers to keep in float: the costliest `count`, each Conv with the Scales behind it and each Scale with the Conv
 * before it (search.md 5.2.7). Partners count too, so there may be one more than asked for, and one may be listed twice.
 */
export function pickLayers(ranking: readonly LayerSensitivity[], count: number, graph: Graph): string[] {
  const picked: string[] = [];
  for (const { layer, type } of ranking) {
    if (picked.length >= count) break;
    if (picked.includes(layer)) continue;
    picked.push(layer, ...partnersOf(layer, type, graph));
  }
  return picked;
}

export function partnersOf(layer: string, type: string, graph: Graph): string[] {
  const op = graph.ops.find(({ name }) => name === layer);
  if (op === undefined) return [];
  const named = (candidates: readonly Op[], wanted: string) =>
    candidates.filter((candidate) => candidate.type === wanted).map(({ name }) => name);
  if (type === 'top.Conv') {
    const readers = graph.ops.filter(({ inputs }) => inputs.some((input) => op.outputs.includes(input)));
    return named(readers, 'top.Scale');
  }
  if (type === 'top.Scale') {
    const producers = graph.ops.filter(({ outputs }) => outputs.some((output) => op.inputs.includes(output)));
    return named(producers, 'top.Conv');
  }
  return [];
}
