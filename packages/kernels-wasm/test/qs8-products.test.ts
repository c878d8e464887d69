import { describe, expect, it } from 'vitest';
import { Finish, type Kernels } from '../src/index.ts';
import { type AccumulatorFinish, type ConvGeometry, convOutputSize, qs8Conv2d } from '../src/scalar/qs8-conv.ts';
import { qs8Gemm } from '../src/scalar/qs8-gemm.ts';
import { type Codes, codes, put, take } from './codes.ts';
import { noise, useKernels } from './tester.ts';

const { fresh } = useKernels();

interface Case {
  readonly label: string;
  readonly xSigned: boolean;
  readonly wSigned: boolean;
  readonly ySigned: boolean;
  readonly kind: 'multiplierShift' | 'qdm';
  readonly relu?: boolean;
  readonly zero?: number;
}

const CASES: readonly Case[] = [
  { label: 'i8*i8 → i8', xSigned: true, wSigned: true, ySigned: true, kind: 'multiplierShift' },
  {
    label: 'u8*u8 → u8 with relu',
    xSigned: false,
    wSigned: false,
    ySigned: false,
    kind: 'multiplierShift',
    relu: true,
  },
  {
    label: 'u8*i8 → i8 with zero point',
    xSigned: false,
    wSigned: true,
    ySigned: true,
    kind: 'multiplierShift',
    zero: -11,
  },
  { label: 'qdm', xSigned: true, wSigned: true, ySigned: true, kind: 'qdm', relu: true },
];

function finishOf(c: Case, channels: number, seed: number): AccumulatorFinish & { bias: Float32Array } {
  const bias = noise(channels, seed, 4000).map(Math.round);
  const zero = c.zero ?? 0;
  const lo = Math.max(c.ySigned ? -128 : 0, c.relu ? zero : -1000);
  const shifts = Int32Array.from(noise(channels, seed + 1), (v, i) =>
    c.kind === 'qdm' ? 3 + (i % 9) : 24 + Math.round(v * 6),
  );
  // One channel scales up, one saturates.
  const multiplier = Int32Array.from(noise(channels, seed + 2), (v) =>
    c.kind === 'qdm' ? Math.round((0.75 + v / 4) * 2 ** 31 * 0.9999) : Math.round((1.5 + v / 2) * 2 ** 17),
  );
  if (channels > 2) {
    shifts[1] = c.kind === 'qdm' ? 0 : -3;
    multiplier[1] = c.kind === 'qdm' ? 2 ** 30 : 1;
    shifts[2] = 1;
    multiplier[2] = c.kind === 'qdm' ? 2 ** 30 : 1;
  }
  return { kind: c.kind, bias, multiplier, rshift: shifts, zero, lo, hi: c.ySigned ? 127 : 255 };
}

