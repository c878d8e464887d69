import { describe, expect, it } from 'vitest';
import { cosine, OutputComparison, pairSums, sqnrDb, vendorSimilarity } from '../src/index.ts';

describe('similarity', () => {
  it('is the textbook cosine', () => {
    const sums = pairSums([3, 4], [4, 3]);
    expect(cosine(sums)).toBeCloseTo(24 / 25, 15);
    expect(vendorSimilarity(sums)).toBeCloseTo(0.98, 15);
    expect(cosine(pairSums([1, 2], [-1, -2]))).toBeCloseTo(-1, 15);
  });

  it('gives zero vectors a value: equal ones agree, one alone does not; the vendor says 0.5', () => {
    expect(cosine(pairSums([0, 0], [0, 0]))).toBe(1);
    expect(cosine(pairSums([0, 0], [1, 0]))).toBe(0);
    expect(vendorSimilarity(pairSums([0, 0], [0, 0]))).toBe(0.5);
  });

  it('measures noise in dB', () => {
    // Signal 100, noise 1: 20 dB.
    expect(sqnrDb(pairSums([10, 0], [10, 1]))).toBeCloseTo(20, 12);
    expect(sqnrDb(pairSums([1], [1]))).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('OutputComparison', () => {
  it('averages cosines over samples and pools the noise', () => {
    const comparison = new OutputComparison();
    comparison.add([{ name: 'y', data: [3, 4] }], [{ name: 'y_f32', data: [4, 3] }]);
    comparison.add([{ name: 'y', data: [1, 0] }], [{ name: 'y_f32', data: [1, 0] }]);
    const [y] = comparison.result();
    expect(y).toMatchObject({ name: 'y', worstCosine: 24 / 25, maxError: 1 });
    expect(y!.cosine).toBeCloseTo((24 / 25 + 1) / 2, 15);
    expect(y!.sqnrDb).toBeCloseTo(10 * Math.log10(26 / 2), 12);
  });

  it('refuses networks whose outputs do not pair', () => {
    const comparison = new OutputComparison();
    expect(() => comparison.add([{ name: 'y', data: [1] }], [])).toThrow('1 and 0 outputs');
    expect(() => comparison.add([{ name: 'y', data: [1] }], [{ name: 'z', data: [1, 2] }])).toThrow(
      'Calc loss fail:y vs z',
    );
  });
});
