import type { Range } from './observe.ts';

/**
 * The percentiles of all batches as one, to a bin of their histogram over [min, max]: outermost edges of the first bin with more
 * than (1 − P) · n values up to its end, and of the first one with at least P · n.
 *
 * XQuant takes the percentiles of every batch and averages them (spacemit.md 8.2), so that each sample whose extremes lie beyond
 * the mean is clipped, however small 1 − P is; a tensor with few elements per batch loses half of its samples.
 */
export function pooledPercentiles(counts: Float64Array, { min, max }: Range, percentile: number): Range {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const width = (max - min) / counts.length;
  let [low, high, seen] = [-1, counts.length - 1, 0];
  for (let bin = 0; bin < counts.length; bin++) {
    seen += counts[bin]!;
    if (low < 0 && seen > (1 - percentile) * total) low = bin;
    if (seen >= percentile * total) {
      high = bin;
      break;
    }
  }
  return { min: low <= 0 ? min : min + low * width, max: high === counts.length - 1 ? max : min + (high + 1) * width };
}
