import { sumChunked } from './sums.ts';

const f = Math.fround;

/** The six sums of `metrics_pair`; a is the reference. */
export function metricsPair(
  a: Float32Array,
  b: Float32Array,
): { ab: number; aa: number; bb: number; squaredError: number; absA: number; absError: number } {
  const n = a.length;
  const d = (i: number): number => f(a[i]! - b[i]!);
  return {
    ab: sumChunked(n, (i) => f(a[i]! * b[i]!)),
    aa: sumChunked(n, (i) => f(a[i]! * a[i]!)),
    bb: sumChunked(n, (i) => f(b[i]! * b[i]!)),
    squaredError: sumChunked(n, (i) => f(d(i) * d(i))),
    absA: sumChunked(n, (i) => Math.abs(a[i]!)),
    absError: sumChunked(n, (i) => Math.abs(d(i))),
  };
}

/** Largest |a - b|. */
export function maxAbsDiff(a: Float32Array, b: Float32Array): number {
  return a.reduce((top, v, i) => Math.max(top, Math.abs(f(v - b[i]!))), 0);
}
