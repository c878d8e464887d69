import { describe, expect, it } from 'vitest';
import { octavThreshold } from '../src/statistics/octav.ts';
import { klDivergences } from '../src/thresholds/kl.ts';
import { searchKl } from '../src/thresholds/kl-search.ts';
import { methodTable } from '../src/thresholds/method-table.ts';
import { statisticsOf } from './statistics-of.ts';
import { sampleA, sampleB } from './vectors.ts';

const reluA = sampleA.map((x) => Math.max(x, 0));
const rounded = (values: ArrayLike<number>, digits: number) => Array.from(values, (value) => value.toFixed(digits));

describe('statistics test vectors (calibration.md 13.1)', () => {
  it('has the samples that the specification describes', () => {
    expect(rounded(sampleA.slice(2, 5), 10)).toEqual(['-0.2105384022', '-0.0180649702', '0.0003447903']);
  });

  const runs = [
    ['a', [sampleA], 2048, 0.00293111871, -5, 6, 2.2510991, 1.9931607, 4.7717546, 4.9708381, 4.949995],
    ['a, b', [sampleA, sampleB], 3073, 0.00293064117, -5, 9, 2.6258545, 2.4851837, 5.8335275, 5.4227324, 5.5686932],
    ['b, a', [sampleB, sampleA], 2048, 0.00439667807, -5, 9, 2.8138738, 2.497313, 5.8335275, 5.4227324, 5.5686932],
    ['relu(a)', [reluA], 2048, 0.00293111871, 0, 6, 2.2510991, 1.9931607, 5.5746062, 2.7113662, 3.4035833],
  ] as const;

  for (const [name, samples, bins, width, min, max, kl8, kl4, mse, gauss, laplace] of runs) {
    it(`run ${name}`, () => {
      const statistics = statisticsOf(samples, 'kl');
      const { counts, width: ourWidth } = statistics.histogram!;
      expect(counts.length).toBe(bins);
      expect(ourWidth).toBeCloseTo(width, 11);
      expect([statistics.min, statistics.max]).toEqual([min, max]);
      expect(methodTable.kl.choose(statistics).threshold).toBeCloseTo(kl8, 7);
      expect(searchKl(counts, ourWidth, 4).threshold).toBeCloseTo(kl4, 7);
      for (const [method, threshold] of [
        ['mse', mse],
        ['aciq_gauss', gauss],
        ['aciq_laplace', laplace],
      ] as const) {
        const ours = methodTable[method].choose(statisticsOf(samples, method)).threshold;
        expect(Math.abs(ours - threshold), method).toBeLessThan(1e-6);
      }
    });
  }

  it('the histogram and the divergences of run a', () => {
    const { counts, width } = statisticsOf([sampleA], 'kl').histogram!;
    expect([...counts.slice(0, 8)]).toEqual([5410, 2392, 1448, 1098, 906, 778, 688, 622]);
    expect(counts.reduce((sum, count) => sum + count)).toBe(60012);
    expect(counts.filter((count) => count > 0).length).toBe(685);
    const { divergences, winner } = searchKl(counts, width);
    expect(rounded(divergences, 6).join(' ')).toBe(
      '0.813329 0.554359 0.345209 0.175406 0.045781 0.024380 0.028142 0.031609 0.034861 ' +
        '0.037896 0.040761 0.043478 0.046063 0.048123 0.050481 0.052335',
    );
    expect(winner).toBe(5);
    expect(searchKl(counts, width).threshold).toBe(Math.fround(width * 6 * 128));
  });

  it('thresholds of each sample by mse, whose mean is taken', () => {
    const each = (samples: readonly Float32Array[]) => rounded(statisticsOf(samples, 'mse').numbers!.octav!, 7);
    expect(each([sampleA])).toEqual(['4.7717546']);
    expect(each([sampleA, sampleB])).toEqual(['4.7717546', '6.8953004']);
    expect(each([sampleB, sampleA])).toEqual(['6.8953004', '4.7717546']);
    expect(each([reluA])).toEqual(['5.5746062']);
  });

  it('the grown histogram of run a, b', () => {
    const { counts, width } = statisticsOf([sampleA, sampleB], 'kl').histogram!;
    expect(width * (counts.length - 1)).toBeCloseTo(9.00292969, 8);
    expect(counts.findLastIndex((count) => count > 0)).toBe(3071);
  });

  it('does not depend on how many collectors share the samples', () => {
    const samples = [sampleA, reluA, sampleB, sampleA, sampleB];
    for (const method of ['kl', 'mse', 'percentile9999', 'aciq_laplace'] as const) {
      expect(statisticsOf(samples, method, { collectors: 3 })).toEqual(statisticsOf(samples, method));
    }
  });
});

describe('small KLD cases (calibration.md 13.2)', () => {
  const cases: [name: string, count: (j: number) => number, total: number, divergences: string[], threshold: number][] =
    [
      [
        'a long tail',
        (j) => (j < 128 ? Math.max(1000 - 8 * j, 0) : j % 16 === 0 ? 1 : 0),
        63008,
        ['0.003259', '0.000030'],
        128,
      ],
      ['a tie goes to the shorter', (j) => (j < 128 ? 10 : 0), 1280, ['0.000000', '0.000000'], 64],
    ];
  for (const [name, count, total, divergences, threshold] of cases) {
    it(name, () => {
      const counts = Float64Array.from({ length: 256 }, (_, j) => count(j));
      expect(counts.reduce((sum, value) => sum + value)).toBe(total);
      expect(rounded(klDivergences(counts, 128), 6)).toEqual(divergences);
      expect(searchKl(counts, 0.5).threshold).toBe(threshold);
    });
  }
});

describe('percentile ramp and octav (calibration.md 13.3)', () => {
  for (const [opIndex, kept, vmin, vmax, threshold] of [
    [0, 13, -2.4975007, 2.4977506, 2.4977506],
    [50, 7, -2.4989998, 2.4992497, 2.4992497],
    [99, 1, -5, 9, 9],
  ] as const) {
    it(`op ${opIndex} of 100`, () => {
      const statistics = statisticsOf([sampleA, sampleB], 'percentile9999', { opIndex });
      expect(statistics.tails!.cut.kept).toBe(kept);
      const choice = methodTable.percentile9999.choose(statistics);
      expect(choice.min).toBeCloseTo(vmin, 7);
      expect(choice.max).toBeCloseTo(vmax, 7);
      expect(choice.threshold).toBeCloseTo(threshold, 7);
    });
  }

  it('octav of five values', () => {
    const threshold = (values: readonly number[]) => {
      const data = Float32Array.from(values);
      const above = (bound: number) => {
        const kept = data.map(Math.abs).filter((x) => x > bound);
        return { sum: kept.reduce((sum, x) => sum + x, 0), count: kept.length };
      };
      return octavThreshold(above, data.length, Math.min(...data));
    };
    expect(threshold([0.1, 0.2, 0.3, 0.4, 10])).toBeCloseTo(9.99979655, 6);
    expect(threshold([0.1, -0.2, 0.3, -0.4, 10])).toBeCloseTo(9.99979655, 6);
    expect(threshold([0, 0.2, 0.3, 0.4, 10])).toBeCloseTo(9.99994914, 6);
    expect(threshold([0, 0])).toBeNaN();
  });
});
