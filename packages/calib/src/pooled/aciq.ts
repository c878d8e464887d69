import type { Distribution } from './distribution.ts';
import { fromExact } from './exact-sum.ts';
import { weightedValues } from './magnitudes.ts';
import { bounded, type PooledMethod } from './method.ts';

const ALPHA = { gauss: { 8: 3.92404, 4: 2.55914 }, laplace: { 8: 9.89676, 4: 5.02864 } } as const;

/** Analytical clipping of a Gaussian, its deviation from the second moment (bm1684-tools.md 9.5). */
export const pooledAciqGauss: PooledMethod = (distribution, bits) => {
  const { mean, elements } = shapeOf(distribution);
  const deviation = Math.sqrt(Math.max(0, fromExact(distribution.squares) / elements - mean * mean));
  return bounded(distribution, ALPHA.gauss[bits] * deviation + Math.abs(mean));
};

/** Analytical clipping of a Laplacian, from the mean absolute deviation (bm1684-tools.md 9.5). */
export const pooledAciqLaplace: PooledMethod = (distribution, bits) => {
  const { mean, elements } = shapeOf(distribution);
  const deviation = mean === 0 ? fromExact(distribution.magnitudes) / elements : deviationFrom(distribution, mean);
  return bounded(distribution, ALPHA.laplace[bits] * deviation + Math.abs(mean));
};

/** What is not negative is mirrored: its mean is zero, and zeros do not count. */
function shapeOf(distribution: Distribution): { readonly mean: number; readonly elements: number } {
  const filled = nonZeros(distribution);
  if (distribution.min >= 0) return { mean: 0, elements: filled };
  return { mean: fromExact(distribution.sum) / distribution.count, elements: distribution.count };
}

function deviationFrom(distribution: Distribution, mean: number): number {
  const { values, weights } = weightedValues(distribution);
  let sum = (distribution.count - nonZeros(distribution)) * Math.abs(mean);
  for (let i = 0; i < values.length; i++) sum += weights[i]! * Math.abs(values[i]! - mean);
  return sum / distribution.count;
}

function nonZeros({ positive, negative }: Distribution): number {
  return positive.reduce((sum, own, i) => sum + own + negative[i]!, 0);
}
