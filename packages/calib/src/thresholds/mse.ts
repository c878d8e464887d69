import type { ThresholdMethod } from './method.ts';
import { chooseSampleMean } from './sample-mean.ts';

/** Least squared quantization error of each sample, averaged over samples (OCTAV, calibration.md 6.3). */
export const mse: ThresholdMethod = {
  needs: { histogram: false, perSample: 'octav', tails: 'last' },
  choose: chooseSampleMean,
  keepsEnds: true,
  tunable: false,
};
