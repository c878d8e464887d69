import { aciqGaussMethod, aciqLaplaceMethod } from './aciq.ts';
import { kl } from './kl-method.ts';
import { max } from './max.ts';
import type { ThresholdMethod } from './method.ts';
import { mse } from './mse.ts';
import { percentile9999 } from './percentile9999.ts';

/** Every threshold method by its name in lower case. */
export const methodTable = {
  kl,
  max,
  mse,
  percentile9999,
  aciq_gauss: aciqGaussMethod,
  aciq_laplace: aciqLaplaceMethod,
} as const satisfies Record<string, ThresholdMethod>;

export type MethodName = keyof typeof methodTable;
