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

/** Which types of layers suffer at all, judged by the first sample (search.md 5.3). */
export async function screenTypes(
  trials: WholeTrials,
  layers: readonly string[],
  expectedCos: number,
): Promise<TypeScreening> {
  const { graph, emit } = trials.options;
  const typeOf = new Map(graph.ops.map(({ name, type }) => [name, type as string]));
  const first = trials.oneSample(0);
  const types: TypeSimilarity[] = [];
  const distinct = [...new Set(layers.map((name) => typeOf.get(name)!))];
  for (const [index, type] of distinct.entries()) {
    const others = graph.ops.filter((op) => op.type !== type).map(({ name }) => name);
    types.push({ type, similarity: await trials.score(trials.withFloat(trials.plan, others), first) });
    emit?.({ type: 'progress', task: 'types', done: index + 1, total: distinct.length, label: type });
  }
  const limit = Math.max(HARMLESS, expectedCos);
  const below = types.filter(({ similarity }) => similarity < limit).map(({ type }) => type);
  const worst = types.toSorted((a, b) => a.similarity - b.similarity).slice(0, 1);
  return { types, sensitive: below.length > 0 ? below : worst.map(({ type }) => type) };
}
