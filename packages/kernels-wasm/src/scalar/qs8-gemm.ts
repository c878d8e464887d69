import { type AccumulatorFinish, finishAccumulator } from './qs8-conv.ts';

/** The definition of an integer product: A [m, k] by B [k, n], both codes; the finish is per column. */
export function qs8Gemm(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  size: { readonly m: number; readonly n: number; readonly k: number },
  finish: AccumulatorFinish,
): { readonly c: Int32Array; readonly peak: number } {
  const { m, n, k } = size;
  const c = new Int32Array(m * n);
  let peak = 0;
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      let acc = 0;
      for (let j = 0; j < k; j++) acc += a[row * k + j]! * b[j * n + column]!;
      peak = Math.max(peak, Math.abs(acc));
      c[row * n + column] = finishAccumulator(acc, column, finish);
    }
  }
  return { c, peak };
}
