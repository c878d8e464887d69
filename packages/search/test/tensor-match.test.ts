import { describe, expect, it } from 'vitest';
import { matchLines, matchSummaryLines, matchTensor } from '../src/index.ts';

const tolerance = [0.9, 0.8] as const;

describe('matchTensor', () => {
  it('tells equal, close and similar apart', () => {
    expect(matchTensor([1, 2], [1, 2], tolerance).status).toBe('EQUAL');
    expect(matchTensor([1.000001, 2], [1, 2], tolerance)).toMatchObject({ status: 'CLOSE', closeOrder: 5 });
    expect(matchTensor([1.0005, 2], [1, 2], tolerance)).toMatchObject({ status: 'CLOSE', closeOrder: 3 });
    expect(matchTensor([1.05, 2], [1, 2], tolerance)).toMatchObject({ status: 'SIMILAR', passed: true });
    expect(matchTensor([2, -1], [1, 2], tolerance)).toMatchObject({ status: 'NOT_SIMLIAR', passed: false });
    expect(matchTensor([1], [1, 2], tolerance)).toMatchObject({ status: 'NOT_MATCH', passed: false });
  });

  it('computes the metrics of the definition', () => {
    // a = (3, 0), b = (1, 0): the same direction, distance 2, middle (2, 0).
    const match = matchTensor([3, 0], [1, 0], tolerance);
    expect(match.cosine).toBe(1);
    expect(match.euclidean).toBeCloseTo(1 - 2 / (2 + 1e-7), 12);
    expect(match.passed).toBe(false);
    // signal variance sum 4.5, noise (2, 0) around its mean: 2
    expect(match.sqnr).toBeCloseTo(10 * Math.log10(2.25), 5);
  });

  it('needs both tolerances to be exceeded, not met', () => {
    expect(matchTensor([3, 0], [1, 0], [1, -10]).passed).toBe(false);
    expect(matchTensor([3, 0], [1, 0], [0.99, -10]).passed).toBe(true);
  });

  it('prints the vendor lines', () => {
    const match = matchTensor([3, 0], [1, 0], tolerance);
    expect(matchLines({ name: 'r1_Relu', shape: [1, 2], match }, false)).toEqual([
      '[r1_Relu                         ]  NOT_SIMLIAR [FAILED]',
    ]);
    expect(matchLines({ name: 'r1_Relu', shape: [2], match }, true)[1]).toBe('    (2,) float32 ');
    const summary = matchSummaryLines([match, matchTensor([1], [1], tolerance)], 'a.npz', 'b.npz');
    expect(summary[0]).toBe('2 compared');
    expect(summary[2]).toBe('  1 equal, 0 close, 0 similar');
    expect(summary.at(-1)).toBe('npz compare FAILED.');
  });
});
