import { describe, expect, it } from 'vitest';
import {
  bf16Bits,
  cvBf16Add,
  cvBf16Bits,
  cvBf16BitsOf,
  cvBf16Multiply,
  cvTruncBf16Bits,
  f16Bits,
  f32Bits,
  f32FromBf16Bits,
  f32FromBits,
  f32FromF16Bits,
  roundToBf16,
  roundToCvBf16,
  roundToF16,
  truncateToBf16,
  widened,
} from '../../src/quantization/float16.ts';

describe('binary16 (numerics.md 3)', () => {
  it.each([
    [0.1, 0x2e66],
    [6e-8, 0x0001],
    [1e-8, 0x0000],
    [-1e-8, 0x8000],
    [65504, 0x7bff],
    [65519, 0x7bff],
    [65520, 0x7c00],
    [-65520, 0xfc00],
    [Number.NaN, 0x7fff],
    [2 ** -14, 0x0400],
    [2 ** -14 * (1 - 2 ** -11), 0x0400],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.0001, 0x0001],
  ])('%f → bits', (value, bits) => {
    expect(f16Bits(value)).toBe(bits);
  });

  it('rounds ties to even', () => {
    expect([roundToF16(2049), roundToF16(2051)]).toEqual([2048, 2052]);
  });

  it('gives back every binary16', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = f32FromF16Bits(bits);
      if (!Number.isNaN(value)) expect(f16Bits(value)).toBe(bits);
    }
  });
});

describe('bfloat16 (numerics.md 3, table)', () => {
  it.each([
    [0x3dcccccd, 0x3dcd, 0x3dcd, 0x3dcc],
    [0x3f808000, 0x3f80, 0x3f80, 0x3f80],
    [0x3f818000, 0x3f82, 0x3f82, 0x3f81],
    [0xc02df84d, 0xc02e, 0xc02e, 0xc02d],
    [0x3eaaaaaa, 0x3eab, 0x3eab, 0x3eaa],
    [0x7f7f8000, 0x7f80, 0x7f7f, 0x7f7f],
    [0xff800000, 0xff80, 0x7f7f, 0xff80],
    [0x000ae398, 0x0000, 0x000b, 0x000a],
  ])('%i', (bits, bm, cvRne, cvTrunc) => {
    const value = f32FromBits(bits);
    expect([bf16Bits(value), cvBf16Bits(value), cvTruncBf16Bits(value)]).toEqual([bm, cvRne, cvTrunc]);
  });

  it('keeps a BM subnormal only when it rounds up to the smallest normal', () => {
    expect(bf16Bits(f32FromBits(0x007fffff))).toBe(0x0080);
    expect(bf16Bits(f32FromBits(0x807f7fff))).toBe(0x8000);
  });

  it('wraps CV18xx NaN payloads', () => {
    expect([0x7fff8000, 0xffff8000, 0x7fc00000].map(cvBf16BitsOf)).toEqual([0x8000, 0x0000, 0x7f7f]);
  });

  it('gives values back', () => {
    expect(f32Bits(f32FromBf16Bits(0x3dcd))).toBe(0x3dcd0000);
    expect([roundToBf16(1.01171875), roundToCvBf16(1.01171875), truncateToBf16(1.01171875)]).toEqual([
      1.015625, 1.015625, 1.0078125,
    ]);
  });
});

describe('CV18xx bfloat16 arithmetic', () => {
  const max = f32FromBf16Bits(0x7f7f);
  it('saturates to the positive maximum whatever the signs', () => {
    expect(cvBf16Multiply(-1e30, 1e30)).toBe(max);
    expect(cvBf16Multiply(Number.NEGATIVE_INFINITY, 1)).toBe(max);
    expect(cvBf16Add(Number.NaN, 1)).toBe(max);
  });
  it('flushes subnormals and minus zero', () => {
    expect(cvBf16Multiply(1e-39, 1e30)).toBe(0);
    expect(Object.is(cvBf16Multiply(-1, 0), 0)).toBe(true);
    expect(cvBf16Add(1e-39, 0)).toBe(0);
  });
  it('rounds once', () => {
    expect(cvBf16Multiply(50.75, 1)).toBe(50.75);
    expect(cvBf16Add(1, 2 ** -9)).toBe(1);
  });
});

describe('16-bit patterns as floats', () => {
  it.each([
    ['binary16', f32FromF16Bits],
    ['bfloat16', f32FromBf16Bits],
  ])('%s: many are what each is', (_, floatOf) => {
    const patterns = Uint16Array.from({ length: 0x10001 }, (_value, at) => at * 7);
    const few = [...patterns].map((pattern) => widened(Uint16Array.of(pattern), floatOf)[0]);
    expect([...widened(patterns, floatOf)]).toEqual(few);
  });
});
