import { describe, expect, it } from 'vitest';
import { type RoundMode, saturate, saturateF32, toInt } from '../../src/quantization/rounding.ts';

describe('toInt (numerics.md 2.1)', () => {
  const modes: readonly RoundMode[] = [
    'HalfAwayFromZero',
    'HalfUp',
    'HalfDown',
    'HalfToEven',
    'TowardsZero',
    'Up',
    'Down',
  ];
  const table: readonly (readonly [number, readonly number[]])[] = [
    [0.5, [1, 1, 0, 0, 0, 1, 0]],
    [-0.5, [-1, 0, -1, 0, 0, 0, -1]],
    [1.5, [2, 2, 1, 2, 1, 2, 1]],
    [2.5, [3, 3, 2, 2, 2, 3, 2]],
    [-2.5, [-3, -2, -3, -2, -2, -2, -3]],
    [-1.25, [-1, -1, -1, -1, -1, -1, -2]],
  ];
  it.each(table)('rounds %f in every mode', (value, expected) => {
    expect(modes.map((mode) => toInt(value, mode))).toEqual(expected);
  });

  it('looks at the exact fraction', () => {
    expect(toInt(0.49999999999999994)).toBe(0);
    // HalfUp adds 0.5 in f64, where the sum is 1.
    expect(toInt(0.49999999999999994, 'HalfUp')).toBe(1);
    // HalfToEven narrows to f32 first, where this is a tie.
    expect(toInt(1.5000000001, 'HalfToEven')).toBe(2);
    expect(toInt(2.5000000001, 'HalfToEven')).toBe(2);
  });

  it('never answers minus zero', () => {
    expect(Object.is(toInt(-0.2), 0)).toBe(true);
    expect(Object.is(toInt(-0.2, 'TowardsZero'), 0)).toBe(true);
  });

  it('turns what no int64 holds into the lowest int64', () => {
    for (const value of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 2 ** 63, 1e30]) {
      expect(toInt(value)).toBe(-(2 ** 63));
    }
    expect(saturate(Number.POSITIVE_INFINITY, 'i8')).toBe(-128);
    expect(saturate(Number.POSITIVE_INFINITY, 'u8')).toBe(0);
  });
});

describe('saturate', () => {
  it('clamps to every type', () => {
    expect([saturate(1e6, 'i4'), saturate(-1e6, 'i4'), saturate(1e6, 'u4'), saturate(-1, 'u4')]).toEqual([
      7, -8, 15, 0,
    ]);
    expect([saturate(127.5, 'i8'), saturate(-128.5, 'i8'), saturate(254.5, 'u8')]).toEqual([127, -128, 255]);
    expect([saturate(4e4, 'i16'), saturate(7e4, 'u16'), saturate(3e9, 'i32')]).toEqual([32767, 65535, 2 ** 31 - 1]);
  });

  it('clamps an f32 above the 32-bit range to 2^31', () => {
    expect(saturateF32(3e9, 'i32')).toBe(2 ** 31);
    expect(saturateF32(300, 'i8')).toBe(127);
  });
});
