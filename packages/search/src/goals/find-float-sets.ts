import { type Graph, macsOf, type Plan } from '@q/ir';
import {
  type FloatSet,
  type FloatSetSearch,
  paretoFloatSets,
  smallestFloatSet,
  undominated,
} from '../sensitivity/float-set-goals.ts';
import type { LayerSensitivity } from '../sensitivity/sensitive-layers.ts';
import { SearchStopped, untilStopped } from '../sensitivity/stop-clock.ts';
import type { FloatSetTrial, FloatSetTrials } from './float-set-trials.ts';

export interface FloatSetRequest {
  readonly graph: Graph;
  readonly trials: FloatSetTrials;
  /** Of a sensitivity run, the costliest layer first. */
  readonly ranking: readonly LayerSensitivity[];
  /** With the thresholds that the run chose; layers that are float in it stay so. */
  readonly plan: Plan;
  /** The smallest float set is wanted whose measure is at least this. */
  readonly goal?: number;
  /** Sizes of float sets to measure for a list of accuracy against float MACs. */
  readonly counts?: readonly number[];
}

/** A float set that was measured as a whole. */
export interface MeasuredFloatSet extends FloatSet {
  /** What the search itself scores. */
  readonly score: number;
}

export interface FoundFloatSets {
  /** Of the whole network. */
  readonly macs: number;
  /** Every set that was measured, in order. */
  readonly tried: readonly MeasuredFloatSet[];
  /** The smallest set that meets the goal; absent without a goal, and where none of the sets meets it. */
  readonly smallest?: MeasuredFloatSet;
  /** The set that comes nearest to the goal, of equal ones the cheapest; absent when none was measured. */
  readonly best?: MeasuredFloatSet;
  /** Sets none of which another one beats in both measure and float MACs, cheapest first, of all that were measured. */
  readonly pareto: readonly MeasuredFloatSet[];
  /** Why not all that was asked for was measured. */
  readonly stopped?: SearchStopped['reason'];
}

/**
 * Goals beyond TPU-MLIR's, from the ranking of one sensitivity run: the smallest float set that meets a likeness, an SQNR or a
 * metric of the user's, and what accuracy costs in float multiply-accumulates.
 *
 * @throws QError of lowering and of the measure
 */
export async function findFloatSets(request: FloatSetRequest): Promise<FoundFloatSets> {
  const { graph, trials, ranking, plan, goal, counts } = request;
  const macs = new Map(graph.ops.map((op) => [op.name, macsOf(graph, op)]));
  const known = new Map<string, MeasuredFloatSet>();
  const measure = async (floatLayers: readonly string[]): Promise<number> => {
    const trial = await trials.trial(plan, floatLayers);
    const floatMacs = floatLayers.reduce((sum, layer) => sum + (macs.get(layer) ?? 0), 0);
    known.set(keyOf(trial), { ...trial, count: floatLayers.length, floatMacs });
    return trial.value;
  };
  const search: FloatSetSearch = { graph, ranking, measure };
  let smallest: FloatSet | undefined;
  const end = await untilStopped(async () => {
    if (goal !== undefined) smallest = await smallestFloatSet(search, goal);
    if (counts !== undefined) await paretoFloatSets(search, counts);
  });
  const tried = [...known.values()];
  const pareto = undominated(tried);
  const best = pareto.at(-1);
  const met = smallest === undefined ? bestSoFar(tried, goal) : known.get(keyOf(smallest));
  return {
    macs: [...macs.values()].reduce((sum, count) => sum + count, 0),
    tried,
    ...(met && { smallest: met }),
    ...(best && { best }),
    pareto,
    ...(end instanceof SearchStopped && { stopped: end.reason }),
  };
}

/** What meets the goal when the search was stopped before it was sure that nothing smaller does. */
function bestSoFar(tried: readonly MeasuredFloatSet[], goal: number | undefined): MeasuredFloatSet | undefined {
  if (goal === undefined) return undefined;
  return tried.filter(({ value }) => value >= goal).toSorted((a, b) => a.count - b.count)[0];
}

function keyOf({ floatLayers }: Pick<FloatSetTrial, 'floatLayers'>): string {
  return floatLayers.toSorted().join('\n');
}