const GEOMETRIES: readonly (ConvGeometry & { readonly label: string })[] = (
  [
    ['pointwise', 1, 5, 3, 7, 6, [1, 1], [1, 1], [1, 1], [0, 0, 0, 0], 1],
    ['pointwise, even, many rows', 2, 8, 4, 8, 9, [1, 1], [1, 1], [1, 1], [0, 0, 0, 0], 1],
    ['pointwise stride 2', 1, 4, 7, 9, 5, [1, 1], [2, 2], [1, 1], [0, 0, 0, 0], 1],
    ['3x3 same', 2, 3, 9, 19, 4, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1], 1],
    ['3x3 stride 2, asymmetric pads', 1, 3, 11, 11, 7, [3, 3], [2, 2], [1, 1], [0, 0, 1, 1], 1],
    ['3x3 dilated', 1, 2, 12, 12, 3, [3, 3], [1, 1], [2, 2], [2, 2, 2, 2], 1],
    ['grouped', 1, 6, 6, 10, 4, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1], 2],
    ['1x5 and 5x1', 1, 3, 6, 20, 3, [1, 5], [1, 1], [1, 1], [0, 2, 0, 2], 1],
    ['depthwise 3x3', 2, 5, 7, 21, 5, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1], 5],
    ['depthwise 3x3 stride 2', 1, 3, 9, 33, 3, [3, 3], [2, 2], [1, 1], [0, 0, 1, 1], 3],
    ['depthwise 3x3 halved', 2, 5, 14, 14, 5, [3, 3], [2, 2], [1, 1], [1, 1, 1, 1], 5],
    ['depthwise 3x3 halved, padding behind', 2, 3, 10, 20, 6, [3, 3], [2, 2], [1, 1], [0, 0, 1, 1], 3],
    ['depthwise 3x3 halved, padding on two sides', 1, 3, 8, 18, 3, [3, 3], [2, 2], [1, 1], [1, 0, 0, 1], 3],
    ['depthwise 3x3 halved, to a pixel', 1, 4, 2, 2, 4, [3, 3], [2, 2], [1, 1], [1, 1, 0, 0], 4],
    ['depthwise 3x3 halved, in chunks', 1, 2, 84, 106, 2, [3, 3], [2, 2], [1, 1], [0, 1, 1, 0], 2],
    ['depthwise 5x5 stride 2', 1, 3, 11, 13, 3, [5, 5], [2, 2], [1, 1], [2, 2, 2, 2], 3],
    ['depthwise multiplier 2, dilated', 1, 3, 8, 9, 6, [3, 3], [1, 1], [2, 2], [2, 2, 2, 2], 3],
    ['depthwise stride 3', 1, 2, 10, 10, 2, [3, 3], [3, 3], [1, 1], [1, 1, 1, 1], 2],
    ['3x3 by Winograd, odd sizes', 2, 17, 9, 19, 9, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1], 1],
    ['3x3 by Winograd, no padding', 1, 16, 8, 6, 8, [3, 3], [1, 1], [1, 1], [0, 0, 0, 0], 1],
    ['3x3 by Winograd, wide, lopsided', 1, 18, 5, 151, 10, [3, 3], [1, 1], [1, 1], [2, 0, 0, 3], 1],
    ['3x3 by Winograd, several chunks', 1, 16, 19, 14, 8, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1], 1],
    ['depthwise 5x5', 1, 3, 10, 13, 3, [5, 5], [1, 1], [1, 1], [2, 2, 2, 2], 3],
    ['depthwise 3x3, long rows', 1, 2, 3, 2100, 2, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1], 2],
    ['depthwise 3x3 on a pixel', 1, 3, 1, 1, 3, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1], 3],
    ['depthwise 1x7, dilated columns', 1, 2, 4, 25, 2, [1, 7], [1, 1], [1, 2], [0, 6, 0, 6], 2],
    ['depthwise 3x3 in chunks', 1, 2, 61, 40, 2, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1], 2],
    ['depthwise 7x5, wide padding', 1, 2, 11, 9, 2, [7, 5], [1, 1], [1, 1], [3, 9, 3, 9], 2],
    ['depthwise 3x3, small planes', 2, 5, 7, 7, 5, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1], 5],
    ['depthwise 3x3, small planes, multiplier 2', 1, 3, 14, 20, 6, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1], 3],
    ['depthwise 3x3 on a column', 1, 2, 9, 1, 2, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1], 2],
    ['pointwise, a column left', 1, 7, 7, 7, 21, [1, 1], [1, 1], [1, 1], [0, 0, 0, 0], 1],
    ['pointwise, four columns left', 2, 9, 14, 14, 12, [1, 1], [1, 1], [1, 1], [0, 0, 0, 0], 1],
    ['pointwise, ten columns left', 1, 70, 10, 29, 9, [1, 1], [1, 1], [1, 1], [0, 0, 0, 0], 1],
    ['5x5 stride 2, dilated', 1, 3, 17, 20, 9, [5, 5], [2, 2], [2, 2], [1, 3, 2, 2], 1],
    ['3x4 stride 1 by 2', 2, 4, 7, 15, 8, [3, 4], [1, 2], [1, 1], [1, 1, 1, 2], 2],
    ['depthwise 2x2', 1, 2, 5, 6, 2, [2, 2], [1, 1], [1, 1], [0, 0, 0, 0], 2],
  ] as const
).map(([label, n, ic, ih, iw, oc, kernel, stride, dilation, pads, groups]) => ({
  label,
  n,
  ic,
  ih,
  iw,
  oc,
  kernel,
  stride,
  dilation,
  pads,
  groups,
  pad: 0,
}));

