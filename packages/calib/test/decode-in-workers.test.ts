import { readFileSync } from 'node:fs';
import { type Dataset, memorySource, openDataset, zipSource } from '@q/dataset';
import { printCalibrationTable } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { describe, expect, it } from 'vitest';
import { type CalibrationOptions, calibrate } from '../src/index.ts';
import { channelWorker } from './channel-worker.ts';

const folder = new URL('../../../test-models/objects-cnn/', import.meta.url).pathname;
const thirds = (value: number): number[] => [value, value, value];
const graph = importOnnx(readFileSync(`${folder}objects-cnn.onnx`), {
  name: 'objects-cnn',
  preprocess: { pixelFormat: 'rgb', mean: thirds(127.5), scale: thirds(0.0078431) },
});
const images = zipSource(readFileSync(`${folder}calibration.zip`), 'calibration.zip');

/** Counts the samples that this thread decodes. */
async function countingDataset(): Promise<{ dataset: Dataset; decodedHere: () => number }> {
  const dataset = await openDataset({ source: images, graph, inputNum: 9 });
  let decoded = 0;
  const sample = (i: number) => {
    decoded++;
    return dataset.sample(i);
  };
  return { dataset: { ...dataset, sample }, decodedHere: () => decoded };
}

describe('images are decoded in the workers', () => {
  const cases: CalibrationOptions[] = [
    { method: 'kl', tuneNum: 2 },
    { method: 'kl', profile: '2023', tuneNum: 0 },
    { method: 'mse', profile: 'pooled' },
    { method: 'xquant_percentile' },
  ];
  it.each(cases)('%j: same bytes with 1, 2 and 4 of them', async (options) => {
    const alone = await countingDataset();
    const expected = printCalibrationTable((await calibrate(graph, alone.dataset, options)).table);
    expect(alone.decodedHere()).toBeGreaterThanOrEqual(9);
    for (const workers of [2, 4]) {
      const { dataset, decodedHere } = await countingDataset();
      const { table } = await calibrate(graph, dataset, { ...options, workers, spawnWorker: channelWorker });
      expect(printCalibrationTable(table)).toBe(expected);
      expect(decodedHere()).toBe(0);
    }
  });

  it('what does not decode is named', async () => {
    const [first, second] = (await images.list()).slice(0, 2) as [string, string];
    const broken = (await images.read(second)).slice(0, 300);
    const source = memorySource(
      new Map([
        [first, await images.read(first)],
        [second, broken],
      ]),
    );
    const dataset = await openDataset({ source, graph });
    const alone = await calibrate(graph, dataset).catch((error: unknown) => error);
    const shared = await calibrate(graph, dataset, { workers: 2, spawnWorker: channelWorker }).catch((e: unknown) => e);
    expect(alone).toMatchObject({ code: 'dataset.image', where: second });
    expect(shared).toMatchObject({ code: 'dataset.image', where: second, message: (alone as Error).message });
  });
});
