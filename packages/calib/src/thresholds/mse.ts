import type { ThresholdMethod } from './method.ts';
import { chooseSampleMean } from './sample-mean.ts';

/** Least squared quantization error of each sample, averaged over samples (OCTAV, calibration.md 6.3). */
export const mse: ThresholdMethod = {
  needs: { histogram: false, numbers: ['octav'], tails: 'last' },
  needs4: { histogram: false, numbers: ['octav4'] },
  choose: (statistics, bits = 8) => chooseSampleMean(statistics, bits === 8 ? 'octav' : 'octav4'),
  keepsEnds: true,
  tunable: false,
};