/** The table of `Finish.packed`: what the layer has, and one factor for every channel that float32 can finish. */
function packFinish(k: Kernels, finish: AccumulatorFinish): { table: number; factors: Float32Array } {
  const n = finish.multiplier.length;
  const words = new DataView(new ArrayBuffer(16 * n));
  for (let channel = 0; channel < n; channel++) {
    words.setFloat32(16 * channel, finish.bias?.[channel] ?? 0, true);
    words.setInt32(16 * channel + 4, finish.multiplier[channel]!, true);
    words.setInt32(16 * channel + 8, finish.rshift[channel]!, true);
  }
  const table = put(k, new Uint8Array(words.buffer));
  k.exports.qs8_finish_pack(table, n, finish.zero, finish.lo, finish.hi);
  const entries = new Float32Array(k.memory.buffer, table, 4 * n);
  return { table, factors: Float32Array.from({ length: n }, (_, channel) => entries[4 * channel + 3]!) };
}

function runConv(
  k: Kernels,
  x: Codes,
  w: Codes,
  g: ConvGeometry,
  c: Case,
  finish: AccumulatorFinish,
  isPacked = false,
): { y: Codes; peak: number } {
  const e = k.exports;
  const [oh, ow] = convOutputSize(g);
  const shape = [...g.kernel, ...g.stride, ...g.dilation, ...g.pads, g.groups] as const;
  const [kh, kw] = g.kernel;
  const packed = k.arena.alloc(e.qs8_conv2d_packed_bytes(g.ic, g.oc, kh, kw, ...g.stride, ...g.dilation, g.groups));
  e.qs8_conv2d_pack(put(k, w), c.wSigned ? 1 : 0, packed, g.ic, g.oc, kh, kw, ...g.stride, ...g.dilation, g.groups);
  const scratch = k.arena.alloc(
    e.qs8_conv2d_scratch_bytes(g.ic, g.ih, g.iw, g.oc, kh, kw, ...g.stride, ...g.dilation, ...g.pads, g.groups),
  );
  const count = g.n * g.oc * oh * ow;
  const y = k.arena.alloc(count + 64);
  k.arena.u8(y, count + 64).fill(0x5a);
  const peak = e.qs8_conv2d(
    put(k, x),
    c.xSigned ? 1 : 0,
    packed,
    isPacked ? packFinish(k, finish).table : put(k, Float32Array.from(finish.bias ?? [])),
    isPacked ? 0 : put(k, Int32Array.from(finish.multiplier)),
    isPacked ? 0 : put(k, Int32Array.from(finish.rshift)),
    y,
    1,
    scratch,
    g.n,
    g.ic,
    g.ih,
    g.iw,
    g.oc,
    ...shape,
    g.pad,
    isPacked ? Finish.packed : Finish[c.kind],
    finish.zero,
    finish.lo,
    finish.hi,
  );
  expect(k.arena.u8(y + count, 64).every((byte) => byte === 0x5a)).toBe(true);
  return { y: take(k, y, count, c.ySigned), peak: peak >>> 0 };
}

/** Peaks within what float32 counts exactly need not be told. */
function expectPeak(actual: number, expected: number): void {
  if (expected > 2 ** 24) expect(actual).toBe(expected);
  else expect(actual).toBeLessThanOrEqual(2 ** 24);
}

