import type { LoweredReduceName } from '../op-codes.ts';

const f = Math.fround;

const STEPS: Readonly<Record<LoweredReduceName, (sum: number, value: number) => number>> = {
  sum: (sum, value) => f(sum + value),
  mean: (sum, value) => f(sum + value),
  l1: (sum, value) => f(sum + Math.abs(value)),
  l2: (sum, value) => f(sum + value * value),
};

/** Reduction of the middle of [outer, axis, inner], in order, in f32 (numerics.md 11); `factor` multiplies the sum of a mean. */
export function loweredReduce(
  op: LoweredReduceName,
  x: Float32Array,
  { outer, axis, inner }: { readonly outer: number; readonly axis: number; readonly inner: number },
  factor = 1,
): Float32Array {
  return Float32Array.from({ length: outer * inner }, (_, column) => {
    const first = Math.floor(column / inner) * axis * inner + (column % inner);
    let sum = 0;
    for (let k = 0; k < axis; k++) sum = STEPS[op](sum, x[first + k * inner]!);
    return op === 'mean' ? f(sum * f(factor)) : op === 'l2' ? Math.sqrt(sum) : sum;
  });
}
