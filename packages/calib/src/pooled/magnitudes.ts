import { binWidth, coarsen, type Distribution } from './distribution.ts';

/** Both signs together: bin i holds magnitudes from i * width up to the next. */
export interface Magnitudes {
  readonly counts: Float64Array;
  readonly width: number;
}

/** Magnitudes of a distribution that is not all zeros; in bins twice as wide per step of `coarser`. */
export function magnitudesOf(distribution: Distribution, coarser = 0): Magnitudes {
  const { positive, negative } = distribution;
  const counts = coarsen(
    positive.map((count, i) => count + negative[i]!),
    coarser,
  );
  return { counts, width: binWidth(distribution) * 2 ** coarser };
}

/** Middles of the filled bins of both signs with their counts, ascending. Zeros are left out. */
export function weightedValues(distribution: Distribution): { values: Float64Array; weights: Float64Array } {
  const width = binWidth(distribution);
  const values: number[] = [];
  const weights: number[] = [];
  const take = (count: number, value: number): void => {
    if (count === 0) return;
    values.push(value);
    weights.push(count);
  };
  const { positive, negative } = distribution;
  for (let i = negative.length - 1; i >= 0; i--) take(negative[i]!, -(i + 0.5) * width);
  for (let i = 0; i < positive.length; i++) take(positive[i]!, (i + 0.5) * width);
  return { values: Float64Array.from(values), weights: Float64Array.from(weights) };
}
