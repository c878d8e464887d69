import type { Dataset } from '@q/dataset';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrate, decodeStatistics, encodeStatistics, mergeSavedStatistics } from '../src/index.ts';
import {
  binWidth,
  type Distribution,
  emptyDistribution,
  mergeDistributions,
  POOLED_BINS,
} from '../src/pooled/distribution.ts';
import { DistributionBuilder } from '../src/pooled/distribution-builder.ts';
import { fromExact, toExact } from '../src/pooled/exact-sum.ts';
import { pooledMethodTable } from '../src/pooled/method-table.ts';
import { ValueKernels } from '../src/statistics/value-kernels.ts';
import { channelWorker } from './channel-worker.ts';
import { noise, randomDataset, smallNetwork } from './small-network.ts';
import { kernels } from './statistics-of.ts';

const own = new ValueKernels(kernels, { allocate: (bytes) => kernels.arena.alloc(bytes), release: () => {} });

// The room for counts is allocated at the first use: before any mark.
own.halvesHistogram({ pointer: kernels.arena.place(Float32Array.of(1)), length: 1 }, POOLED_BINS, 1);

function distributionOf(samples: readonly Float32Array[]): Distribution {
  const builder = new DistributionBuilder();
  for (const sample of samples) {
    const mark = kernels.arena.mark();
    const data = { pointer: kernels.arena.place(sample), length: sample.length };
    const { min, max } = own.extremes(data);
    builder.add(own, data, { min, max, length: sample.length, moments: own.moments(data) });
    kernels.arena.reset(mark);
  }
  return builder.distribution;
}

const samples = fc.array(
  fc
    .array(fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e9), max: Math.fround(1e9) }), {
      minLength: 1,
      maxLength: 9,
    })
    .map((x) => Float32Array.from(x)),
  { minLength: 1, maxLength: 6 },
);

/** Comparing 8192 counts one by one in a matcher is slow. */
function same(a: Distribution, b: Distribution): boolean {
  const text = ({ sum, squares, magnitudes, ...rest }: Distribution): string =>
    JSON.stringify([`${sum}`, `${squares}`, `${magnitudes}`, rest.count, rest.min, rest.max, rest.exponent ?? null]);
  const counts = (distribution: Distribution): string =>
    [...distribution.positive, '|', ...distribution.negative].join();
  return text(a) === text(b) && counts(a) === counts(b);
}

describe('exact sums', () => {
  it('of doubles are doubles again', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(fromExact(toExact(x))).toBe(x === 0 ? 0 : x);
      }),
    );
  });

  it('do not depend on the order', () => {
    expect(fromExact(toExact(1e300) + toExact(1) + toExact(-1e300))).toBe(1);
    expect(fromExact(toExact(0.1) + toExact(0.2) + toExact(0.3))).toBe(0.6);
    expect(fromExact(toExact(2 ** 53) + toExact(1))).toBe(2 ** 53);
    expect(fromExact(toExact(2 ** 53) + toExact(1) + toExact(2 ** -60))).toBe(2 ** 53 + 2);
  });
});

