import { describe, expect, it } from 'vitest';
import { KernelError, type Kernels, loadKernels, supportsFastKernels } from '../src/index.ts';
import { type Conv2dShape, conv2d, conv2dOutput } from '../src/scalar/f32-conv.ts';
import { EXPORT_CASES, hashOf } from './export-cases.ts';
import { noise } from './tester.ts';

const engineHasIt = supportsFastKernels();
if (!engineHasIt)
  console.warn('SKIPPED: this engine has no relaxed SIMD (Node 22 has, Node 20 with --experimental-wasm-relaxed-simd)');

/** Exports whose inner loops multiply and add with `madd`. */
const FUSED = ['f32_conv2d', 'f32_deconv2d', 'f32_gemm', 'f32_gemm_packed', 'f32_winograd'];
const UNIT = 2 ** -24;

describe('the fast binary', () => {
  it('is refused with a code where the engine cannot run it, and never chosen by itself', async () => {
    expect((await loadKernels()).binary).toBe('default');
    if (engineHasIt) {
      expect((await loadKernels({ binary: 'fast' })).binary).toBe('fast');
    } else {
      const failure = await loadKernels({ binary: 'fast' }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(KernelError);
      expect(failure).toMatchObject({ code: 'kernels.engine.relaxed-simd' });
    }
  });

  it.runIf(engineHasIt)('is recognised from its module alone', async () => {
    const { module } = await loadKernels({ binary: 'fast' });
    expect((await loadKernels({ module })).binary).toBe('fast');
  });

  it.runIf(engineHasIt)('gives the bits of the default but in convolutions and matrix products', async () => {
    const [plain, fast] = [await loadKernels(), await loadKernels({ binary: 'fast' })];
    const differing = Object.keys(EXPORT_CASES).filter(
      (name) => hashOf(name, plain.exports, plain.arena) !== hashOf(name, fast.exports, fast.arena),
    );
    expect(differing.filter((name) => !FUSED.includes(name))).toEqual([]);
  });

  it.runIf(engineHasIt)('keeps matrix products within (k + 2) * 2^-24 of the sum of magnitudes', async () => {
    const kernels = await loadKernels({ binary: 'fast' });
    for (const [m, n, k] of [
      [1, 40, 300],
      [3, 13, 90],
      [4, 8, 1],
      [7, 33, 100],
      [9, 40, 600],
    ] as const) {
      const [a, b] = [noise(m * k, m), noise(k * n, n)];
      const actual = product(kernels, a, b, { m, n, k });
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          const terms = Array.from({ length: k }, (_, at) => a[i * k + at]! * b[at * n + j]!);
          const exact = terms.reduce((sum, term) => sum + term, 0);
          const magnitude = terms.reduce((sum, term) => sum + Math.abs(term), 0);
          expect(Math.abs(actual[i * n + j]! - exact)).toBeLessThanOrEqual((k + 2) * UNIT * magnitude);
        }
      }
    }
  });

  it.runIf(engineHasIt)('rounds once in products of few rows too, where the machine can', async () => {
    const [plain, fast] = [await loadKernels(), await loadKernels({ binary: 'fast' })];
    const isFused = (m: number): boolean => {
      const [a, b, size] = [noise(m * 64, 5), noise(64 * 40, 6), { m, n: 40, k: 64 }];
      const exact = product(plain, a, b, size);
      return product(fast, a, b, size).some((value, i) => value !== exact[i]);
    };
    expect([1, 3].map(isFused)).toEqual([isFused(8), isFused(8)]);
  });

  it.runIf(engineHasIt)('keeps convolutions within the same budget, twice, of the definition', async () => {
    const kernels = await loadKernels({ binary: 'fast' });
    for (const [ic, oc, groups, k, stride] of [
      [16, 24, 1, 3, 1],
      [16, 16, 16, 3, 1],
      [16, 16, 16, 3, 2],
      [64, 48, 1, 1, 1],
      [3, 16, 1, 7, 2],
    ] as const) {
      const shape = { ...FRAME, ic, oc, groups, kh: k, kw: k, strideH: stride, strideW: stride };
      const x = noise(ic * FRAME.ih * FRAME.iw, 3);
      const w = noise((oc * ic * k * k) / groups, 4);
      const expected = conv2d(x, w, undefined, shape);
      const magnitudes = conv2d(x.map(Math.abs), w.map(Math.abs), undefined, shape);
      const actual = convolution(kernels, x, w, shape);
      const terms = (ic / groups) * k * k;
      expect(actual.length).toBe(expected.length);
      const beyond = expected.findIndex(
        (value, i) => !(Math.abs(actual[i]! - value) <= 2 * (terms + 2) * UNIT * magnitudes[i]!),
      );
      expect(beyond).toBe(-1);
    }
  });
});

const FRAME = { n: 1, ih: 15, iw: 17, dilationH: 1, dilationW: 1, padTop: 1, padLeft: 1, padBottom: 1, padRight: 1 };

function convolution({ exports: e, arena }: Kernels, x: Float32Array, w: Float32Array, s: Conv2dShape): Float32Array {
  arena.reset();
  const { oh, ow } = conv2dOutput(s);
  const [px, pw, y] = [arena.place(x), arena.place(w), arena.allocF32(s.oc * oh * ow)];
  const packed = arena.alloc(e.f32_conv2d_packed_bytes(s.ic, s.oc, s.kh, s.kw, s.groups));
  e.f32_conv2d_pack(pw, packed, s.ic, s.oc, s.kh, s.kw, s.groups);
  const steps = [s.strideH, s.strideW, s.dilationH, s.dilationW] as const;
  const rest = [s.oc, s.kh, s.kw, ...steps, s.padTop, s.padLeft, s.padBottom, s.padRight, s.groups] as const;
  const scratch = arena.alloc(e.f32_conv2d_scratch_bytes(s.ic, s.ih, s.iw, ...rest));
  e.f32_conv2d(px, packed, 0, y, scratch, s.n, s.ic, s.ih, s.iw, ...rest, -Infinity, Infinity);
  return arena.f32(y, s.oc * oh * ow).slice();
}

function product(
  { exports, arena }: Kernels,
  a: Float32Array,
  b: Float32Array,
  { m, n, k }: { m: number; n: number; k: number },
): Float32Array {
  arena.reset();
  const [pa, pb, c] = [arena.place(a), arena.place(b), arena.allocF32(m * n)];
  const scratch = arena.alloc(exports.f32_gemm_scratch_bytes(m, n, k));
  exports.f32_gemm(pa, pb, 0, c, scratch, m, n, k, k, 1, n, 1, n, 0, -Infinity, Infinity);
  return arena.f32(c, m * n).slice();
}
