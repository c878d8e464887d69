import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import { readZip } from '@q/ir';
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
  console.warn('SKIPPED: no Chromium on the PATH (or Q_CHROMIUM): nothing is quantized in a page');

/** Decoded images, the search of `default`, equalization, bias correction, learned steps and the report. */
const SAMPLES = 1;
const config = `{
  // the same text in Node and in the page
  "calibration_parameters": {
    "calibration_step": 10, "calibration_type": "default",
    "input_parametres": [{ "file_type": "img", "color_format": "rgb", "data_list_path": "list.txt",
      "mean_value": [127.5, 127.5, 127.5], "std_value": [127.5, 127.5, 127.5] }]
  },
  "quantization_parameters": { "finetune_level": 2 },
}`;

const page = `
import { quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import { readZip } from '@q/ir';
import model from ${JSON.stringify(model)};
import images from ${JSON.stringify(images)};
const report = (verdict, text) => { document.body.textContent = text; document.title = verdict; };
const hash = async (bytes) => [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].join(' ');
try {
  const files = new Map(readZip(images, 'images').slice(0, ${SAMPLES}).map((entry) => [entry.name, entry.read()]));
  const sources = { readList: async () => [...files.keys()].join('\\n'), read: async (path) => files.get(path) };
  const result = await quantizeOnnxModel(${JSON.stringify(config)}, model, { sources });
  report('ok', [await hash(result.model), await hash(new TextEncoder().encode(result.report.markdown))].join(' | '));
} catch (error) { report('failed', String(error?.stack ?? error)); }
`;

test.skipIf(chromium === undefined)("XQuant's job in a page gives Node's bytes", { timeout: 240_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'q-xquant-page-'));
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
  const entries = readZip(readFileSync(images), 'images').slice(0, SAMPLES);
  const files = new Map(entries.map((entry) => [entry.name, entry.read()]));
  const sources = {
    readList: async () => [...files.keys()].join('\n'),
    read: async (path: string) => files.get(path)!,
  };
  const { model: bytes, report } = await quantizeOnnxModel(config, readFileSync(model), { sources });
  const hash = (data: Uint8Array | string) => [...createHash('sha256').update(data).digest()].join(' ');
  return [hash(bytes), hash(report!.markdown)].join(' | ');
}
