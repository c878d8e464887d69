import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { klLoss, mseLoss } from '../src/xquant-range/losses.ts';
import { percentileRanks } from '../src/xquant-range/percentile.ts';
import { WindowDivergence } from '../src/xquant-range/prefix-divergence.ts';
import { WindowError } from '../src/xquant-range/prefix-error.ts';
import { searchXquantRange } from '../src/xquant-range/search.ts';
import { searchXquantRangeByDefinition } from '../src/xquant-range/search-by-definition.ts';
import { selectRanks } from '../src/xquant-range/select-ranks.ts';
import { candidateWindows, HISTOGRAM_BINS, type TensorHistogram } from '../src/xquant-range/window.ts';

const sumOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);

/** A histogram of a few narrow and wide humps, with empty stretches. */
const histograms = fc
  .array(
    fc.record({ at: fc.nat(4095), width: fc.integer({ min: 1, max: 3000 }), count: fc.integer({ min: 1, max: 99 }) }),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  .map((humps) => {
    const counts = new Float64Array(HISTOGRAM_BINS);
    for (const { at, width, count } of humps) {
      for (let i = at; i < Math.min(at + width, HISTOGRAM_BINS); i += 1 + (width % 3)) counts[i]! += count;
    }
    return counts;
  });

function tensorOf(counts: Float64Array): TensorHistogram {
  const first = counts.findIndex((count) => count > 0) / 1024 - 2;
  const last = (counts.findLastIndex((count) => count > 0) + 1) / 1024 - 2;
  return { counts, min: -2, max: 2, percentileMin: first, percentileMax: last };
}

describe('losses', () => {
  test('the squared error of a histogram by hand', () => {
    const counts = new Float64Array(HISTOGRAM_BINS);
    counts[10] = 2; // 22 bins left of the window: (32 − 10 − 0.5)²
    counts[40] = 4; // in a level of one bin: 0.5²
    counts[300] = 1; // 12 bins right of its end: (300 − 288 + 0.5)²
    expect(mseLoss(counts, 32, 256, 7)).toBe((2 * 21.5 ** 2 + 4 * 0.25 + 12.5 ** 2) / 7);
    // Levels of two bins: both bins are half a bin from … the middle between them, 0.5 + (0.5 − 0.5).
    expect(mseLoss(counts, 0, 512, 7)).toBe(0.25);
    // Levels of four bins, 40 = 10 · 4: the first of its level, half a bin from the edge.
    expect(
      mseLoss(
        Float64Array.from({ length: 4096 }, (_, i) => (i === 40 ? 1 : 0)),
        0,
        1024,
        1,
      ),
    ).toBe(0.25);
    expect(
      mseLoss(
        Float64Array.from({ length: 4096 }, (_, i) => (i === 41 ? 1 : 0)),
        0,
        1024,
        1,
      ),
    ).toBe(2.25);
  });

  test('the divergence of an evenly filled window is nothing, that of a clipped one is not', () => {
    const counts = new Float64Array(HISTOGRAM_BINS).fill(3);
    expect(klLoss(counts, 0, HISTOGRAM_BINS)).toBeCloseTo(0, 12);
    // Half of the mass goes into the edge bin: p log(p / q) over the bins.
    const [p, q, edge] = [1 / 4096, 1 / 2048, 2049 / 4096];
    const expected = 2047 * p * Math.log10(p / q) + edge * Math.log10(edge / q);
    expect(klLoss(counts, 0, 2048)).toBeCloseTo(expected, 12);
  });

  test('prefix sums give the same squared error in every bit, and the same divergence', () => {
    fc.assert(
      fc.property(histograms, fc.nat(127), fc.integer({ min: 1, max: 128 }), (counts, a, r) => {
        const [start, width] = [a * 32, Math.min(r * 32, HISTOGRAM_BINS - a * 32)];
        const total = sumOf(counts);
        expect(new WindowError(counts, total).of(start, width)).toBe(mseLoss(counts, start, width, total));
        expect(new WindowDivergence(counts, total).of(start, width)).toBeCloseTo(klLoss(counts, start, width), 9);
      }),
      { numRuns: 60, seed: 7, endOnFailure: true },
    );
  });
});

describe('the search', () => {
  test('has the windows of the vendor: one of percentiles, then starts by widths', () => {
    const tensor = tensorOf(new Float64Array(HISTOGRAM_BINS).fill(1));
    const windows = candidateWindows(tensor);
    expect(windows).toHaveLength(1 + 7381);
    expect(windows[1]).toEqual({ low: -2, high: -1.75, start: 0, width: 256 });
    expect(windows.at(-1)!.start + windows.at(-1)!.width).toBeLessThanOrEqual(HISTOGRAM_BINS);
    const limited = candidateWindows(tensor, { min: -1 });
    expect(Math.min(...limited.map(({ low }) => low))).toBe(-1);
  });

  test('from prefix sums chooses what the definition chooses', () => {
    fc.assert(
      fc.property(
        histograms,
        fc.constantFrom('default' as const, 'kl' as const, 'mse' as const),
        (counts, objective) => {
          const tensor = tensorOf(counts);
          expect(searchXquantRange(tensor, { objective })).toEqual(
            searchXquantRangeByDefinition(tensor, { objective }),
          );
        },
      ),
      { numRuns: 3, seed: 11, endOnFailure: true },
    );
  }, 180_000);

  test('kl keeps to where most elements are: a lone bin in the tail resembles itself too well', () => {
    const counts = new Float64Array(HISTOGRAM_BINS);
    for (let i = 1600; i < 2400; i++) counts[i] = i % 2 === 0 ? 1000 : 1;
    counts[3840] = 1;
    const { min, max } = searchXquantRange(
      { counts, min: 0, max: HISTOGRAM_BINS, percentileMin: 1600, percentileMax: 2400 },
      { objective: 'kl' },
    );
    expect(max - min).toBeGreaterThan(400);
    expect(min).toBeLessThan(2000);
    expect(max).toBeGreaterThan(2000);
  });

  test('clips a lone outlier with mse, and keeps limits', () => {
    const counts = new Float64Array(HISTOGRAM_BINS);
    for (let i = 0; i < 400; i++) counts[i] = 1000;
    counts[4095] = 1;
    const tensor = { counts, min: 0, max: 4096, percentileMin: 0, percentileMax: 400 };
    const { min, max } = searchXquantRange(tensor, { objective: 'mse' });
    expect(min).toBe(0);
    expect(max).toBeLessThan(3500);
    expect(searchXquantRange(tensor, { objective: 'mse', limits: { max: 100 } }).max).toBeLessThanOrEqual(100);
  });

  test('a tensor of one value keeps it', () => {
    const counts = new Float64Array(HISTOGRAM_BINS);
    expect(searchXquantRange({ counts, min: 3, max: 3, percentileMin: 3, percentileMax: 3 })).toEqual({
      min: 3,
      max: 3,
    });
  });
});

describe('percentiles', () => {
  test('ranks follow the products of doubles', () => {
    // 1 − 0.9999 is a little less than 1e-4 in doubles, so that 10000 elements lose none at the lower end.
    expect(percentileRanks(10_000)).toEqual({ low: 1, high: 10_000 });
    expect(percentileRanks(10_001)).toEqual({ low: 2, high: 10_000 });
    expect(percentileRanks(100)).toEqual({ low: 1, high: 100 });
    expect(percentileRanks(1000, 0.99)).toEqual({ low: 11, high: 991 });
    expect(percentileRanks(7, 1)).toEqual({ low: 1, high: 7 });
  });

  test('selection equals sorting', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }),
        fc.nat(),
        (list, at) => {
          const values = Float32Array.from(list);
          const rank = 1 + (at % values.length);
          expect(selectRanks(values, [rank, values.length])).toEqual([
            values.toSorted()[rank - 1],
            values.toSorted().at(-1),
          ]);
        },
      ),
    );
  });
});
