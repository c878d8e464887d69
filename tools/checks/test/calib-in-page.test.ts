import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { calibrate, encodeStatistics } from '@q/calib';
import { openDataset, zipSource } from '@q/dataset';
import { printCalibrationTable } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../src/browser.mjs';
import { Pages } from '../src/page-run.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const model = join(root, 'test-models/objects-cnn/objects-cnn.onnx');
const images = join(root, 'test-models/objects-cnn/calibration.zip');
const fromDataset = createRequire(join(root, 'packages/dataset/package.json'));
const binaries = [
  join(root, 'packages/kernels-wasm/wasm/kernels.wasm'),
  fromDataset.resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'),
];

const chromium = findChromium();
if (chromium === undefined)
  console.warn('SKIPPED: no Chromium on the PATH (or Q_CHROMIUM): nothing is calibrated in a page');

/** The same in Node and in a page: images are decoded, the network runs, the tuner tunes. */
const calibration = {
  network: {
    name: 'objects_cnn',
    preprocess: { pixelFormat: 'rgb', mean: [127.5, 127.5, 127.5], scale: [0.0078431, 0.0078431, 0.0078431] },
  },
  inputNum: 3,
} as const;

const page = `
import { calibrate, encodeStatistics } from '@q/calib';
import { openDataset, zipSource } from '@q/dataset';
import { printCalibrationTable } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import model from ${JSON.stringify(model)};
import images from ${JSON.stringify(images)};
const report = (verdict, text) => { document.body.textContent = text; document.title = verdict; };
try {
  const graph = importOnnx(model, ${JSON.stringify(calibration.network)});
  const dataset = await openDataset({ source: zipSource(images), graph, inputNum: ${calibration.inputNum} });
  const { table } = await calibrate(graph, dataset);
  const { statistics } = await calibrate(graph, dataset, { profile: 'pooled', keepStatistics: true, tuneNum: 0 });
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(encodeStatistics(statistics))));
  report('ok', printCalibrationTable(table) + [...hash].join(' '));
} catch (error) { report('failed', String(error?.stack ?? error)); }
`;

test.skipIf(chromium === undefined)("a calibration in a page gives Node's bytes", { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'q-calib-page-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const path of binaries) copyFileSync(path, join(folder, path.split('/').at(-1)!));
  const bundle = join(folder, 'main.js');
  await build({
    stdin: { contents: page, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    conditions: ['@q/source', 'browser'],
    loader: { '.onnx': 'binary', '.zip': 'binary' },
    outfile: bundle,
    logLevel: 'silent',
  });
  const pages = new Pages(chromium!);
  onTestFinished(() => pages.dispose());
  const { verdict, text } = await pages.run(bundle, folder);
  expect(verdict, text.slice(0, 400)).toBe('ok');
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
