import { asymmetricParameters, coveredRange } from '@q/backend-spacemit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('asymmetric parameters', () => {
  it.each([
    [-1, 2, 0.0117647061, -43],
    [0, 6, 0.0235294122, -128],
    [0, 1, 0.00392156886, -128],
    [-3, 0, 0.0117647061, 127],
    [0, 0, 2 ** -23, -128],
    [2, 4, 0.0156862754, -128],
  ])('of [%d, %d]', (min, max, scale, zeroPoint) => {
    const found = asymmetricParameters(min, max);
    expect(found.scale).toBeCloseTo(scale, 9);
    expect(found.zeroPoint).toBe(zeroPoint);
    expect(found.scale).toBe(Math.fround(found.scale));
  });

  it('always have a code for 0 and cover the interval up to half a step', () => {
    const bound = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(bound, bound, (a, b) => {
        const [min, max] = [Math.min(a, b, 0), Math.max(a, b, 0)];
        const { scale, zeroPoint } = asymmetricParameters(min, max);
        expect(zeroPoint).toBeGreaterThanOrEqual(-128);
        expect(zeroPoint).toBeLessThanOrEqual(127);
        expect(scale * (-128 - zeroPoint)).toBeLessThanOrEqual(min + scale * 0.5001);
        expect(scale * (127 - zeroPoint)).toBeGreaterThanOrEqual(max - scale * 0.5001);
      }),
    );
  });
});

describe('the interval of a calibrated value', () => {
  it('is what was observed, cut to the threshold, in symmetric plans', () => {
    expect(coveredRange({ threshold: 2, min: -1, max: 5 }, false)).toEqual({ min: -1, max: 2 });
    expect(coveredRange({ threshold: 2, min: -7, max: 0.5 }, false)).toEqual({ min: -2, max: 0.5 });
    expect(coveredRange({ threshold: 9, min: 1, max: 5 }, false)).toEqual({ min: 0, max: 5 });
  });

  it('is the plan’s own in asymmetric plans', () => {
    expect(coveredRange({ threshold: 2, min: -7, max: 5 }, true)).toEqual({ min: -7, max: 5 });
  });
});
