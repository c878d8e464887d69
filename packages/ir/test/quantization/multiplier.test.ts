import { describe, expect, it } from 'vitest';
import {
  bm1684RightShift,
  bm1684RightShiftByLog,
  getScaleAndShift,
  getScaleAndShiftPositive,
  type MultiplierShift,
  mulI8,
  rsMul,
  rsMulQdm,
} from '../../src/quantization/multiplier.ts';

const pair = ({ multiplier, rshift }: MultiplierShift): readonly number[] => [multiplier, rshift];

/** numerics.md 2.4: s, A 32-bit, A 8-bit, A positive 8-bit, B 127, B 255, C. `undefined` is "reject". */
const table: readonly (readonly [number, number[], number[], number[] | undefined, number[], number[], number[]])[] = [
  [0.1234, [4140617, 25], [63, 9], [63, 9], [126, 10], [252, 11], [2119995857, 3]],
  [0.5, [1, 1], [1, 1], [1, 1], [64, 7], [128, 8], [1073741824, 0]],
  [0.7, [11744051, 24], [45, 6], [45, 6], [89, 7], [179, 8], [1503238554, 0]],
  [1.0, [1, 0], [1, 0], [1, 0], [64, 6], [128, 7], [2147481501, 0]],
  [1.7, [7130317, 22], [109, 6], [109, 6], [108, 6], [217, 7], [2147481501, 0]],
  [0.003, [1610613, 29], [49, 14], [49, 14], [98, 15], [196, 16], [1649267442, 8]],
  [0.0025, [1342177, 29], [41, 14], [41, 14], [81, 15], [163, 16], [1374389535, 8]],
  [100.3, [6573261, 16], [25, -2], [100, 0], [100, 0], [200, 1], [2147481501, 0]],
  [254, [127, -1], [1, -8], undefined, [127, 0], [254, 0], [2147481501, 0]],
  [1e-6, [537, 29], [67, 26], [67, 26], [67, 26], [134, 27], [1125899907, 19]],
  [0, [0, -32], [0, -32], [0, 0], [0, 0], [0, 0], [0, 0]],
];

describe('multiplier and shift (numerics.md 2.4, table)', () => {
  it.each(table)('s = %f', (s, a32, a8, positive8, b127, b255, c) => {
    expect(pair(getScaleAndShift(s, 32))).toEqual(a32);
    expect(pair(getScaleAndShift(s, 8))).toEqual(a8);
    if (positive8) expect(pair(getScaleAndShiftPositive(s, 8))).toEqual(positive8);
    else expect(() => getScaleAndShiftPositive(s, 8)).toThrowError(/no 8-bit multiplier/);
    expect(pair(rsMul(s, 127))).toEqual(b127);
    expect(pair(rsMul(s, 255))).toEqual(b255);
    expect(pair(rsMulQdm(s))).toEqual(c);
  });

  it('handles the edges', () => {
    expect(pair(rsMul(127.5))).toEqual([127, 0]);
    expect(pair(rsMulQdm(0.9999999999999999))).toEqual([2 ** 30, -1]);
    expect(pair(rsMulQdm(1e-10))).toEqual([0, 0]);
    expect(() => getScaleAndShiftPositive(126.5, 8)).toThrowError();
    expect(pair(getScaleAndShiftPositive(126.4, 8))).toEqual([126, 0]);
    expect(() => getScaleAndShift(Number.NaN, 32)).toThrowError();
  });

  it('keeps 32-bit multipliers within an f32', () => {
    for (let index = 1; index < 2000; index++) {
      const { multiplier } = getScaleAndShift(index * 0.00123457, 32);
      expect(Math.fround(multiplier)).toBe(multiplier);
    }
  });

  it('gives the 8-bit code under a shared shift', () => {
    const { rshift } = rsMul(0.25);
    expect([rshift, mulI8(0.25, rshift), mulI8(-0.1, rshift), mulI8(0.0333, rshift)]).toEqual([8, 64, -25, 8]);
  });

  it('has the BM1684 shifts', () => {
    expect([bm1684RightShift(0.5, 2 / 127, 3 / 127), bm1684RightShiftByLog(0.5, 2 / 127, 3 / 127)]).toEqual([8, 8]);
    expect([bm1684RightShift(0.9, 4 / 127, 1 / 127), bm1684RightShiftByLog(0.9, 4 / 127, 1 / 127)]).toEqual([5, 5]);
    expect([bm1684RightShift(200, 1, 1), bm1684RightShiftByLog(200, 1, 1)]).toEqual([-1, -1]);
  });
});
