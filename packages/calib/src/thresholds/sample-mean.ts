import type { ValueStatistics } from '../statistics/value-statistics.ts';
import type { Choice } from './method.ts';

/** Mean of the per-sample numbers, summed in sample order, but never above the absolute maximum. NaN stays NaN. */
export function chooseSampleMean({ perSample, absMax, min, max }: ValueStatistics): Choice {
  let sum = 0;
  for (const value of perSample!) sum += value;
  const mean = sum / perSample!.length;
  return { threshold: mean > absMax ? absMax : mean, min, max };
}
