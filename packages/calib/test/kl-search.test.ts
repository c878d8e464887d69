import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ln, log10 } from '../src/logarithm.ts';
import { klDivergences } from '../src/thresholds/kl.ts';
import { searchKl } from '../src/thresholds/kl-search.ts';

describe('searchKl equals its definition, bit for bit', () => {
  const histogram = (magnitude: number) =>
    fc.array(
      fc.oneof(
        { weight: 2, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: magnitude }) },
      ),
      {
        minLength: 1,
        maxLength: 900,
        size: 'max',
      },
    );

  for (const [name, magnitude] of [
    ['exact float sums', 9000],
    ['sums that round', 2 ** 27],
  ] as const) {
    for (const bits of [8, 4] as const) {
      it(`${name}, ${bits} bits`, () => {
        fc.assert(
          fc.property(histogram(magnitude), (values) => {
            const levels = bits === 8 ? 128 : 8;
            const padded = new Float64Array(Math.ceil(values.length / levels) * levels);
            padded.set(values);
            expect(searchKl(Float64Array.from(values), 0.1, bits).divergences).toEqual(klDivergences(padded, levels));
          }),
          { numRuns: 60 },
        );
      });
    }
  }

  it('an empty histogram', () => {
    const result = searchKl(new Float64Array(256), 0.5);
    expect([...result.divergences]).toEqual([...klDivergences(new Float64Array(256), 128)]);
    expect(result.winner).toBe(0);
  });
});

describe('logarithms', () => {
  it('lie within two units in the last place of the engine', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
        for (const [ours, engine] of [
          [ln(x), Math.log(x)],
          [log10(x), Math.log10(x)],
        ] as const) {
          expect(Math.abs(ours - engine)).toBeLessThanOrEqual(Math.abs(engine) * 2 ** -51);
        }
      }),
      { numRuns: 2000 },
    );
    expect(log10(1e-30)).toBe(-30);
    expect(log10(1)).toBe(0);
    expect(log10(1000)).toBeCloseTo(3, 15);
  });
});
