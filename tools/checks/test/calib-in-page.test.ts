import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { calibrate, encodeStatistics } from '@q/calib';
import { openDataset, zipSource } from '@q/dataset';
import { printCalibrationTable } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { expect } from 'vitest';
import { kernelBinaries, root, testInPage, textOfPage } from './page-script.ts';

const model = join(root, 'test-models/objects-cnn/objects-cnn.onnx');
const images = join(root, 'test-models/objects-cnn/calibration.zip');
const jpeg = createRequire(join(root, 'packages/dataset/package.json')).resolve(
  '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm',
);
const inPage = testInPage('nothing is calibrated in a page');

/** The same in Node and in a page: images are decoded, the network runs, the tuner tunes. */
const calibration = {
  network: {
    name: 'objects_cnn',
    preprocess: { pixelFormat: 'rgb', mean: [127.5, 127.5, 127.5], scale: [0.0078431, 0.0078431, 0.0078431] },
  },
  inputNum: 3,
} as const;

inPage("a calibration in a page gives Node's bytes", { timeout: 120_000 }, async () => {
  const text = await textOfPage({
    imports: `
import { calibrate, encodeStatistics } from '@q/calib';
import { openDataset, zipSource } from '@q/dataset';
import { printCalibrationTable } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import model from ${JSON.stringify(model)};
import images from ${JSON.stringify(images)};`,
    body: `
const graph = importOnnx(model, ${JSON.stringify(calibration.network)});
const dataset = await openDataset({ source: zipSource(images), graph, inputNum: ${calibration.inputNum} });
const { table } = await calibrate(graph, dataset);
const { statistics } = await calibrate(graph, dataset, { profile: 'pooled', keepStatistics: true, tuneNum: 0 });
const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(encodeStatistics(statistics))));
return printCalibrationTable(table) + [...hash].join(' ');`,
    binaries: [...kernelBinaries, jpeg],
  });
  expect(text).toBe(await inNode());
});

async function inNode(): Promise<string> {
  const graph = importOnnx(readFileSync(model), {
    ...calibration.network,
    preprocess: {
      ...calibration.network.preprocess,
      mean: [127.5, 127.5, 127.5],
      scale: [0.0078431, 0.0078431, 0.0078431],
    },
  });
  const dataset = await openDataset({ source: zipSource(readFileSync(images)), graph, inputNum: calibration.inputNum });
  const { table } = await calibrate(graph, dataset);
  const { statistics } = await calibrate(graph, dataset, { profile: 'pooled', keepStatistics: true, tuneNum: 0 });
  const hash = createHash('sha256').update(encodeStatistics(statistics!)).digest();
  return printCalibrationTable(table) + [...hash].join(' ');
}
