import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Finish, type Kernels } from '../src/index.ts';
import { roundBf16, roundF16 } from '../src/scalar/float16.ts';
import { lookUp } from '../src/scalar/lut.ts';
import { qs8Add, qs8Mul } from '../src/scalar/qs8-binary.ts';
import { type AccumulatorFinish, type ConvGeometry, convOutputSize, qs8Conv2d } from '../src/scalar/qs8-conv.ts';
import { qs8Gemm } from '../src/scalar/qs8-gemm.ts';
import { qs8MaxPool } from '../src/scalar/qs8-pool.ts';
import { quantizeValue } from '../src/scalar/quantize.ts';
import { multiplyShift } from '../src/scalar/requant.ts';
import { noise, TAIL_LENGTHS, useKernels } from './tester.ts';

const { fresh } = useKernels();

type Codes = Int8Array | Uint8Array;

/** Random codes over the whole range, with the extremes well represented. */
function codes(count: number, signed: boolean, seed: number): Codes {
  const values = Array.from(noise(count, seed, 160), (v) => (signed ? Math.round(v) : Math.round(Math.abs(v) * 1.6)));
  const clamp = (v: number): number => Math.min(Math.max(v, signed ? -128 : 0), signed ? 127 : 255);
  return signed ? Int8Array.from(values, clamp) : Uint8Array.from(values, clamp);
}

