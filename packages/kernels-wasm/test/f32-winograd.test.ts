import { describe, expect, it } from 'vitest';
import { type Kernels, loadKernels, supportsFastKernels } from '../src/index.ts';
import { conv2d } from '../src/scalar/f32-conv.ts';
import { type WinogradShape, winograd } from '../src/scalar/f32-winograd.ts';
import { expectUlp, guarded, noise, useKernels } from './tester.ts';

/** Both sides follow the same written order, so nothing is forgiven in the default binary. */
const WINOGRAD_ULP = 0;
const UNIT = 2 ** -24;

const base: WinogradShape = { n: 1, ic: 5, ih: 9, iw: 11, oc: 9, padTop: 1, padLeft: 1, padBottom: 1, padRight: 1 };

const CASES: Record<string, Partial<WinogradShape>> = {
  odd_sizes: {},
  batch: { n: 3, ih: 6, iw: 5 },
  four_by_four: { ih: 4, iw: 4 },
  one_pixel: { ih: 1, iw: 1 },
  two_columns: { ih: 7, iw: 2, ic: 3 },
  seven_by_seven: { ih: 7, iw: 7, ic: 13, oc: 40 },
  thirteen_by_thirteen: { n: 2, ih: 13, iw: 13, ic: 8, oc: 33 },
  one_output_channel: { oc: 1, ic: 2 },
  blocks_of_channels: { oc: 67, ic: 6, ih: 8, iw: 8 },
  no_pads: { padTop: 0, padLeft: 0, padBottom: 0, padRight: 0, ih: 10, iw: 9 },
  asymmetric_pads: { padTop: 0, padLeft: 2, padBottom: 3, padRight: 0 },
  wide_pads: { padTop: 5, padLeft: 6, padBottom: 4, padRight: 7, ih: 3, iw: 3 },
  blocks_of_rows: { ic: 60, oc: 4, ih: 36, iw: 38 },
};

function run(k: Kernels, x: Float32Array, w: Float32Array, s: WinogradShape, options: RunOptions = {}): Float32Array {
  const { bias, lo = -Infinity, hi = Infinity, name = 'winograd' } = options;
  const { exports: e, arena } = k;
  const size = s.n * s.oc * (s.ih + s.padTop + s.padBottom - 2) * (s.iw + s.padLeft + s.padRight - 2);
  const xp = guarded(k, x.length);
  arena.f32(xp.ptr, x.length).set(x);
  const packed = guarded(k, e.f32_winograd_packed_bytes(s.ic, s.oc) / 4, 0);
  e.f32_winograd_pack(arena.place(w), packed.ptr, s.ic, s.oc);
  packed.check(`${name}: pack`);
  const pads = [s.padTop, s.padLeft, s.padBottom, s.padRight] as const;
  const scratch = guarded(k, e.f32_winograd_scratch_bytes(s.n, s.ic, s.ih, s.iw, ...pads) / 4, 0);
  const y = guarded(k, size);
  const biasAt = bias === undefined ? 0 : arena.place(bias);
  e.f32_winograd(xp.ptr, packed.ptr, biasAt, y.ptr, scratch.ptr, s.n, s.ic, s.ih, s.iw, s.oc, ...pads, lo, hi);
  y.check(name);
  scratch.check(`${name}: scratch`);
  return arena.f32(y.ptr, size).slice();
}

interface RunOptions {
  readonly bias?: Float32Array | undefined;
  readonly lo?: number;
  readonly hi?: number;
  readonly name?: string;
}

describe('f32_winograd', () => {
  const { fresh } = useKernels();
  it.each(Object.entries(CASES))('%s', (name, over) => {
    const s = { ...base, ...over };
    const [x, w, bias] = [noise(s.n * s.ic * s.ih * s.iw, 1), noise(9 * s.oc * s.ic, 2), noise(s.oc, 3)];
    for (const options of [
      { name, bias },
      { name, bias: undefined, lo: -0.25, hi: 0.5 },
    ]) {
      const expected = winograd(x, w, options.bias, s, options.lo, options.hi);
      expectUlp(run(fresh(), x, w, s, options), expected, WINOGRAD_ULP, name);
    }
  });
});

/** Gᵀ, Bᵀ and Aᵀ of the definition, without signs: what an error of one unit can grow to. */
const r = Math.SQRT1_2;
const G = [
  [1, 0, 0],
  [2 / 3, (2 * r) / 3, 1 / 3],
  [2 / 3, (2 * r) / 3, 1 / 3],
  [1 / 6, r / 3, 1 / 3],
  [1 / 6, r / 3, 1 / 3],
  [0, 0, 1],
];
const B = [
  [1, 0, 2.5, 0, 1, 0],
  [0, 2 * r, 2, r, 1, 0],
  [0, 2 * r, 2, r, 1, 0],
  [0, r, 0.5, 2 * r, 1, 0],
  [0, r, 0.5, 2 * r, 1, 0],
  [0, 1, 0, 2.5, 0, 1],
];
const A = [
  [1, 1, 1, 1, 1, 0],
  [0, r, r, 2 * r, 2 * r, 0],
  [0, 0.5, 0.5, 2, 2, 0],
  [0, r / 2, r / 2, 4 * r, 4 * r, 1],
];

