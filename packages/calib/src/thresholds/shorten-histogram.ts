import type { Histogram } from '../statistics/value-statistics.ts';

/** Adds adjacent pairs of bins, twice as wide, until no more than `most` are left (calibration.md 5.5). */
export function shortenHistogram({ counts, width }: Histogram, most: number): Histogram {
  const padded = Math.ceil(counts.length / 128) * 128;
  if (padded <= most) return { counts, width };
  const pairs = Float64Array.from({ length: padded / 2 }, (_, i) => (counts[2 * i] ?? 0) + (counts[2 * i + 1] ?? 0));
  return shortenHistogram({ counts: pairs, width: width * 2 }, most);
}
