import type { CostPoint } from './two-means.ts';

/** Points nearer than this belong together (search.md 6). */
const NEAR = 0.01;

/**
 * Groups of points that hang together by distances of at most 0.01, and one of all that are alone: what DBSCAN finds with two points
 * per group at least. Indexes of points per group, groups and points in the order in which they come first.
 */
export function densityGroups(points: readonly CostPoint[]): number[][] {
  const groupOf = points.map((_, at) => at);
  const rootOf = (at: number): number => (groupOf[at] === at ? at : rootOf(groupOf[at]!));
  points.forEach((point, at) => {
    for (let other = 0; other < at; other++) {
      if (areNear(point, points[other]!)) groupOf[rootOf(at)] = rootOf(other);
    }
  });
  const sizes = new Map<number, number>();
  for (const at of points.keys()) sizes.set(rootOf(at), (sizes.get(rootOf(at)) ?? 0) + 1);
  const groups = new Map<number, number[]>();
  for (const at of points.keys()) {
    const group = sizes.get(rootOf(at)) === 1 ? -1 : rootOf(at);
    groups.set(group, [...(groups.get(group) ?? []), at]);
  }
  return [...groups.values()];
}

function areNear([cosine, noise]: CostPoint, [otherCosine, otherNoise]: CostPoint): boolean {
  return Math.hypot(cosine - otherCosine, noise - otherNoise) <= NEAR;
}
