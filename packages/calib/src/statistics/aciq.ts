import { ln } from '../logarithm.ts';

const GAUSS_ALPHA = { 8: 3.92403337, 4: 2.55913642 } as const;
const LAPLACE_BETA = { 8: 9.89675982, 4: 5.02864014 } as const;
const RANGE_TO_SIGMA = 0.5 * 0.35 * (1 + Math.sqrt(Math.PI * ln(4)));

/** Clip bound of one sample if it were Gaussian, its deviation estimated from its range (calibration.md 6.5). */
export function aciqGauss(min: number, max: number, elements: number, bits: 8 | 4 = 8): number {
  const sigma = (Math.fround(max - min) * RANGE_TO_SIGMA) / Math.sqrt(2 * ln(elements));
  return GAUSS_ALPHA[bits] * sigma;
}

/** Clip bound of one sample if it were Laplacian, from its mean absolute deviation (calibration.md 6.5). */
export function aciqLaplace(meanAbsoluteDeviation: number, bits: 8 | 4 = 8): number {
  return LAPLACE_BETA[bits] * meanAbsoluteDeviation;
}
