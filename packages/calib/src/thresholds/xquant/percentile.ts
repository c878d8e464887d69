import type { ValueStatistics } from '../../statistics/value-statistics.ts';
import type { ThresholdMethod } from '../method.ts';
import { sampleMean } from '../sample-mean.ts';
import { choiceOfRange } from './range.ts';

/** Percentiles of each batch, averaged over batches (spacemit.md 8.2). */
export const xquantPercentile: ThresholdMethod = {
  needs: { histogram: false, numbers: ['low-percentile', 'high-percentile'] },
  choose: (statistics) => {
    const { lo, hi } = percentileRange(statistics);
    return choiceOfRange(lo, hi);
  },
  keepsEnds: false,
  tunable: false,
};

/** The two percentiles, averaged over batches. */
export function percentileRange(statistics: ValueStatistics): { readonly lo: number; readonly hi: number } {
  return { lo: sampleMean(statistics, 'low-percentile'), hi: sampleMean(statistics, 'high-percentile') };
}
