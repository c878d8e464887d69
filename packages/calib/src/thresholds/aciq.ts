import type { ThresholdMethod } from './method.ts';
import { chooseSampleMean } from './sample-mean.ts';

/** Analytical clipping of a Gaussian, averaged over samples (calibration.md 6.5). */
export const aciqGaussMethod: ThresholdMethod = {
  needs: { histogram: false, perSample: 'aciq-gauss', tails: 'last' },
  choose: chooseSampleMean,
  keepsEnds: true,
  tunable: true,
};

/** Analytical clipping of a Laplacian, averaged over samples (calibration.md 6.5). */
export const aciqLaplaceMethod: ThresholdMethod = {
  ...aciqGaussMethod,
  needs: { histogram: false, perSample: 'aciq-laplace', tails: 'last' },
};
