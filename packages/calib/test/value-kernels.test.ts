import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { magnitudeSums } from '../src/statistics/magnitude-sums.ts';
import { octavThreshold } from '../src/statistics/octav.ts';
import { TailCollector } from '../src/statistics/tails.ts';
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

/** Reproducible values with long tails. */
function randomValues(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 3 * (state / 2 ** 31 - 1) ** 5;
  });
}

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

  it('sums of magnitudes above rising and falling bounds, whatever was kept in between (6.3)', () => {
    fc.assert(
      fc.property(data, fc.array(fc.float({ noNaN: true, min: 0, max: 70 }), { maxLength: 8 }), (values, bounds) =>
        withData(values, (x, own, place) => {
          const above = magnitudeSums(own, place);
          for (const bound of bounds.map((b) => Math.max(b, 2 ** -10))) {
            const larger = [...x].map(Math.abs).filter((value) => value > bound);
            // Multiples of 2^-33 that stay below 2^20: no order of adding them rounds.
            expect(above(bound)).toEqual({ sum: larger.reduce((sum, value) => sum + value, 0), count: larger.length });
          }
        }),
      ),
    );
  });

  it('OCTAV of kept values is bit for bit that of all values', () => {
    for (let seed = 1; seed < 40; seed++) {
      const values = randomValues(20_000, seed).map(
        (v) => (seed % 3 === 0 ? Math.max(v, 0) : v) * 10 ** ((seed % 7) - 3),
      );
      withData([...values], (x, own, place) => {
        const min = own.extremes(place).min;
        const slow = octavThreshold((bound) => own.sumAbove(place, bound), x.length, min, seed % 2 === 0 ? 8 : 4);
        const rules = { emptyOctav: Number.NaN, percentileShare: 0.9999 };
        const kind = seed % 2 === 0 ? 'octav' : 'octav4';
        expect(own.sampleNumber(kind, place, own.extremes(place), rules)).toBe(slow);
      });
    }
  });

  it('both tails of samples that are looked at in blocks (6.4)', () => {
    const samples = [1, 2, 3].map((seed) => randomValues(30_000, seed));
    for (const [kept, ranking] of [
      [1, 'signed'],
      [700, 'signed'],
      [700, 'magnitude'],
      [100_000, 'signed'],
    ] as const) {
      const tails = new TailCollector({ cut: { kept, fraction: 0 }, ranking });
      for (const sample of samples) withData([...sample], (_, own, place) => tails.add(place, own));
      const all = samples.flatMap((sample) => [...sample]);
      const descending = (values: number[]) => Float32Array.from(values).sort().reverse().slice(0, kept);
      const { high, low } = tails.collected();
      expect(high).toEqual(descending(ranking === 'signed' ? all : all.map(Math.abs)));
      expect(low).toEqual(ranking === 'signed' ? descending(all.map((v) => -v)) : undefined);
    }
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