describe('qs8_conv2d', () => {
  for (const g of GEOMETRIES) {
    it.each(CASES.map((c) => [c.label, c] as const))(`${g.label}, %s`, (_label, c) => {
      const k = fresh();
      const x = codes(g.n * g.ic * g.ih * g.iw, c.xSigned, 7);
      const w = codes((g.oc * g.ic * g.kernel[0] * g.kernel[1]) / g.groups, c.wSigned, 11);
      const finish = finishOf(c, g.oc, 13);
      const padded = { ...g, pad: Math.abs(c.zero ?? 0) };
      const expected = qs8Conv2d(x, w, padded, finish);
      const actual = runConv(k, x, w, padded, c, finish);
      expect(Array.from(actual.y)).toEqual(Array.from(expected.y));
      expectPeak(actual.peak, expected.peak);
      if (c.kind === 'qdm') return;
      const packed = runConv(k, x, w, padded, c, finish, true);
      expect(Array.from(packed.y)).toEqual(Array.from(expected.y));
      expectPeak(packed.peak, expected.peak);
    });
  }

  it('rounds, saturates and biases as the definition does, value by value', () => {
    const k = fresh();
    const c: Case = { label: '', xSigned: true, wSigned: true, ySigned: true, kind: 'multiplierShift' };
    // One channel per interesting (bias, multiplier, shift): ties, huge shifts, biases that no f32 holds, left shifts.
    const biases = [0, 1, -1, 2 ** 24 + 1, -(2 ** 24) - 1, 2 ** 30, -(2 ** 31), 3, 5, -5];
    const multipliers = [1, 1, 1, 1, 11744051, 2 ** 24, 126, 2 ** 31 - 1, -(2 ** 31 - 1), 64];
    const shifts = [1, 1, 0, 22, 47, 63, 70, 31, 31, -20];
    const finish: AccumulatorFinish = {
      kind: 'multiplierShift',
      bias: Float32Array.from(biases),
      multiplier: multipliers,
      rshift: shifts,
      zero: 0,
      lo: -128,
      hi: 127,
    };
    const g: ConvGeometry = {
      n: 1,
      ic: 1,
      ih: 1,
      iw: 256,
      oc: 10,
      kernel: [1, 1],
      stride: [1, 1],
      dilation: [1, 1],
      pads: [0, 0, 0, 0],
      groups: 1,
      pad: 0,
    };
    const x = Int8Array.from({ length: 256 }, (_, i) => i - 128);
    const w = new Int8Array(10).fill(1);
    const expected = Array.from(qs8Conv2d(x, w, g, finish).y);
    expect(Array.from(runConv(k, x, w, g, c, finish).y)).toEqual(expected);
    expect(Array.from(runConv(k, x, w, g, c, finish, true).y)).toEqual(expected);
  });

  it('finishes in float32 on both sides of every code, and only where that is exact', () => {
    const random = noise(4000, 23);
    const counts = { float: 0, other: 0 };
    for (let round = 0; round < 20; round++) {
      const k = fresh();
      const unsigned = round % 2 === 1;
      const [lo, hi] = unsigned ? [0, 255] : [-128, 127];
      const zero = round % 4 === 2 ? Math.round(random[round]! * 60) : 0;
      const channels = 64;
      // Usual scales, ties (a power of two) and a multiplier of one bit.
      const rshift = Int32Array.from({ length: channels }, (_, i) =>
        i % 16 === 0 ? 7 : i % 16 === 1 ? 0 : 20 + (i % 11),
      );
      const multiplier = Int32Array.from(rshift, (rs, i) =>
        i % 16 < 2
          ? 1
          : Math.max(1, Math.round((1.5 + random[round * 64 + i]! / 2) * 2 ** Math.min(rs - 9 + (i % 5), 23))),
      );
      // The sums reach 128 to both sides of where a code begins.
      const bias = Float32Array.from(multiplier, (m, i) => {
        const code = lo + 1 + ((i * 37 + round * 11) % (hi - lo));
        return Math.max(-(2 ** 23), Math.min(2 ** 23, Math.ceil(((code - zero - 0.5) * 2 ** rshift[i]!) / m)));
      });
      const finish: AccumulatorFinish = { kind: 'multiplierShift', bias, multiplier, rshift, zero, lo, hi };
      const { factors } = packFinish(k, finish);
      for (const factor of factors) counts[factor === 0 ? 'other' : 'float']++;
      const c: Case = { label: '', xSigned: true, wSigned: true, ySigned: !unsigned, kind: 'multiplierShift' };
      // Whole tiles, the half tile of four columns, and lanes of rows for one.
      for (const width of [256, 4, 1]) {
        const sizes = { n: 1, ic: 1, ih: 1, iw: width, oc: channels, groups: 1, pad: 0 };
        const g: ConvGeometry = { ...sizes, kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] };
        const x = Int8Array.from({ length: width }, (_, i) => i - (width >> 1));
        const w = new Int8Array(channels).fill(1);
        const expected = qs8Conv2d(x, w, g, finish).y;
        expect(Array.from(runConv(k, x, w, g, c, finish, true).y), `${width} pixels`).toEqual(Array.from(expected));
      }
    }
    expect(counts.float).toBeGreaterThan(counts.other);
    expect(counts.other).toBeGreaterThan(0);
  });
});

