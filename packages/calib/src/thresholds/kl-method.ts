import { searchKl } from './kl-search.ts';
import type { ThresholdMethod } from './method.ts';

/** Threshold of a value without a histogram, before the clamp. */
const NO_HISTOGRAM = 1;

/** Least Kullback-Leibler divergence between the clipped and the quantized histogram (calibration.md 6.1). */
export const kl: ThresholdMethod = {
  needs: { histogram: true },
  choose({ histogram, absMax, min, max }) {
    const found = histogram === undefined ? NO_HISTOGRAM : searchKl(histogram.counts, histogram.width).threshold;
    return { threshold: Math.min(found, absMax), min, max };
  },
  keepsEnds: false,
  tunable: true,
};
