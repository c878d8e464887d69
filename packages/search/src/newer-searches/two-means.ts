/** What a layer costs: two coordinates that count alike. */
export type CostPoint = readonly [cosine: number, noise: number];

/** Rounds after which a partition that still changes is taken as it is; the original's default. */
const ROUNDS = 300;

/**
 * Two clusters by Lloyd's iteration (k-means): true for points of the one whose mean has the larger first coordinate. The original
 * begins at random places; here the iteration begins with every point against the rest, and the partition with the least
 * squared distances is taken, of equal ones the first. One point, or equal ones, make one cluster.
 */
export function costlierCluster(points: readonly CostPoint[]): boolean[] {
  let best = { spread: Number.POSITIVE_INFINITY, isSecond: points.map(() => true) };
  for (const seed of points) {
    const found = refined(points, [meanOf(points), seed]);
    if (found.spread < best.spread) best = found;
  }
  const { isSecond } = best;
  const [first, second] = [false, true].map((side) => points.filter((_, at) => isSecond[at] === side));
  if (first!.length === 0 || second!.length === 0) return points.map(() => true);
  const isSecondCostlier = meanOf(second!)[0] >= meanOf(first!)[0];
  return isSecond.map((side) => side === isSecondCostlier);
}

interface Partition {
  /** Sum of squared distances to the means. */
  readonly spread: number;
  readonly isSecond: boolean[];
}

function refined(points: readonly CostPoint[], seeds: readonly [CostPoint, CostPoint]): Partition {
  let means = seeds;
  let isSecond: boolean[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const next = points.map((point) => distance(point, means[1]) < distance(point, means[0]));
    if (next.every((side, at) => side === isSecond[at])) break;
    isSecond = next;
    const [first, second] = [false, true].map((side) => points.filter((_, at) => isSecond[at] === side));
    means = [first!.length > 0 ? meanOf(first!) : means[0], second!.length > 0 ? meanOf(second!) : means[1]];
  }
  const spread = points.reduce((sum, point, at) => sum + distance(point, means[isSecond[at] ? 1 : 0]), 0);
  return { spread, isSecond };
}

function meanOf(points: readonly CostPoint[]): CostPoint {
  const sum = points.reduce<[number, number]>(([a, b], [cosine, noise]) => [a + cosine, b + noise], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
}

function distance(a: CostPoint, b: CostPoint): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;
}
