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
  readonly count: number;
  readonly floatLayers: readonly string[];
  readonly value: number;
  /** Multiply-accumulates that run in float. */
  readonly floatMacs: number;
}

/**
 * The smallest number of costliest layers with which the measure is at least `goal`, by bisection, which takes more float
 * layers to be no worse. Undefined when not even all of them reach it.
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
  return found;
}

/** Float sets none of which another one beats in both measure and float MACs, cheapest first. `counts`: sizes to try. */
export async function paretoFloatSets(search: FloatSetSearch, counts: readonly number[]): Promise<FloatSet[]> {
  const sets: FloatSet[] = [];
  for (const count of new Set(counts)) sets.push(await measured(search, count));
  const cheapest = sets.sort((a, b) => a.floatMacs - b.floatMacs || b.value - a.value);
  let best = Number.NEGATIVE_INFINITY;
  return cheapest.filter(({ value }) => {
    const isBetter = value > best;
    best = Math.max(best, value);
    return isBetter;
  });
}

async function measured({ graph, ranking, measure }: FloatSetSearch, count: number): Promise<FloatSet> {
  const floatLayers = pickLayers(ranking, count, graph);
  const picked = new Set(floatLayers);
  const floatMacs = graph.ops.reduce((sum, op) => sum + (picked.has(op.name) ? macsOf(graph, op) : 0), 0);
  return { count, floatLayers, value: await measure(floatLayers), floatMacs };
}
