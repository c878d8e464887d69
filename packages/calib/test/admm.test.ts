import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { searchAdmm } from '../src/thresholds/admm-search.ts';

/** One start of the algorithm as bm1684-tools.md 9.4 writes it. */
function byDefinition(values: readonly number[], start: number): number {
  const codeOf = (x: number, scale: number): number =>
    Math.sign(x) * Math.min(127, Math.floor(Math.abs(x) / scale + 0.5));
  let scale = start;
  for (let round = 0; round < 300; round++) {
    const codes = values.map((x) => codeOf(x, scale));
    const squares = codes.reduce((sum, code) => sum + code * code, 0);
    if (squares === 0) return scale;
    const next = values.reduce((sum, x, i) => sum + x * codes[i]!, 0) / squares;
    if (Math.abs(next - scale) <= 1e-6 * scale) return next;
    scale = next;
  }
  return scale;
}

describe('alternating minimisation', () => {
  it('is what its definition says', () => {
    const values = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -50, max: 50 }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 1e-3, max: 2, noNaN: true }), (x, start) => {
        const expected = byDefinition(x, start);
        expect(Math.abs(searchAdmm({ values: x }, [start]) / expected - 1)).toBeLessThan(1e-9);
      }),
    );
  });

  it('takes the best of its starts, and weights as repetitions', () => {
    const values = [0.1, -0.4, 3, 3, 3, 9];
    const one = searchAdmm({ values }, [9 / 127, 9 / 317.5]);
    expect(searchAdmm({ values: [9, 3, -0.4, 0.1], weights: [1, 3, 1, 1] }, [9 / 127, 9 / 317.5])).toBeCloseTo(one, 12);
    expect(searchAdmm({ values: [0, 0] }, [0])).toBe(0);
  });
});
