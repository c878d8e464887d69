import { fullRange } from '../thresholds/decide.ts';
import type { MethodName } from '../thresholds/method-table.ts';
import { pooledAciqGauss, pooledAciqLaplace } from './aciq.ts';
import { pooledAdmm } from './admm.ts';
import { pooledJsd, pooledKl, pooledSymkl } from './clip.ts';
import { bounded, type PooledMethod } from './method.ts';
import { pooledMse } from './octav.ts';
import { pooledPercentile } from './percentile.ts';

/** The methods that a distribution alone suffices for. */
export const pooledMethodTable: Readonly<Partial<Record<MethodName, PooledMethod>>> = {
  kl: pooledKl,
  max: (distribution) => bounded(distribution, fullRange(distribution)),
  mse: pooledMse,
  percentile9999: pooledPercentile,
  aciq_gauss: pooledAciqGauss,
  aciq_laplace: pooledAciqLaplace,
  symkl: pooledSymkl,
  jsd: pooledJsd,
  admm: pooledAdmm,
};
