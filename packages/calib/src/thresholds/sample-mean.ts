import type { ValueStatistics } from '../statistics/value-statistics.ts';
import type { Choice, SampleNumber } from './method.ts';

/** Mean of the per-sample numbers, summed in sample order, but never above the absolute maximum. NaN stays NaN. */
export function chooseSampleMean(statistics: ValueStatistics, number: SampleNumber): Choice {
  const { absMax, min, max } = statistics;
  const mean = sampleMean(statistics, number);
  return { threshold: Math.min(mean, absMax), min, max };
}

/** Arithmetic mean over the samples, summed in sample order. */
export function sampleMean({ numbers }: ValueStatistics, number: SampleNumber): number {
  const values = numbers![number]!;
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
