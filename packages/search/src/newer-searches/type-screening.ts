import type { Plan } from '@q/ir';
import type { WholeTrials } from './whole-trials.ts';

/** How near float the network is with the layers of one type alone in INT8. */
export interface TypeSimilarity {
  /** `top.Conv` */
  readonly type: string;
  readonly similarity: number;
}

export interface TypeScreening {
  /** In the network's order. */
  readonly types: readonly TypeSimilarity[];
  /** Types whose layers are searched; never none. */
  readonly sensitive: readonly string[];
}

/** Types that come nearer than this are never searched. */
const HARMLESS = 0.999;

/**
 * Which types of layers suffer at all, judged by the first sample (search.md 5.3).
 *
 * @param later runs that follow at most, for the work that is left
 */
export async function screenTypes(
  trials: WholeTrials,
  layers: readonly string[],
  { expectedCos, later }: { readonly expectedCos: number; readonly later: number },
): Promise<TypeScreening> {
  const { graph } = trials.options;
  const typeOf = new Map(graph.ops.map(({ name, type }) => [name, type as string]));
  const distinct = [...new Set(layers.map((name) => typeOf.get(name)!))];
  const alone = (type: string): Plan => {
    const others = graph.ops.filter((op) => op.type !== type).map(({ name }) => name);
    return trials.withFloat(trials.plan, others);
  };
  const types: TypeSimilarity[] = [];
  const total = trials.runs + distinct.length + later;
  for await (const [type, [numbers]] of trials.measures(distinct, alone, 'first')) {
    types.push({ type, similarity: numbers![0]! });
    const losses = types.map(({ type, similarity }) => ({ layer: type, loss: 1 - similarity, samples: 1 }));
    trials.tell('types', { done: total - later - distinct.length + types.length, total }, losses);
  }
  const limit = Math.max(HARMLESS, expectedCos);
  const below = types.filter(({ similarity }) => similarity < limit).map(({ type }) => type);
  const worst = types.toSorted((a, b) => a.similarity - b.similarity).slice(0, 1);
  return { types, sensitive: below.length > 0 ? below : worst.map(({ type }) => type) };
}
