import { fullRange } from '../thresholds/decide.ts';
import type { Choice, CodeWidth } from '../thresholds/method.ts';
import type { Distribution } from './distribution.ts';

/** A threshold method on a distribution that is not all zeros. */
export type PooledMethod = (distribution: Distribution, bits: CodeWidth) => Choice;

/** A symmetric bound, never above the absolute maximum; min and max stay as observed. */
export function bounded(distribution: Distribution, threshold: number): Choice {
  const { min, max } = distribution;
  return { threshold: Math.min(threshold, fullRange(distribution)), min, max };
}
