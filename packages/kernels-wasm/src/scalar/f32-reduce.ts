import type { ReduceOpName } from '../op-codes.ts';
import { sumChunked } from './sums.ts';

const f = Math.fround;

/** Reduction over the middle of [outer, axis, inner]. */
export function reduce(op: ReduceOpName, x: Float32Array, outer: number, axis: number, inner: number): Float32Array {
  const y = new Float32Array(outer * inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const v = (k: number): number => x[(o * axis + k) * inner + i]!;
      y[o * inner + i] = reduceOne(op, axis, v, inner === 1);
    }
  }
  return y;
}

/** Contiguous sums are long sums in chunks; strided ones are float64 in order. */
function reduceOne(op: ReduceOpName, n: number, v: (k: number) => number, contiguous: boolean): number {
  const sum = (term: (k: number) => number): number => {
    if (contiguous) return sumChunked(n, term);
    let total = 0;
    for (let k = 0; k < n; k++) total += term(k);
    return total;
  };
  const fold = (two: (a: number, b: number) => number): number => {
    let acc = v(0);
    for (let k = 1; k < n; k++) acc = two(acc, v(k));
    return acc;
  };
  switch (op) {
    case 'sum':
      return sum(v);
    case 'mean':
      return sum(v) / n;
    case 'l1':
      return sum((k) => Math.abs(v(k)));
    case 'l2':
      return Math.sqrt(sum((k) => f(v(k) * v(k))));
    case 'max':
      return fold(Math.max);
    case 'min':
      return fold(Math.min);
    case 'prod':
      return fold((a, b) => f(a * b));
  }
}

/** Index of the largest (or smallest) over the middle; NaN never wins over a number that came first. */
export function argmax(
  x: Float32Array,
  outer: number,
  axis: number,
  inner: number,
  min = false,
  last = false,
): Int32Array {
  const y = new Int32Array(outer * inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const v = (k: number): number => x[(o * axis + k) * inner + i]!;
      let at = 0;
      for (let k = 1; k < axis; k++) {
        const better = min ? v(k) < v(at) : v(k) > v(at);
        if (better || (last && v(k) === v(at))) at = k;
      }
      y[o * inner + i] = at;
    }
  }
  return y;
}
