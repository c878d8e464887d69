import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ValueData, ValueKernels } from '../src/statistics/value-kernels.ts';
import { kernels } from './statistics-of.ts';

// The definitions, as calibration.md words them; `@q/kernels-wasm` tests its kernels against scalar twins of its own.
const { fround } = Math;

function histogram(x: Float32Array, bins: number, width: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const value of x) {
    if (value === 0) continue;
    const bin = Math.floor(fround(fround(Math.abs(value) / fround(width)) + 0.5));
    if (bin < bins) counts[bin]!++;
  }
  return counts;
}

const data = fc.array(fc.oneof(fc.constant(0), fc.float({ noNaN: true, noDefaultInfinity: true, min: -64, max: 64 })), {
  minLength: 1,
  maxLength: 300,
  size: 'max',
});

function withData(
  values: readonly number[],
  check: (x: Float32Array, own: ValueKernels, place: ValueData) => void,
): void {
  const mark = kernels.arena.mark();
  const own = new ValueKernels(kernels, { allocate: (bytes) => kernels.arena.alloc(bytes), release: () => {} });
  const x = Float32Array.from(values);
  check(x, own, { pointer: kernels.arena.place(x), length: x.length });
  kernels.arena.reset(mark);
}

describe('the statistics kernels compute what the specification says', () => {
  it('extremes', () => {
    fc.assert(
      fc.property(data, (values) =>
        withData(values, (x, own, place) => {
          const { min, max, finite } = own.extremes(place);
          expect([min + 0, max + 0, finite]).toEqual([Math.min(...x) + 0, Math.max(...x) + 0, true]);
        }),
      ),
    );
  });

  it('a NaN or an infinity, and where it is', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      withData([1, 2, 3, 4, bad, 6], (_, own, place) => {
        expect(own.extremes(place).finite).toBe(false);
        expect(own.findNonFinite(place)).toBe(4);
      });
    }
  });

  it('histograms of magnitudes, zeros left out (5.1)', () => {
    fc.assert(
      fc.property(data, fc.integer({ min: 2, max: 400 }), (values, bins) =>
        withData(values, (x, own, place) => {
          const width = Math.max(...x.map(Math.abs)) / (bins - 1) || 1;
          expect([...own.histogram(place, bins, width)]).toEqual(histogram(x, bins, width));
        }),
      ),
    );
  });

  it('mean absolute deviations (6.5)', () => {
    fc.assert(
      fc.property(data, (values) =>
        withData(values, (x, own, place) => {
          const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
          const deviation = x.reduce((sum, value) => sum + Math.abs(value - mean), 0) / x.length;
          const laplace = own.sampleNumber('aciq-laplace', place, own.extremes(place), {
            emptyOctav: Number.NaN,
            percentileShare: 0.9999,
          });
          expect(Math.abs(laplace - 9.89675982 * deviation)).toBeLessThanOrEqual(1e-4 * (1 + deviation));
        }),
      ),
    );
  });
});
