import { clamp } from './clamp.ts';

/** Shapes and element strides of `f32_gemm`. */
export interface GemmShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aRowStride: number;
  readonly aColStride: number;
  readonly bRowStride: number;
  readonly bColStride: number;
  readonly cRowStride: number;
}

/** c[m,n] = bias, then += a*b for k ascending, each step rounded to float32; then clamp. */
export function gemm(
  a: Float32Array,
  b: Float32Array,
  bias: { readonly values: Float32Array; readonly along: 'row' | 'column' } | undefined,
  s: GemmShape,
  lo = -Infinity,
  hi = Infinity,
): Float32Array {
  const c = new Float32Array((s.m - 1) * s.cRowStride + s.n);
  for (let i = 0; i < s.m; i++) {
    for (let j = 0; j < s.n; j++) {
      let acc = bias === undefined ? 0 : bias.values[bias.along === 'row' ? i : j]!;
      for (let k = 0; k < s.k; k++) {
        const product = Math.fround(a[i * s.aRowStride + k * s.aColStride]! * b[k * s.bRowStride + j * s.bColStride]!);
        acc = Math.fround(acc + product);
      }
      c[i * s.cRowStride + j] = clamp(acc, lo, hi);
    }
  }
  return c;
}
