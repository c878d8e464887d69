import { existsSync } from 'node:fs';
import type { Dataset } from '@q/dataset';
import { printCalibrationTable } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { type CalibrationOptions, calibrate } from '../src/index.ts';
import { Baton } from '../src/workers/baton.ts';
import { channelWorker, pausingWorker } from './channel-worker.ts';
import { randomDataset, smallNetwork } from './small-network.ts';

const graph = smallNetwork();
const dataset = randomDataset(13);

/** Reproducible pauses of up to four milliseconds. */
function unevenPauses(seed: number, onPause: () => void): () => Promise<void> {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    onPause();
    return new Promise((resolve) => setTimeout(resolve, state >>> 30));
  };
}

describe('any number of workers gives the same bytes', () => {
  const cases: CalibrationOptions[] = [
    { method: 'kl', histogramBins: 256 },
    { method: 'kl', histogramBins: 64, tuneNum: 0 },
    { method: 'kl', profile: '2023', histogramBins: 256 },
    { method: 'mse' },
    { method: 'percentile9999' },
    { method: 'percentile9999', profile: '2023' },
    { method: 'aciq_gauss' },
    { method: 'aciq_laplace', tuneNum: 3 },
    { method: 'max', inputNum: 7 },
    { method: 'kl', profile: '2022', histogramBins: 256 },
    { method: 'kl', profile: '2026', int4: true },
    { method: 'symkl' },
    { method: 'admm' },
    { method: 'torch_observer', histogramBins: 256 },
    { method: 'xquant_default' },
    { method: 'xquant_percentile' },
    { method: 'kl', profile: 'pooled' },
    { method: 'aciq_laplace', profile: 'pooled', tuneNum: 0 },
  ];
  for (const options of cases) {
    it(JSON.stringify(options), async () => {
      const alone = await calibrate(graph, dataset, options);
      for (const workers of [2, 4, 20]) {
        const shared = await calibrate(graph, dataset, { ...options, workers, spawnWorker: channelWorker });
        expect(shared.values).toEqual(alone.values);
        expect(printCalibrationTable(shared.table)).toBe(printCalibrationTable(alone.table));
      }
    });
  }

  it('whatever order they finish in', async () => {
    const orders = new Set<string>();
    for (const options of [cases[1]!, cases[4]!, cases[7]!]) {
      const alone = printCalibrationTable((await calibrate(graph, dataset, options)).table);
      for (const [workers, seed] of [
        [2, 1],
        [4, 2],
        [4, 5],
      ] as const) {
        const finished: number[] = [];
        const spawnWorker = (i: number) => pausingWorker(unevenPauses(seed + i, () => finished.push(i)));
        const { table } = await calibrate(graph, dataset, { ...options, workers, spawnWorker });
        expect(printCalibrationTable(table)).toBe(alone);
        orders.add(finished.join());
      }
    }
    expect(orders.size).toBeGreaterThan(2);
  });

  const built = existsSync(new URL('../dist/workers/calibration-task.js', import.meta.url));
  if (!built) console.warn('SKIPPED: @q/calib is not built; real worker threads are not tested.');
  it.skipIf(!built)('in threads of this process', async () => {
    const alone = await calibrate(graph, dataset);
    const shared = await calibrate(graph, dataset, { workers: 2 });
    expect(shared.values).toEqual(alone.values);
  });
});

describe('failures in workers', () => {
  it('arrive with their address', async () => {
    const broken: Dataset = {
      ...dataset,
      async sample(i) {
        const feeds = await dataset.sample(i);
        return i === 4 ? new Map([['x', feeds.get('x')!.map((value, k) => (k === 5 ? Number.NaN : value))]]) : feeds;
      },
    };
    const expected = { code: 'calib.non-finite', where: 'x, sample 4 (4.npy)', found: 'NaN at element 5' };
    await expect(calibrate(graph, broken)).rejects.toMatchObject(expected);
    await expect(calibrate(graph, broken, { workers: 3, spawnWorker: channelWorker })).rejects.toMatchObject(expected);
  });

  it('of the dataset pass through', async () => {
    const broken: Dataset = {
      ...dataset,
      sample: async (i) => (i === 6 ? Promise.reject(new Error('no such file')) : dataset.sample(i)),
    };
    await expect(calibrate(graph, broken)).rejects.toThrow('no such file');
    await expect(calibrate(graph, broken, { workers: 2, spawnWorker: channelWorker })).rejects.toThrow('no such file');
  });
});

describe('Baton', () => {
  it('passes in number order whatever the order of arrival', async () => {
    const baton = new Baton();
    const order: number[] = [];
    await Promise.all([3, 0, 2, 1, 4].map((number) => baton.pass(number, () => order.push(number))));
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });
});
