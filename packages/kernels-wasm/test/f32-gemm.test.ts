import { describe, it } from 'vitest';
import { BiasMode, UnaryOp } from '../src/index.ts';
import { type GemmShape, gemm } from '../src/scalar/f32-gemm.ts';
import { unary } from '../src/scalar/f32-unary.ts';
import { expectUlp, guarded, noise, useKernels } from './tester.ts';

/** Both sides follow the same written order, so nothing is forgiven. */
const GEMM_ULP = 0;

const SIZES: readonly [m: number, n: number, k: number][] = [
  [1, 1, 1],
  [1, 5, 3],
  [2, 13, 7],
  [3, 12, 9],
  [4, 12, 4],
  [5, 11, 1],
  [1, 130, 260],
  [7, 25, 300],
  [66, 14, 5],
  [13, 245, 17],
  [65, 121, 257],
  [4, 4, 64],
  [4, 8, 0],
  [6, 17, 400],
  [3, 40, 390],
];

describe('f32_gemm', () => {
  const { fresh } = useKernels();
  const layouts = ['plain', 'transposed_a', 'transposed_b', 'packed', 'packed_transposed'] as const;
  it.each(layouts)('%s', (layout) => {
    for (const [m, n, k] of SIZES) {
      const bTransposed = layout === 'transposed_b' || layout === 'packed_transposed';
      const s: GemmShape = {
        m,
        n,
        k,
        aRowStride: layout === 'transposed_a' ? 1 : k + 2,
        aColStride: layout === 'transposed_a' ? m + 1 : 1,
        bRowStride: bTransposed ? 1 : n + 3,
        bColStride: bTransposed ? k + 1 : 1,
        cRowStride: n + 2,
      };
      const a = noise((k + 2) * (m + 1) * 2, 1);
      const b = noise((k + 1) * (n + 3) * 2, 2);
      const biasValues = noise(Math.max(m, n), 3);
      for (const mode of [BiasMode.none, BiasMode.perColumn, BiasMode.perRow]) {
        const label = `${layout} ${m}x${n}x${k} bias ${mode}`;
        const bias =
          mode === BiasMode.none
            ? undefined
            : ({ values: biasValues, along: mode === BiasMode.perRow ? 'row' : 'column' } as const);
        const [lo, hi] = mode === BiasMode.perRow ? [-0.5, 1] : [-Infinity, Infinity];
        const expected = gemm(a, b, bias, s, lo, hi);
        const kernels = fresh();
        const e = kernels.exports;
        const ap = kernels.arena.place(a);
        const bp = kernels.arena.place(b);
        const biasPtr = kernels.arena.place(biasValues.slice(0, mode === BiasMode.perRow ? m : n));
        const scratch = guarded(kernels, e.f32_gemm_scratch_bytes(m, n, k) / 4, 0);
        const c = guarded(kernels, expected.length);
        kernels.arena.f32(c.ptr, expected.length).fill(0);
        if (layout.startsWith('packed')) {
          const packed = guarded(kernels, e.f32_gemm_packed_bytes(n, k) / 4, 0);
          e.f32_gemm_pack(bp, packed.ptr, n, k, s.bRowStride, s.bColStride);
          packed.check(`${label}: pack`);
          const shape = [m, n, k, s.aRowStride, s.aColStride, s.cRowStride, mode, lo, hi] as const;
          e.f32_gemm_packed_unary(ap, packed.ptr, biasPtr, c.ptr, scratch.ptr, ...shape, UnaryOp.gelu, 0, 0);
          const rows = (i: number): boolean => i % s.cRowStride < n;
          const passed = unary('gelu', expected).map((v, i) => (rows(i) ? v : 0));
          expectUlp(kernels.arena.f32(c.ptr, expected.length), passed, GEMM_ULP, `${label}: gelu`);
          e.f32_gemm_packed(ap, packed.ptr, biasPtr, c.ptr, scratch.ptr, ...shape);
        } else {
          e.f32_gemm(
            ap,
            bp,
            biasPtr,
            c.ptr,
            scratch.ptr,
            m,
            n,
            k,
            s.aRowStride,
            s.aColStride,
            s.bRowStride,
            s.bColStride,
            s.cRowStride,
            mode,
            lo,
            hi,
          );
        }
        c.check(label);
        scratch.check(`${label}: scratch`);
        expectUlp(kernels.arena.f32(c.ptr, expected.length), expected, GEMM_ULP, label);
      }
    }
  });
});
