import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { roundBf16, roundF16 } from '../src/scalar/float16.ts';
import { lookUp } from '../src/scalar/lut.ts';
import { qs8Add, qs8AddShared, qs8Mul, qs8MulQdm } from '../src/scalar/qs8-binary.ts';
import { qs8MaxPool } from '../src/scalar/qs8-pool.ts';
import { quantizeValue } from '../src/scalar/quantize.ts';
import { multiplyShift } from '../src/scalar/requant.ts';
import { codes, put, take } from './codes.ts';
import { noise, TAIL_LENGTHS, useKernels } from './tester.ts';

const { fresh } = useKernels();

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

describe('qs8_add_shared and qs8_mul_qdm', () => {
  it.each(TAIL_LENGTHS)('length %i', (n) => {
    const [a, b] = [codes(n, true, 31), codes(n, true, 32)];
    const range = { zero: 0, lo: -100, hi: 127 };
    for (const [mA, mB, shift] of [
      [127, -128, 7],
      [1, 1, 0],
      [3, 1, 1],
      [-255, 255, 9],
    ] as const) {
      const k = fresh();
      const at = put(k, a);
      k.exports.qs8_add_shared(at, mA, put(k, b), mB, shift, at, n, range.lo, range.hi);
      const expected = Array.from(a, (code, i) => qs8AddShared([code, b[i]!], [mA, mB], shift, range));
      expect(Array.from(take(k, at, n, true))).toEqual(expected);
    }
    for (const [multiplier, rshift] of [
      [2 ** 30, 6],
      [1503238554, 0],
      [2 ** 31 - 1, 8],
      [2 ** 30, -1],
      [2 ** 30, 31],
    ] as const) {
      const k = fresh();
      const at = put(k, b);
      k.exports.qs8_mul_qdm(put(k, a), at, at, n, multiplier, rshift, range.lo, range.hi);
      const expected = Array.from(a, (code, i) => qs8MulQdm([code, b[i]!], { multiplier, rshift }, range));
      expect(Array.from(take(k, at, n, true))).toEqual(expected);
    }
  });
});

describe('qs8_maxpool2d', () => {
  it.each([
    [2, 7, 21, 4, 11, [2, 2], [2, 2], [0, 0]],
    [3, 9, 33, 9, 33, [3, 3], [1, 1], [1, 1]],
    [1, 13, 13, 13, 13, [5, 5], [1, 1], [2, 2]],
    [2, 1, 40, 1, 20, [1, 3], [1, 2], [0, 1]],
    [2, 11, 112, 6, 56, [3, 3], [2, 2], [1, 1]],
    [2, 9, 50, 3, 17, [3, 4], [3, 3], [0, 1]],
    [1, 4, 3, 4, 3, [3, 3], [1, 1], [1, 1]],
    [1, 8, 9, 4, 5, [2, 2], [2, 2], [0, 0]],
  ] as const)('%i planes of %i x %i', (planes, ih, iw, oh, ow, kernel, stride, pads) => {
    for (const signed of [true, false]) {
      const k = fresh();
      const x = codes(planes * ih * iw, signed, 21);
      const y = k.arena.alloc(planes * oh * ow);
      const scratch = k.arena.alloc(k.exports.qs8_maxpool2d_scratch_bytes(iw, ow, kernel[1], stride[1], pads[1]));
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