function put(k: Kernels, data: ArrayBufferView): number {
  const at = k.arena.alloc(data.byteLength);
  new Uint8Array(k.memory.buffer, at, data.byteLength).set(
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  return at;
}

function take(k: Kernels, at: number, count: number, signed: boolean): Codes {
  return signed
    ? new Int8Array(k.memory.buffer, at, count).slice()
    : new Uint8Array(k.memory.buffer, at, count).slice();
}

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
    ['depthwise 5x5 stride 2', 1, 3, 11, 13, 3, [5, 5], [2, 2], [1, 1], [2, 2, 2, 2], 3],
    ['depthwise multiplier 2, dilated', 1, 3, 8, 9, 6, [3, 3], [1, 1], [2, 2], [2, 2, 2, 2], 3],
    ['depthwise stride 3', 1, 2, 10, 10, 2, [3, 3], [3, 3], [1, 1], [1, 1, 1, 1], 2],
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

function runConv(
  k: Kernels,
  x: Codes,
  w: Codes,
  g: ConvGeometry,
  c: Case,
  finish: AccumulatorFinish,
): { y: Codes; peak: number } {
  const e = k.exports;
  const [oh, ow] = convOutputSize(g);
  const shape = [...g.kernel, ...g.stride, ...g.dilation, ...g.pads, g.groups] as const;
  const [kh, kw] = g.kernel;
  const packed = k.arena.alloc(e.qs8_conv2d_packed_bytes(g.ic, g.oc, kh, kw, g.groups));
  e.qs8_conv2d_pack(put(k, w), c.wSigned ? 1 : 0, packed, g.ic, g.oc, kh, kw, g.groups);
  const scratch = k.arena.alloc(
    e.qs8_conv2d_scratch_bytes(g.ic, g.ih, g.iw, kh, kw, ...g.stride, ...g.dilation, ...g.pads, g.groups),
  );
  const count = g.n * g.oc * oh * ow;
  const y = k.arena.alloc(count + 64);
  k.arena.u8(y, count + 64).fill(0x5a);
  const peak = e.qs8_conv2d(
    put(k, x),
    c.xSigned ? 1 : 0,
    packed,
    put(k, Float32Array.from(finish.bias ?? [])),
    put(k, Int32Array.from(finish.multiplier)),
    put(k, Int32Array.from(finish.rshift)),
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
    Finish[c.kind],
    finish.zero,
    finish.lo,
    finish.hi,
  );
  expect(k.arena.u8(y + count, 64).every((byte) => byte === 0x5a)).toBe(true);
  return { y: take(k, y, count, c.ySigned), peak: peak >>> 0 };
}

describe('qs8_conv2d', () => {
  for (const g of GEOMETRIES) {
    it.each(CASES.map((c) => [c.label, c] as const))(`${g.label}, %s`, (_label, c) => {
      const k = fresh();
      const x = codes(g.n * g.ic * g.ih * g.iw, c.xSigned, 7);
      const w = codes((g.oc * g.ic * g.kernel[0] * g.kernel[1]) / g.groups, c.wSigned, 11);
      const finish = finishOf(c, g.oc, 13);
      const padded = { ...g, pad: c.zero ?? 0 };
      const expected = qs8Conv2d(x, w, padded, finish);
      const actual = runConv(k, x, w, padded, c, finish);
      expect(Array.from(actual.y)).toEqual(Array.from(expected.y));
      expect(actual.peak).toBe(expected.peak);
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
    expect(Array.from(runConv(k, x, w, g, c, finish).y)).toEqual(Array.from(qs8Conv2d(x, w, g, finish).y));
  });
});

describe('qs8_gemm', () => {
  it.each([
    [1, 10, 33, false],
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
      const packed = k.arena.alloc(e.qs8_gemm_packed_bytes(n, kk));
      e.qs8_gemm_pack(put(k, stored), c.wSigned ? 1 : 0, packed, n, kk, transposed ? 1 : n, transposed ? kk : 1);
      const y = k.arena.alloc(m * n);
      const peak = e.qs8_gemm(
        put(k, a),
        c.xSigned ? 1 : 0,
        packed,
        put(k, finish.bias),
        put(k, Int32Array.from(finish.multiplier)),
        put(k, Int32Array.from(finish.rshift)),
        y,
        1,
        k.arena.alloc(e.qs8_gemm_scratch_bytes(kk)),
        m,
        n,
        kk,
        kk,
        1,
        n,
        Finish[c.kind],
        finish.zero,
        finish.lo,
        finish.hi,
      );
      const expected = qs8Gemm(a, b, { m, n, k: kk }, finish);
      expect(Array.from(take(k, y, m * n, c.ySigned)), c.label).toEqual(Array.from(expected.c));
      expect(peak >>> 0).toBe(expected.peak);
    }
  });

  it('keeps bare accumulators', () => {
    const k = fresh();
    const e = k.exports;
    const a = codes(3 * 5, true, 1);
    const b = codes(5 * 2, true, 2);
    const packed = k.arena.alloc(e.qs8_gemm_packed_bytes(2, 5));
    e.qs8_gemm_pack(put(k, b), 1, packed, 2, 5, 2, 1);
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

describe('requant_x32', () => {
  it.each([
    [1, 1],
    [1, 0],
    [11744051, 24],
    [2 ** 24, 47],
    [127, -3],
    [2 ** 31 - 1, 31],
    [3, 63],
    [-85, 7],
    [1, -31],
    [0, -32],
  ])('x * %i >> %i', (multiplier, rshift) => {
    const k = fresh();
    const edges = [0, 1, -1, 2, -2, 3, -3, 5, -5, 64, -64, 127, -128, 2 ** 24, -(2 ** 24), 2 ** 31 - 1, -(2 ** 31)];
    const x = Int32Array.from([...edges, ...noise(500, 3, 2 ** 20)], Math.round);
    const y = k.arena.alloc(x.length * 4);
    for (const rounding of ['HalfUp', 'HalfAwayFromZero'] as const) {
      for (const [bytes, zero, lo, hi] of [
        [1, 0, -128, 127],
        [2, 5, -32768, 32767],
      ] as const) {
        k.exports.requant_x32(
          put(k, x),
          y,
          bytes,
          x.length,
          multiplier,
          rshift,
          rounding === 'HalfUp' ? 0 : 1,
          zero,
          lo,
          hi,
        );
        const found = bytes === 1 ? take(k, y, x.length, true) : new Int16Array(k.memory.buffer, y, x.length);
        const expected = Array.from(x, (v) =>
          Math.min(Math.max(multiplyShift(v, multiplier, rshift, rounding) + zero, lo), hi),
        );
        expect(Array.from(found)).toEqual(expected);
      }
    }
  });
});

describe('qs8_add and qs8_mul', () => {
  it.each(TAIL_LENGTHS)('length %i', (n) => {
    const k = fresh();
    for (const [aSigned, bSigned, zero] of [
      [true, true, 0],
      [false, true, 0],
      [false, false, 3],
    ] as const) {
      const a = codes(n, aSigned, n);
      const b = codes(n, bSigned, n + 1);
      const range = { zero, lo: -128, hi: 127 };
      const operands = [
        { zero: 0, multiplier: 85, rshift: 8 },
        { zero, multiplier: -107, rshift: 7 },
      ] as const;
      const [pa, pb, y] = [put(k, a), put(k, b), k.arena.alloc(n)];
      k.exports.qs8_add(pa, aSigned ? 1 : 0, 0, 85, 8, pb, bSigned ? 1 : 0, zero, -107, 7, y, n, zero, -128, 127);
      const sums = Array.from(a, (code, i) => qs8Add([code, b[i]!], operands, range));
      expect(Array.from(take(k, y, n, true))).toEqual(sums);
      for (const [multiplier, rshift] of [
        [81, 13],
        [3, 0],
        [126, 30],
      ] as const) {
        k.exports.qs8_mul(pa, aSigned ? 1 : 0, 0, pb, bSigned ? 1 : 0, zero, y, n, multiplier, rshift, zero, -128, 127);
        const products = Array.from(a, (code, i) => qs8Mul([code, b[i]!], [0, zero], { multiplier, rshift }, range));
        expect(Array.from(take(k, y, n, true))).toEqual(products);
      }
    }
  });
});

describe('look-up tables', () => {
  it('indexes by the raw byte', () => {
    const k = fresh();
    const x = Int8Array.from({ length: 256 }, (_, i) => i - 128);
    const table = Int8Array.from({ length: 256 }, (_, i) => (i * 37) & 255);
    const real = noise(256, 3);
    const y = k.arena.alloc(1024);
    k.exports.lut_x8(put(k, x), put(k, table), y, 256);
    expect(Array.from(take(k, y, 256, true))).toEqual(Array.from(lookUp(x, table)));
    k.exports.lut_x8_x32(put(k, x), put(k, real), y, 256);
    expect(Array.from(new Float32Array(k.memory.buffer, y, 256))).toEqual(Array.from(lookUp(x, real)));
  });
});

describe('f16_round and bf16_round', () => {
  const edges = [
    0,
    -0,
    1,
    65504,
    65519,
    65520,
    -65520,
    2 ** -14,
    2 ** -14 * (1 - 2 ** -12),
    2 ** -24,
    2 ** -25,
    6e-8,
    1e-8,
    2049,
    2051,
    Infinity,
    -Infinity,
    NaN,
    1e-39,
    -1e-39,
    3.3961775e38,
    1.00390625,
    1.01171875,
    2 ** -126,
    2 ** -126 * (1 - 2 ** -9),
  ];
  it.each(TAIL_LENGTHS)('length %i', (n) => {
    const k = fresh();
    const x = Float32Array.from(
      { length: n },
      (_, i) => edges[i % edges.length]! * (i < edges.length ? 1 : noise(n, 9)[i]! * 2 ** ((i % 40) - 20)),
    );
    const y = k.arena.alloc(n * 4);
    k.exports.f16_round(put(k, x), y, n);
    expect(Array.from(new Float32Array(k.memory.buffer, y, n))).toEqual(Array.from(x, roundF16));
    k.exports.bf16_round(put(k, x), y, n);
    expect(Array.from(new Float32Array(k.memory.buffer, y, n))).toEqual(Array.from(x, roundBf16));
  });
});

describe('f32_to_q8', () => {
  const edges = [
    0.5,
    -0.5,
    0.49999997,
    -0.49999997,
    1.5,
    2.5,
    -2.5,
    126.5,
    127.5,
    -128.5,
    1e9,
    -1e9,
    1e30,
    -1e30,
    NaN,
    Infinity,
    -Infinity,
    -0,
    1e-40,
  ];
  it.each(TAIL_LENGTHS)('length %i', (n) => {
    const k = fresh();
    const random = noise(n, 5, 200);
    const x = Float32Array.from({ length: n }, (_, i) => edges[i % 37] ?? random[i]!);
    const y = k.arena.alloc(n);
    for (const half of [false, true]) {
      for (const [inverse, zero, lo, hi] of [
        [1, 0, -128, 127],
        [50.8, 0, -128, 127],
        [1.7, -11, 0, 255],
      ] as const) {
        const p = { inverse: half ? roundF16(inverse) : Math.fround(inverse), half, zero, lo, hi };
        k.exports.f32_to_q8(put(k, x), y, n, p.inverse, half ? 1 : 0, zero, lo, hi);
        expect(Array.from(take(k, y, n, lo < 0))).toEqual(Array.from(x, (value) => quantizeValue(value, p)));
      }
    }
  });
});

describe('qs8_maxpool2d', () => {
  it.each([
    [2, 7, 21, 4, 11, [2, 2], [2, 2], [0, 0]],
    [3, 9, 33, 9, 33, [3, 3], [1, 1], [1, 1]],
    [1, 13, 13, 13, 13, [5, 5], [1, 1], [2, 2]],
    [2, 1, 40, 1, 20, [1, 3], [1, 2], [0, 1]],
  ] as const)('%i planes of %i x %i', (planes, ih, iw, oh, ow, kernel, stride, pads) => {
    for (const signed of [true, false]) {
      const k = fresh();
      const x = codes(planes * ih * iw, signed, 21);
      const y = k.arena.alloc(planes * oh * ow);
      const scratch = k.arena.alloc(k.exports.qs8_maxpool2d_scratch_bytes(iw));
      k.exports.qs8_maxpool2d(
        put(k, x),
        signed ? 1 : 0,
        y,
        scratch,
        planes,
        ih,
        iw,
        oh,
        ow,
        kernel[0],
        kernel[1],
        stride[0],
        stride[1],
        pads[0],
        pads[1],
      );
      const expected = qs8MaxPool(x, { planes, ih, iw, oh, ow, kernel, stride, pads });
      expect(Array.from(take(k, y, planes * oh * ow, signed))).toEqual(Array.from(expected));
    }
  });
});

describe('the binary', () => {
  it('holds the integer kernels', async () => {
    const bytes = await readFile(new URL('../wasm/kernels.wasm', import.meta.url));
    const names = WebAssembly.Module.exports(await WebAssembly.compile(bytes)).map(({ name }) => name);
    for (const name of ['qs8_conv2d', 'qs8_gemm', 'qs8_add', 'qs8_mul', 'lut_x8', 'f16_round'])
      expect(names).toContain(name);
  });
});
