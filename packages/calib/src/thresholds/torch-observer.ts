import type { ThresholdMethod } from './method.ts';

const QUANT_MIN = -128;
const QUANT_MAX = 127;

/** What PyTorch's histogram observer makes of the samples (calibration.md 6.8). */
export const torchObserver: ThresholdMethod = {
  needs: { histogram: false, observer: true },
  choose({ observed, min, max, absMax }) {
    if (observed === undefined) return { threshold: absMax, min, max };
    const { scale, zeroPoint } = observed;
    const low = zeroPoint - QUANT_MIN;
    const high = QUANT_MAX - zeroPoint;
    return {
      threshold: Math.fround(scale * Math.max(low, high)),
      min: Math.fround(-scale * low),
      max: Math.fround(scale * high),
    };
  },
  keepsEnds: false,
  tunable: false,
};