type Matrix = readonly (readonly number[])[];

/** m v mᵀ */
function both(m: Matrix, v: Matrix): number[][] {
  const left = m.map((row) => v[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * v[k]![j]!, 0)));
  return left.map((row) => m.map((other) => other.reduce((sum, value, k) => sum + value * row[k]!, 0)));
}

/** The error bound of ABI.md for one tile (padding 0, 6x6 inputs) and one filter, over all input channels. */
function bounds(x: Float32Array, w: Float32Array, s: WinogradShape, oc: number): number[][] {
  const sums: number[][] = Array.from({ length: 6 }, () => Array.from({ length: 6 }, () => 0));
  for (let c = 0; c < s.ic; c++) {
    const square = (data: Float32Array, at: number, side: number): number[][] =>
      Array.from({ length: side }, (_, i) => Array.from(data.subarray(at + i * side, at + (i + 1) * side), Math.abs));
    const [u, v] = [both(G, square(w, 9 * (oc * s.ic + c), 3)), both(B, square(x, 36 * c, 6))];
    for (const [i, row] of sums.entries()) {
      for (let j = 0; j < 6; j++) row[j] = row[j]! + u[i]![j]! * v[i]![j]!;
    }
  }
  return both(A, sums).map((row) => row.map((value) => (s.ic + 32) * UNIT * value));
}

const engineHasIt = supportsFastKernels();
if (!engineHasIt) console.warn('SKIPPED for the fast binary: this engine has no relaxed SIMD');

describe.each(engineHasIt ? (['default', 'fast'] as const) : (['default'] as const))(
  'Winograd, %s binary',
  (binary) => {
    it('stays within its bound of the exact sum', async () => {
      const kernels = await loadKernels({ binary });
      for (const ic of [1, 16, 200]) {
        const s = { ...base, ic, ih: 6, iw: 6, oc: 3, padTop: 0, padLeft: 0, padBottom: 0, padRight: 0 };
        for (const seed of [1, 2, 3]) {
          const [x, w] = [noise(36 * ic, seed), noise(27 * ic, seed + 9)];
          kernels.arena.reset();
          const actual = run(kernels, x, w, s);
          for (let oc = 0; oc < s.oc; oc++) {
            for (const [i, row] of bounds(x, w, s, oc).entries()) {
              for (const [j, bound] of row.entries()) {
                const error = Math.abs(actual[16 * oc + 4 * i + j]! - exactAt(x, w, s, { oc, i, j }));
                expect(error).toBeLessThanOrEqual(bound);
              }
            }
          }
        }
      }
    });

    it('has at most 3 times the error of a direct convolution, by root mean square', async () => {
      const kernels = await loadKernels({ binary });
      for (const [ic, least] of [
        [16, 0],
        [128, -Infinity],
      ] as const) {
        const s = { ...base, ic, ih: 14, iw: 14, oc: 8, padTop: 0, padLeft: 0, padBottom: 0, padRight: 0 };
        const x = noise(196 * ic, 5).map((value) => Math.max(value, least));
        const w = noise(72 * ic, 6);
        kernels.arena.reset();
        const ours = run(kernels, x, w, s);
        const direct = conv2d(x, w, undefined, { ...s, ...DIRECT });
        const [a, b] = [rootMeanSquare(ours, x, w, s), rootMeanSquare(direct, x, w, s)];
        expect(a / b).toBeLessThan(3);
        expect(a / b).toBeGreaterThan(0.5);
      }
    });
  },
);

const DIRECT = { kh: 3, kw: 3, strideH: 1, strideW: 1, dilationH: 1, dilationW: 1, groups: 1 };

/** The exact sum at output (oc, i, j), padding 0. */
function exactAt(x: Float32Array, w: Float32Array, s: WinogradShape, at: { oc: number; i: number; j: number }): number {
  let sum = 0;
  for (let c = 0; c < s.ic; c++) {
    for (let p = 0; p < 9; p++) {
      const [row, column] = [at.i + Math.floor(p / 3), at.j + (p % 3)];
      sum += x[(c * s.ih + row) * s.iw + column]! * w[9 * (at.oc * s.ic + c) + p]!;
    }
  }
  return sum;
}

function rootMeanSquare(y: Float32Array, x: Float32Array, w: Float32Array, s: WinogradShape): number {
  const [oh, ow] = [s.ih - 2, s.iw - 2];
  let sum = 0;
  for (let at = 0; at < y.length; at++) {
    const [oc, pixel] = [Math.floor(at / (oh * ow)), at % (oh * ow)];
    sum += (y[at]! - exactAt(x, w, s, { oc, i: Math.floor(pixel / ow), j: pixel % ow })) ** 2;
  }
  return Math.sqrt(sum / y.length);
}
