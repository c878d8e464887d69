import type { ThresholdMethod } from './method.ts';
import { chooseSampleMean } from './sample-mean.ts';

/** Analytical clipping of a Gaussian, averaged over samples (calibration.md 6.5). */
export const aciqGaussMethod: ThresholdMethod = {
  needs: { histogram: false, numbers: ['aciq-gauss'], tails: 'last' },
  needs4: { histogram: false, numbers: ['aciq-gauss4'] },
  choose: (statistics, bits = 8) => chooseSampleMean(statistics, bits === 8 ? 'aciq-gauss' : 'aciq-gauss4'),
  keepsEnds: true,
  tunable: true,
};

/** Analytical clipping of a Laplacian, averaged over samples (calibration.md 6.5). */
export const aciqLaplaceMethod: ThresholdMethod = {
  ...aciqGaussMethod,
  needs: { histogram: false, numbers: ['aciq-laplace'], tails: 'last' },
  needs4: { histogram: false, numbers: ['aciq-laplace4'] },
  choose: (statistics, bits = 8) => chooseSampleMean(statistics, bits === 8 ? 'aciq-laplace' : 'aciq-laplace4'),
};
