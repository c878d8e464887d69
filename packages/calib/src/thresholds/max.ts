import type { ThresholdMethod } from './method.ts';

/** The absolute maximum (calibration.md 6.2). */
export const max: ThresholdMethod = {
  needs: { histogram: false },
  choose: (statistics) => ({ threshold: statistics.absMax, min: statistics.min, max: statistics.max }),
  keepsEnds: false,
  tunable: false,
};
