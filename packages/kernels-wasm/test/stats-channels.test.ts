import { describe, expect, it } from 'vitest';
import type { KernelExports as Exports } from '../src/index.ts';
import {
  histogram,
  histogramChannels,
  histogramHalves,
  histogramSigned,
  minmaxChannels,
  momentsChannels,
} from '../src/scalar/stats.ts';
import { guarded, noise, useKernels } from './tester.ts';
import { mixed } from './variants.ts';

const { fresh } = useKernels();

/** One channel, many, channels last, rows shorter than a vector, rows with tails. */
const SHAPES = [
  [1, 1, 1000],
  [2, 3, 49],
  [3, 7, 5],
  [5, 9, 1],
  [1, 4, 1],
  [2, 8, 3],
].map(([outer, channels, inner]) => ({ outer: outer!, channels: channels!, inner: inner! }));

describe.each(SHAPES)('$outer x $channels x $inner', (shape) => {
  const { outer, channels, inner } = shape;
  const count = outer * channels * inner;

  for (const [kind, data] of [
    ['special values', mixed(count, 5)],
    ['noise', noise(count, 3)],
  ] as const) {
    it(`ranges of ${kind}`, () => {
      const kernels = fresh();
      const { exports, arena } = kernels;
      const x = arena.place(data);
      const room = guarded(kernels, 2 * channels);
      const expected = minmaxChannels(data, shape);
      const bits = exports.stats_minmax_channels(x, outer, channels, inner, room.ptr);
      expect([...arena.f32(room.ptr, 2 * channels)]).toEqual(expected.flatMap(({ min, max }) => [min, max]));
      expect(bits).toBe(expected.reduce((all, { nonFinite }) => all | nonFinite, 0));
      room.check('ranges');
    });

    it(`histograms of ${kind}`, () => {
      const { exports, arena } = fresh();
      const x = arena.place(data);
      const widths = Float32Array.from({ length: channels }, (_, c) => 0.05 + 0.01 * c);
      const expected = new Int32Array(channels * 33).fill(2);
      const outside = histogramChannels(data, shape, widths, expected);
      const counts = arena.place(new Int32Array(channels * 33).fill(2));
      expect(exports.stats_histogram_channels(x, outer, channels, inner, arena.place(widths), 33, counts)).toBe(
        outside,
      );
      expect([...arena.i32(counts, channels * 33)]).toEqual([...expected]);
    });
  }

  it('moments', () => {
    const { exports, arena } = fresh();
    const data = noise(count, 7);
    const x = arena.place(data);
    const out = arena.place(new Float64Array(3 * channels));
    exports.stats_moments_channels(x, outer, channels, inner, out);
    const expected = momentsChannels(data, shape).flatMap((m) => [m.sum, m.squares, m.magnitudes]);
    expect([...arena.f64(out, 3 * channels)]).toEqual(expected);
  });
});

describe('histograms that are too large for four columns, and columns that overflow 16 bits', () => {
  const kinds = {
    magnitudes: {
      run: (e: Exports, x: number, n: number, bins: number, out: number) =>
        e.stats_histogram(x, n, Math.fround(1 / (bins - 1)), bins, out),
      twin: (x: Float32Array, bins: number, counts: Int32Array) => histogram(x, Math.fround(1 / (bins - 1)), counts),
    },
    halves: {
      run: (e: Exports, x: number, n: number, bins: number, out: number) =>
        e.stats_histogram_halves(x, n, bins / 2, bins / 2, out),
      twin: (x: Float32Array, bins: number, counts: Int32Array) => histogramHalves(x, bins / 2, counts),
    },
    signed: {
      run: (e: Exports, x: number, n: number, bins: number, out: number) =>
        e.stats_histogram_signed(x, n, -1, Math.fround(2 / bins), bins, out),
      twin: (x: Float32Array, bins: number, counts: Int32Array) =>
        histogramSigned(x, -1, Math.fround(2 / bins), counts),
    },
  };
  const tensors = {
    'equal values': new Float32Array(300_003).fill(0.25),
    'half zeros': noise(300_003, 9).map((v) => Math.max(0, v)),
    'special values': mixed(20_001, 2),
  };

  for (const [kind, { run, twin }] of Object.entries(kinds)) {
    for (const [name, data] of Object.entries(tensors)) {
      it.each([2, 64, 2048, 8190, 8192, 20_000])(`${kind} of ${name}, %i bins`, (bins) => {
        const { exports, arena } = fresh();
        const x = arena.place(data);
        const out = arena.place(new Int32Array(bins));
        const expected = new Int32Array(bins);
        const outside = twin(data, bins, expected);
        // Twice: what the columns kept would show in the second answer.
        for (const times of [1, 2]) {
          expect(run(exports, x, data.length, bins, out)).toBe(outside);
          expect(arena.i32(out, bins).findIndex((count, bin) => count !== expected[bin]! * times)).toBe(-1);
        }
      });
    }
  }
});
