import type { Dataset } from '@q/dataset';
import { printCalibrationTable } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { type CalibrationOptions, calibrate } from '../src/index.ts';
import { channelWorker } from './channel-worker.ts';
import { randomDataset, smallNetwork } from './small-network.ts';

const graph = smallNetwork();
const dataset = randomDataset(5);
const here: CalibrationOptions = {};
const inWorkers: CalibrationOptions = { workers: 3, spawnWorker: channelWorker };

/** The data set with one sample changed. */
function withSample(at: number, change: (values: Float32Array) => Float32Array): Dataset {
  const sample = async (i: number) => {
    const feeds = await dataset.sample(i);
    return i === at ? new Map([['x', change(feeds.get('x')!)]]) : feeds;
  };
  return { ...dataset, sample };
}

describe.each([
  ['on one thread', here],
  ['in workers', inWorkers],
] as const)('%s', (_, options) => {
  const refused = (given: Dataset, more: CalibrationOptions = {}) =>
    expect(calibrate(graph, given, { ...options, ...more })).rejects;

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%s is refused with its address',
    async (bad) => {
      const expected = { code: 'calib.non-finite', where: 'x, sample 3 (3.npy)', found: `${bad} at element 17` };
      const planted = withSample(3, (values) => values.map((value, i) => (i === 17 ? bad : value)));
      await refused(planted).toMatchObject(expected);
      await refused(planted, { profile: '2023' }).toMatchObject(expected);
      await refused(planted, { profile: 'pooled' }).toMatchObject(expected);
    },
  );

  it('activations that overflow are refused at the layer where they begin', async () => {
    const huge = withSample(1, (values) => values.map(() => 3e38));
    await refused(huge).toMatchObject({ code: 'calib.non-finite', where: expect.stringMatching(/^c1, sample 1 /) });
  });

  it('a sample of another size is refused, with both sizes', async () => {
    await refused(withSample(2, (values) => values.slice(1))).toMatchObject({
      code: expect.stringMatching(/^runtime\.feed/),
    });
  });

  it('zeros everywhere give the least threshold, and a warning for each layer', async () => {
    for (const method of ['kl', 'max', 'mse', 'percentile9999', 'aciq_gauss', 'aciq_laplace'] as const) {
      const zeros: Dataset = { ...dataset, sample: async () => new Map([['x', new Float32Array(3 * 12 * 12)]]) };
      const lines: string[] = [];
      const { table } = await calibrate(graph, zeros, {
        ...options,
        method,
        emit: (event) => void (event.type === 'line' && lines.push(event.text)),
      });
      expect(table.rows.get('x')).toEqual({ threshold: 1e-5, min: 0, max: 1e-5 });
      expect(lines).toContain('WARNING: layer x is all zeros. Please check the input data correctness.');
    }
  });

  it('one sample suffices, also for more workers than samples', async () => {
    const one = randomDataset(1);
    const expected = printCalibrationTable((await calibrate(graph, one)).table);
    const found = await calibrate(graph, one, options);
    expect(found.sampleCount).toBe(1);
    expect(printCalibrationTable(found.table)).toBe(expected);
  });
});
