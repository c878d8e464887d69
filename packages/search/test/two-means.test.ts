import { expect, it } from 'vitest';
import { type CostPoint, costlierCluster } from '../src/newer-searches/two-means.ts';

it('two groups are told apart by both coordinates; the costlier one is marked', () => {
  const points: CostPoint[] = [
    [0.001, 0.01],
    [0.009, 0.3],
    [0.002, 0.02],
    [0.008, 0.28],
    [0.0015, 0.015],
  ];
  expect(costlierCluster(points)).toEqual([false, true, false, true, false]);
  expect(costlierCluster(points.toReversed())).toEqual([false, true, false, true, false]);
});

it('the larger first coordinate is the costlier group, whatever the second says', () => {
  expect(
    costlierCluster([
      [0.1, 0],
      [0, 5],
      [0.11, 0.1],
    ]),
  ).toEqual([true, false, true]);
});

it('takes the partition of least squared distances, which a bad start misses', () => {
  const points: CostPoint[] = [0, 1, 2, 100, 101, 102, 103].map((x) => [x, 0]);
  expect(costlierCluster(points)).toEqual([false, false, false, true, true, true, true]);
});

it('what cannot be told apart is one group', () => {
  expect(costlierCluster([[1, 1]])).toEqual([true]);
  expect(
    costlierCluster([
      [1, 1],
      [1, 1],
    ]),
  ).toEqual([true, true]);
  expect(costlierCluster([])).toEqual([]);
});