describe('distributions', () => {
  it('count every value once, in the bin that holds it', () => {
    const { positive, negative, ...known } = distributionOf([Float32Array.of(0, 1, -1, 3.5, -0, 0.25)]);
    expect(known).toMatchObject({ count: 6, min: -1, max: 3.5 });
    expect(fromExact(known.sum)).toBe(3.75);
    const width = binWidth({ ...known, positive, negative });
    expect(3.5 / width).toBeGreaterThanOrEqual(2048);
    expect(3.5 / width).toBeLessThan(4096);
    expect([0.25, 1, 3.5].map((x) => positive[x / width])).toEqual([1, 1, 1]);
    expect(negative[1 / width]).toBe(1);
    expect(positive.reduce((sum, count) => sum + count) + negative.reduce((sum, count) => sum + count)).toBe(4);
  });

  it('merge to the same, however the samples are split and in whatever order', () => {
    fc.assert(
      fc.property(samples, fc.nat(), (all, seed) => {
        const whole = distributionOf(all);
        const cut = seed % (all.length + 1);
        const [a, b] = [distributionOf(all.slice(0, cut)), distributionOf(all.slice(cut))];
        expect(same(mergeDistributions(a, b), whole)).toBe(true);
        expect(same(mergeDistributions(b, a), whole)).toBe(true);
        const singles = all.map((sample) => distributionOf([sample])).reverse();
        expect(same(singles.reduce(mergeDistributions, emptyDistribution), whole)).toBe(true);
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });
});

describe('thresholds of known distributions (bm1684-tools.md 9)', () => {
  const count = 100_000;
  const uniform = (() => {
    const next = noise(7);
    return Float32Array.from({ length: count }, () => next());
  })();
  /** Inverse distribution functions at evenly spaced places: no chance in it. */
  const laplace = Float32Array.from({ length: count }, (_, i) => {
    const u = (i + 0.5) / count - 0.5;
    return -Math.sign(u) * Math.log(1 - 2 * Math.abs(u));
  });
  const normal = (() => {
    const next = noise(3);
    return Float32Array.from({ length: count }, () => {
      const [u, v] = [(next() + 1) / 2 || 1e-12, next()];
      return Math.sqrt(-2 * Math.log(u)) * Math.cos(Math.PI * v);
    });
  })();
  const of = (data: Float32Array, method: keyof typeof pooledMethodTable) =>
    pooledMethodTable[method]!(distributionOf([data]), 8).threshold;
  const between = (value: number, low: number, high: number) => {
    expect(value).toBeGreaterThanOrEqual(low);
    expect(value).toBeLessThanOrEqual(high);
  };

  it('uniform: nearly all of it', () => {
    for (const method of ['kl', 'symkl', 'jsd', 'mse', 'percentile9999', 'admm', 'max'] as const) {
      between(of(uniform, method), 0.99, 1);
    }
  });

  it('normal', () => {
    for (const method of ['kl', 'symkl', 'jsd'] as const) between(of(normal, method), 3.5, 4.6);
    between(of(normal, 'aciq_gauss'), 3.85, 4.0);
    between(of(normal, 'mse'), 3.8, 4.05);
    between(of(normal, 'percentile9999'), 3.5, 4.1);
    between(of(normal, 'admm'), 3.7, 4.1);
  });

  it('Laplace', () => {
    between(of(laplace, 'aciq_laplace'), 9.8, 10);
    between(of(laplace, 'mse'), 9.5, 10.8);
    between(of(laplace, 'percentile9999'), 8.4, 9.4);
    const { threshold: kl } = pooledMethodTable.kl!(distributionOf([laplace]), 8);
    between(kl, 8, 12);
  });

  it('a value far out', () => {
    const far = Float32Array.from([...normal.subarray(1), 100]);
    expect(of(far, 'max')).toBe(100);
    between(of(far, 'percentile9999'), 3.5, 4.1);
    between(of(far, 'kl'), 4, 16);
    between(of(far, 'aciq_gauss'), 3.9, 8);
    // The optimum of the squared error is far out too: 100 / (1 + N / (3 * 4^8)).
    between(of(far, 'mse'), 65, 67.5);
    between(of(far, 'admm'), 63, 68);
  });

  it('scales with the data', () => {
    for (const method of ['kl', 'mse', 'aciq_gauss', 'percentile9999', 'admm'] as const) {
      expect(
        of(
          normal.map((x) => x * 4),
          method,
        ),
      ).toBeCloseTo(4 * of(normal, method), 6);
    }
  });
});

describe('a pooled calibration', () => {
  const graph = smallNetwork();
  const dataset = randomDataset(9);
  const part = (indices: readonly number[]): Dataset => ({
    ...dataset,
    length: indices.length,
    files: (i) => dataset.files(indices[i]!),
    sample: (i) => dataset.sample(indices[i]!),
  });
  const keep = { profile: 'pooled', keepStatistics: true, tuneNum: 0 } as const;
  const textOf = async (data: Dataset, workers = 1): Promise<string> =>
    encodeStatistics((await calibrate(graph, data, { ...keep, workers, spawnWorker: channelWorker })).statistics!);

  it('writes the same bytes with any number of workers, any order and any split', async () => {
    const whole = await textOf(dataset);
    expect(await textOf(dataset, 2)).toBe(whole);
    expect(await textOf(dataset, 4)).toBe(whole);
    expect(await textOf(part([8, 3, 1, 0, 2, 7, 6, 5, 4]))).toBe(whole);
    const parts = await Promise.all([[0, 1, 2], [3], [4, 5, 6, 7, 8]].map((indices) => textOf(part(indices))));
    const [a, b, c] = parts.map((text) => decodeStatistics(text));
    expect(encodeStatistics(mergeSavedStatistics(mergeSavedStatistics(c!, a!), b!))).toBe(whole);
  });

  it('decides from a file what it decides from the samples', async () => {
    const statistics = decodeStatistics(await textOf(dataset));
    for (const method of ['kl', 'max', 'mse', 'percentile9999', 'aciq_gauss', 'aciq_laplace', 'admm'] as const) {
      const direct = await calibrate(graph, dataset, { profile: 'pooled', method });
      const again = await calibrate(graph, dataset, { profile: 'pooled', method, statistics });
      expect(again.values).toEqual(direct.values);
    }
  });
});
