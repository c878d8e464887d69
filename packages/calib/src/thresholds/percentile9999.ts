import type { Tails } from '../statistics/value-statistics.ts';
import type { ThresholdMethod } from './method.ts';

/**
 * Quantiles over all samples together, near 99.99 % and rising with depth (calibration.md 6.4). With both tails they also
 * replace the minimum and maximum; with the tail of magnitudes (profile 2023) they do not.
 */
export const percentile9999: ThresholdMethod = {
  needs: { histogram: false, tails: 'all' },
  choose({ tails, min, max }) {
    if (tails!.low === undefined) return { threshold: quantile(tails!.high, tails!), min, max };
    const { low, high } = tailRange(tails!);
    return { threshold: Math.max(Math.abs(high), Math.abs(low)), min: low, max: high };
  },
  keepsEnds: false,
  tunable: false,
};

/** The quantiles at both ends. */
export function tailRange(tails: Tails): { readonly low: number; readonly high: number } {
  // Not the negative: of zero that would be -0.
  return { low: 0 - quantile(tails.low!, tails), high: quantile(tails.high, tails) };
}

/** The innermost kept value, moved towards the next one by the cut's fraction. `descending` holds `cut.kept` values. */
export function quantile(descending: Float32Array, { cut }: Pick<Tails, 'cut'>): number {
  const innermost = descending[cut.kept - 1]!;
  if (cut.kept === 1) return innermost;
  // The difference of two float32 numbers is a float32 in numpy.
  return innermost + cut.fraction * Math.fround(descending[cut.kept - 2]! - innermost);
}
