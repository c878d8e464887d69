import { exp, log as ln } from './vmath.ts';

const f = Math.fround;

/**
 * Softmax of beta*x over the middle of [outer, axis, inner] as lowered graphs mean it: exponentials in f32, added up one
 * after the other in f32, divided; `log` takes the logarithm of the quotient (numerics.md 11).
 */
export function loweredSoftmax(
  x: Float32Array,
  { outer, axis, inner }: { readonly outer: number; readonly axis: number; readonly inner: number },
  beta = 1,
  log = false,
): Float32Array {
  const y = new Float32Array(x.length);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const at = (k: number): number => (o * axis + k) * inner + i;
      let top = x[at(0)]!;
      for (let k = 1; k < axis; k++) top = Math.max(top, x[at(k)]!);
      let sum = 0;
      for (let k = 0; k < axis; k++) {
        y[at(k)] = exp(f(f(x[at(k)]! - top) * f(beta)));
        sum = f(sum + y[at(k)]!);
      }
      for (let k = 0; k < axis; k++) y[at(k)] = log ? ln(f(y[at(k)]! / sum)) : y[at(k)]! / sum;
    }
  }
  return y;
}
