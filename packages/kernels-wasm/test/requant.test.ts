import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyRequant,
  applyRequantCv18xx,
  multiplyByQuantizedMultiplier,
  multiplyShift,
  roundingShiftRight,
  roundingShiftRightSafe,
  type ShiftRounding,
} from '../src/scalar/requant.ts';

const modes: readonly ShiftRounding[] = [
  'HalfAwayFromZero',
  'HalfUp',
  'HalfDown',
  'HalfToEven',
  'TowardsZero',
  'Up',
  'Down',
];

describe('rounding right shift (numerics.md 2.2, tables)', () => {
  it.each([
    [5, [1, 1, 1, 1, 1, 2, 1]],
    [6, [2, 2, 1, 2, 1, 2, 1]],
    [10, [3, 3, 2, 2, 2, 3, 2]],
    [-5, [-1, -1, -1, -1, -1, -1, -2]],
    [-6, [-2, -1, -2, -2, -1, -1, -2]],
    [-7, [-2, -2, -2, -2, -1, -1, -2]],
    [-10, [-3, -2, -3, -2, -2, -2, -3]],
  ])('%i >> 2', (value, expected) => {
    expect(modes.map((mode) => Number(roundingShiftRight(BigInt(value), 2, mode)))).toEqual(expected);
    expect(modes.map((mode) => roundingShiftRightSafe(value, 2, mode))).toEqual(expected);
  });

  it.each([
    [32, { HalfUp: 1, HalfAwayFromZero: 1, HalfDown: 0, HalfToEven: 0 }],
    [-32, { HalfUp: 0, HalfAwayFromZero: -1, HalfDown: -1, HalfToEven: 0 }],
    [96, { HalfUp: 2, HalfAwayFromZero: 2, HalfDown: 1, HalfToEven: 2 }],
    [-96, { HalfUp: -1, HalfAwayFromZero: -2, HalfDown: -2, HalfToEven: -2 }],
  ])('%i >> 6', (value, expected) => {
    for (const [mode, result] of Object.entries(expected)) {
      expect(Number(roundingShiftRight(BigInt(value), 6, mode as ShiftRounding))).toBe(result);
    }
  });

  it('shifts left for negative counts and stops at 63', () => {
    expect(roundingShiftRight(3n, -4, 'HalfUp')).toBe(48n);
    expect(roundingShiftRight(-1n, 200, 'Down')).toBe(-1n);
    expect(roundingShiftRight(2n ** 62n, 200, 'HalfUp')).toBe(1n);
  });

  it('has one answer in both number forms', () => {
    const value = fc.integer({ min: -(2 ** 40), max: 2 ** 40 });
    fc.assert(
      fc.property(value, fc.integer({ min: -10, max: 63 }), fc.constantFrom(...modes), (x, n, mode) => {
        expect(roundingShiftRightSafe(x, n, mode)).toBe(Number(roundingShiftRight(BigInt(x), n, mode)));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('applying a multiplier (numerics.md 2.3)', () => {
  const qdm = (multiplier: number, rshift: number) =>
    ({ multiplier, rshift, mode: 'QDM', rounding: 'HalfAwayFromZero' }) as const;

  it.each([
    [1503238554, 1, 10, 4],
    [1503238554, 1, -10, -4],
    [1503238554, 1, 30, 11],
    [1503238554, 1, -30, -11],
    [1503238554, 1, 50, 18],
    [1503238554, 1, -50, -18],
    [2 ** 30, 1, 3, 1],
    [2 ** 30, 1, -3, -1],
    [2 ** 30, 1, 5, 2],
    [2 ** 30, 1, -5, -1],
    [2 ** 30, 1, 7, 2],
    [2 ** 30, 1, -7, -2],
    [2 ** 30, -1, 1234, 1234],
  ])('CV18xx QDM (%i, %i) of %i', (multiplier, rshift, value, expected) => {
    expect(applyRequantCv18xx(value, qdm(multiplier, rshift))).toBe(expected);
    // A BM chip stores the same pair with the shift negated.
    expect(applyRequant(value, qdm(multiplier, -rshift))).toBe(expected);
  });

  it('saturates between the two roundings', () => {
    expect(multiplyByQuantizedMultiplier(-(2 ** 31), -(2 ** 31), 0, 'HalfUp')).toBe(2 ** 31 - 1);
  });

  it('differs between the two families', () => {
    const requant = { multiplier: 85, rshift: 7, mode: 'MultiplierShift', rounding: 'HalfUp' } as const;
    expect([3, -3, 100].map((value) => applyRequant(value, requant))).toEqual([2, -2, 66]);
    expect([3, -3, 100].map((value) => applyRequantCv18xx(value, requant))).toEqual([2, -2, 66]);
    // 2^24 + 1 is no f32.
    const one = { multiplier: 1, rshift: 0, mode: 'MultiplierShift', rounding: 'HalfUp' } as const;
    expect(applyRequant(2 ** 24 + 1, one)).toBe(2 ** 24 + 1);
    expect(applyRequantCv18xx(2 ** 24 + 1, one)).toBe(2 ** 24);
    expect(() => applyRequantCv18xx(1, { ...one, rshift: 31 })).toThrowError(RangeError);
  });

  it('is exact for products beyond 2^53', () => {
    expect(multiplyShift(2 ** 30 + 1, 2 ** 30 + 1, 31, 'HalfUp')).toBe(2 ** 29 + 1);
    expect(multiplyShift(16400, 2829315, 29, 'HalfUp')).toBe(86);
    expect(multiplyShift(-3, 1, 1, 'HalfUp')).toBe(-1);
    expect(multiplyShift(-3, 1, 1, 'HalfAwayFromZero')).toBe(-2);
    expect(applyRequant(5, { multiplier: 99, rshift: 1, mode: 'OnlyShift', rounding: 'HalfUp' })).toBe(3);
  });
});
