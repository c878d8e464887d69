import type { Choice, CodeWidth } from '../thresholds/method.ts';
import type { Distribution } from './distribution.ts';

/** A threshold method on a distribution that is not all zeros. */
export type PooledMethod = (distribution: Distribution, bits: CodeWidth) => Choice;

/** Larger magnitude of the extremes. */
export function absMaxOf({ min, max }: Distribution): number {
  return Math.max(Math.abs(min), Math.abs(max));
}

/** A symmetric bound, never above the absolute maximum; min and max stay as observed. */
export function bounded(distribution: Distribution, threshold: number): Choice {
  const { min, max } = distribution;
  return { threshold: Math.min(threshold, absMaxOf(distribution)), min, max };
}
