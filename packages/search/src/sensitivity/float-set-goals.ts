import { type Graph, macsOf } from '@q/ir';
import { type LayerSensitivity, pickLayers } from './sensitive-layers.ts';

/** What float sets of a ranking are tried for. */
export interface FloatSetSearch {
  readonly graph: Graph;
  /** Of one sensitivity run; all goals can be asked of the same one. */
  readonly ranking: readonly LayerSensitivity[];
  /** How good the network is with these layers in float: a cosine, an SQNR in dB, a metric of your own. Larger is better. */
  readonly measure: (floatLayers: readonly string[]) => Promise<number>;
}

export interface FloatSet {
  /** Costliest layers that were asked for; partners of Conv and Scale may exceed it, what proved needless is left out. */
  readonly count: number;
  readonly floatLayers: readonly string[];
  readonly value: number;
  /** Multiply-accumulates that run in float. */
  readonly floatMacs: number;
}

/**
 * The smallest number of costliest layers with which the measure is at least `goal`, by bisection, which takes more float
 * layers to be no worse; then without every layer that the goal can do without, the least costly first. Each set is
 * measured as a whole, so that the answer meets the goal whatever the ranking says. Undefined when not even all layers in
 * float reach it.
 */
export async function smallestFloatSet(search: FloatSetSearch, goal: number): Promise<FloatSet | undefined> {
  let [low, high] = [0, search.ranking.length];
  let found = await measured(search, high);
  if (!(found.value >= goal)) return undefined;
  while (low < high) {
    const middle = (low + high) >> 1;
    const set = await measured(search, middle);
    if (set.value >= goal) {
      high = middle;
      found = set;
    } else low = middle + 1;
  }
  return withoutNeedless(search, found, goal);
}

async function withoutNeedless(search: FloatSetSearch, found: FloatSet, goal: number): Promise<FloatSet> {
  let best = found;
  // Without the last one of the prefix the bisection has measured it.
  for (const layer of found.floatLayers.slice(0, -1).toReversed()) {
    const floatLayers = best.floatLayers.filter((name) => name !== layer);
    const value = await search.measure(floatLayers);
    if (value >= goal) best = { ...best, floatLayers, value, floatMacs: floatMacsOf(search.graph, floatLayers) };
  }
  return best;
}

/** Sizes of float sets that show how accuracy grows: all small ones, then ever fewer, and all layers. */
export function paretoCounts(layers: number): number[] {
  const counts: number[] = [];
  for (let count = 0; count < layers; count += Math.max(1, count >> 2)) counts.push(count);
  return [...counts, layers];
}

/** Float sets none of which another one beats in both measure and float MACs, cheapest first. `counts`: sizes to try. */
export async function paretoFloatSets(search: FloatSetSearch, counts: readonly number[]): Promise<FloatSet[]> {
  const sets: FloatSet[] = [];
  for (const count of new Set(counts)) sets.push(await measured(search, count));
  return undominated(sets);
}

/** Of sets that were measured, those none of which another one beats in both measure and float MACs, cheapest first. */
export function undominated<T extends FloatSet>(sets: readonly T[]): T[] {
  const cheapest = sets.toSorted(
    (a, b) => a.floatMacs - b.floatMacs || b.value - a.value || a.floatLayers.length - b.floatLayers.length,
  );
  let best = Number.NEGATIVE_INFINITY;
  return cheapest.filter(({ value }) => {
    const isBetter = value > best;
    best = Math.max(best, value);
    return isBetter;
  });
}

async function measured({ graph, ranking, measure }: FloatSetSearch, count: number): Promise<FloatSet> {
  const floatLayers = [...new Set(pickLayers(ranking, count, graph))];
  return { count, floatLayers, value: await measure(floatLayers), floatMacs: floatMacsOf(graph, floatLayers) };
}

function floatMacsOf(graph: Graph, floatLayers: readonly string[]): number {
  const picked = new Set(floatLayers);
  return graph.ops.reduce((sum, op) => sum + (picked.has(op.name) ? macsOf(graph, op) : 0), 0);
}
