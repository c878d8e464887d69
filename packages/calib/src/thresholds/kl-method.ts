import { searchKl } from './kl-search.ts';
import type { ThresholdMethod } from './method.ts';

/** Threshold of a value without a histogram, before the clamp. */
const NO_HISTOGRAM = 1;

/** Least Kullback-Leibler divergence between the clipped and the quantized histogram (calibration.md 6.1). */
export const kl: ThresholdMethod = {
  needs: { histogram: true },
  choose({ histogram, absMax, min, max }, bits = 8) {
    if (histogram === undefined) return { threshold: Math.min(NO_HISTOGRAM, absMax), min, max };
    const { threshold } = searchKl(histogram.counts, histogram.width);
    // Where eight bits keep the whole range, four bits do too: that is when TPU-MLIR clamps either.
    const found =
      threshold <= absMax && bits === 4 ? searchKl(histogram.counts, histogram.width, 4).threshold : threshold;
    return { threshold: threshold > absMax ? absMax : found, min, max };
  },
  keepsEnds: false,
  tunable: true,
};
