import { octavThreshold } from '../statistics/octav.ts';
import type { Distribution } from './distribution.ts';
import { magnitudesOf } from './magnitudes.ts';
import { bounded, type PooledMethod } from './method.ts';

/** Least squared quantization error of all samples together (OCTAV, bm1684-tools.md 9.6). */
export const pooledMse: PooledMethod = (distribution, bits) => bounded(distribution, octavOf(distribution, bits));

export function octavOf(distribution: Distribution, bits: 8 | 4): number {
  const { counts, width } = magnitudesOf(distribution);
  const sums = new Float64Array(counts.length + 1);
  const above = new Float64Array(counts.length + 1);
  for (let i = counts.length - 1; i >= 0; i--) {
    sums[i] = sums[i + 1]! + counts[i]! * (i + 0.5) * width;
    above[i] = above[i + 1]! + counts[i]!;
  }
  const from = (bound: number): number => Math.min(counts.length, Math.max(0, Math.ceil(bound / width - 0.5)));
  return octavThreshold(
    (bound) => ({ sum: sums[from(bound)]!, count: above[from(bound)]! }),
    distribution.count,
    distribution.min,
    bits,
  );
}
