import { describe, expect, it } from 'vitest';
import { asymmetricQParams, scaleOfInt16Output, symmetricQParams } from '../../src/quantization/scale.ts';

describe('symmetric scales (numerics.md 5)', () => {
  it.each([
    [-2.5, 2.5, true, 0.01968503937007874],
    [0, 2.5, false, 0.00980392156862745],
    [-1e-5, 10, true, 10 / 127],
  ])('(%f, %f)', (min, max, signed, scale) => {
    expect(symmetricQParams(min, max)).toMatchObject({ signed, scale, zeroPoint: 0 });
  });
  it('has 4- and 16-bit forms', () => {
    expect(symmetricQParams(-7, 7, 4)).toEqual({ signed: true, scale: 1, zeroPoint: 0, qmin: -8, qmax: 7 });
    expect(symmetricQParams(0, 65535, 16)).toEqual({ signed: false, scale: 1, zeroPoint: 0, qmin: 0, qmax: 65535 });
    expect(scaleOfInt16Output(10 / 127)).toBe(0.0003063819357210699);
  });
});

describe('asymmetric scales (numerics.md 5 and 13)', () => {
  it.each([
    [-1, 3, 8, 0.01568627450980392, -64],
    [-0.3, 6, 8, 0.024705882352941175, -116],
    [0, 6, 8, 0.023529411764705882, 0],
    [0.5, 2.5, 8, 0.00980392156862745, 0],
    [-2, -0.5, 8, 0.00784313725490196, 127],
    [-1, 3, 4, 0.26666666666666666, -4],
    [-1.2, 3, 8, 0.01647058823529412, -55],
    [-16 / 7, 2, 4, 2 / 7, 0],
    [-2, 2, 4, 0.26666666666666666, -1],
  ] as const)('(%f, %f) in %i bits', (min, max, bits, scale, zeroPoint) => {
    const params = asymmetricQParams(min, max, bits);
    expect(params.zeroPoint).toBe(zeroPoint);
    expect(params.scale).toBeCloseTo(scale, 15);
  });
});
