import { aciqGaussMethod, aciqLaplaceMethod } from './aciq.ts';
import { admm } from './admm.ts';
import { jsd } from './jsd.ts';
import { kl } from './kl-method.ts';
import { max } from './max.ts';
import type { ThresholdMethod } from './method.ts';
import { mse } from './mse.ts';
import { percentile9999 } from './percentile9999.ts';
import { symkl } from './symkl.ts';
import { torchObserver } from './torch-observer.ts';
import { xquantDefault } from './xquant/default.ts';
import { xquantKl } from './xquant/kl.ts';
import { xquantMinmax } from './xquant/minmax.ts';
import { xquantMse } from './xquant/mse.ts';
import { xquantPercentile } from './xquant/percentile.ts';

/** Every threshold method by its name in lower case. */
export const methodTable = {
  kl,
  max,
  mse,
  percentile9999,
  aciq_gauss: aciqGaussMethod,
  aciq_laplace: aciqLaplaceMethod,
  symkl,
  jsd,
  admm,
  torch_observer: torchObserver,
  xquant_default: xquantDefault,
  xquant_kl: xquantKl,
  xquant_minmax: xquantMinmax,
  xquant_percentile: xquantPercentile,
  xquant_mse: xquantMse,
} as const satisfies Record<string, ThresholdMethod>;

export type MethodName = keyof typeof methodTable;
