import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HistogramCounts } from '../src/statistics/histogram-counts.ts';
import { firstShape, MAX_BINS, nextShape } from '../src/statistics/histogram-shape.ts';
import { LargestValues, mergeLargest } from '../src/statistics/largest-values.ts';
import { statisticsOf } from './statistics-of.ts';

describe('histogram growth (calibration.md 5.3)', () => {
  it('keeps the shape while nothing exceeds the range', () => {
    const shape = firstShape(6, 2048);
    expect(nextShape(shape, 6, 2048)).toBe(shape);
    expect(nextShape(shape, 1, 2048)).toBe(shape);
  });

  it('adds floor((A - T) / (T / n)) + 1 bins', () => {
    const grown = nextShape(firstShape(6, 2048), 9, 2048);
    expect(grown).toMatchObject({ bins: 2048 + 1025, epoch: 0 });
    expect(grown.range).toBe(1025 * (6 / 2048) + 6);
    const again = nextShape(grown, 9.01, 2048);
    expect(again.bins).toBe(3073 + Math.floor((9.01 - grown.range) / (grown.range / 3073)) + 1);
  });

  it('starts anew beyond eight million bins, and forgets what it counted', () => {
    const small = firstShape(1e-4, 2048);
    const restarted = nextShape(small, 1, 2048);
    expect(MAX_BINS).toBe(8_000_000);
    expect(restarted).toMatchObject({ bins: 2048, range: 1, epoch: 1 });
    const histogram = new HistogramCounts();
    histogram.add({ ...small, bins: 3 }, [1, 2, 3]);
    histogram.add({ ...small, bins: 4 }, [1, 1, 1, 1]);
    expect([...histogram.counts]).toEqual([2, 3, 4, 1]);
    histogram.add({ ...restarted, bins: 2 }, [5, 6]);
    expect([...histogram.counts]).toEqual([5, 6]);
  });

  it('ignores samples of zeros, first or later', () => {
    const zeros = new Float32Array(4);
    const ones = Float32Array.of(0, 1, -1, 0.5);
    expect(statisticsOf([zeros, ones, zeros], 'kl').histogram).toEqual(statisticsOf([ones], 'kl').histogram);
    expect(statisticsOf([zeros], 'kl').histogram).toBeUndefined();
  });

  it('survives a restart with any number of collectors', () => {
    const samples = [1e-4, 2e-4, 1, 0.5, 3].map((scale) =>
      Float32Array.from({ length: 50 }, (_, i) => scale * Math.sin(i)),
    );
    const alone = statisticsOf(samples, 'kl');
    expect(statisticsOf(samples, 'kl', { collectors: 2 })).toEqual(alone);
    expect(statisticsOf(samples, 'kl', { collectors: 5 })).toEqual(alone);
  });
});

describe('LargestValues', () => {
  it('keeps what sorting would, however the data are split', () => {
    const floats = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 400, size: 'max' });
    fc.assert(
      fc.property(fc.array(floats, { maxLength: 5 }), fc.integer({ min: 1, max: 60 }), (parts, limit) => {
        const rank = { value: (x: number) => x + 0, negated: (x: number) => 0 - x, magnitude: Math.abs };
        for (const ranking of ['value', 'negated', 'magnitude'] as const) {
          const one = new LargestValues(limit, ranking);
          const lists = parts.map((part) => {
            const own = new LargestValues(limit, ranking);
            own.offer(Float32Array.from(part));
            one.offer(Float32Array.from(part));
            return own.descending();
          });
          const expected = Float32Array.from(parts.flat(), rank[ranking]).sort().reverse().slice(0, limit);
          expect(one.descending()).toEqual(expected);
          expect(mergeLargest(lists, limit)).toEqual(expected);
        }
      }),
      { numRuns: 60 },
    );
  });
});
