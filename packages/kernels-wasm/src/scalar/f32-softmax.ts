import { sumChunked } from './sums.ts';
import { exp, log as ln } from './vmath.ts';

const f = Math.fround;

/** Softmax of beta*x over the middle of [outer, axis, inner]; `log` gives beta*(x - max) - ln(sum). */
export function softmax(
  x: Float32Array,
  outer: number,
  axis: number,
  inner: number,
  beta = 1,
  log = false,
): Float32Array {
  const y = new Float32Array(x.length);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const at = (k: number): number => (o * axis + k) * inner + i;
      let top = -Infinity;
      for (let k = 0; k < axis; k++) top = Math.max(top, x[at(k)]!);
      const shifted = (k: number): number => f(f(beta) * f(x[at(k)]! - top));
      let sum = 0;
      if (inner === 1) sum = sumChunked(axis, (k) => exp(shifted(k)));
      else for (let k = 0; k < axis; k++) sum += exp(shifted(k));
      for (let k = 0; k < axis; k++) y[at(k)] = log ? shifted(k) - ln(f(sum)) : exp(shifted(k)) / f(sum);
    }
  }
  return y;
}