describe('qs8_gemm', () => {
  it.each([
    [1, 10, 33, false],
    [1, 8, 2, true],
    [1, 3, 1, false],
    [7, 5, 8, false],
    [17, 3, 64, true],
    [9, 12, 1, true],
  ])('%i x %i x %i', (m, n, kk, transposed) => {
    for (const c of CASES) {
      const k = fresh();
      const e = k.exports;
      const a = codes(m * kk, c.xSigned, 3);
      const b = codes(kk * n, c.wSigned, 5);
      const stored = transposed ? b.slice() : b;
      if (transposed) for (let i = 0; i < kk; i++) for (let j = 0; j < n; j++) stored[j * kk + i] = b[i * n + j]!;
      const finish = finishOf(c, n, 17);
      const packed = k.arena.alloc(e.qs8_gemm_packed_bytes(m, n, kk));
      e.qs8_gemm_pack(put(k, stored), c.wSigned ? 1 : 0, packed, m, n, kk, transposed ? 1 : n, transposed ? kk : 1);
      const scratch = k.arena.alloc(e.qs8_gemm_scratch_bytes(kk));
      const left = put(k, a);
      const run = (kind: number, pointers: readonly [number, number, number]): { y: Codes; peak: number } => {
        const y = k.arena.alloc(m * n);
        // biome-ignore format: one argument per line hides the groups
        const peak = e.qs8_gemm(
          left, c.xSigned ? 1 : 0, packed, ...pointers, y, 1, scratch, m, n, kk, kk, 1, n,
          kind, finish.zero, finish.lo, finish.hi,
        );
        return { y: take(k, y, m * n, c.ySigned), peak: peak >>> 0 };
      };
      const parameters = [put(k, Int32Array.from(finish.multiplier)), put(k, Int32Array.from(finish.rshift))] as const;
      const found = [run(Finish[c.kind], [put(k, finish.bias), ...parameters])];
      if (c.kind !== 'qdm') found.push(run(Finish.packed, [packFinish(k, finish).table, 0, 0]));
      const expected = qs8Gemm(a, b, { m, n, k: kk }, finish);
      for (const { y, peak } of found) {
        expect(Array.from(y), c.label).toEqual(Array.from(expected.c));
        expectPeak(peak, expected.peak);
      }
    }
  });

  it('keeps bare accumulators', () => {
    const k = fresh();
    const e = k.exports;
    const a = codes(3 * 5, true, 1);
    const b = codes(5 * 2, true, 2);
    const packed = k.arena.alloc(e.qs8_gemm_packed_bytes(3, 2, 5));
    e.qs8_gemm_pack(put(k, b), 1, packed, 3, 2, 5, 2, 1);
    const y = k.arena.alloc(24);
    e.qs8_gemm(
      put(k, a),
      1,
      packed,
      0,
      0,
      0,
      y,
      4,
      k.arena.alloc(e.qs8_gemm_scratch_bytes(5)),
      3,
      2,
      5,
      5,
      1,
      2,
      Finish.none,
      0,
      0,
      0,
    );
    const finish: AccumulatorFinish = { kind: 'none', multiplier: [], rshift: [], zero: 0, lo: 0, hi: 0 };
    expect(Array.from(new Int32Array(k.memory.buffer, y, 6))).toEqual(
      Array.from(qs8Gemm(a, b, { m: 3, n: 2, k: 5 }, finish).c),
    );
  });
});
