import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import { readZip } from '@q/ir';
import { expect } from 'vitest';
import { kernelBinaries, root, testInPage, textOfPage } from './page-script.ts';

const model = join(root, 'test-models/objects-cnn/objects-cnn.onnx');
const images = join(root, 'test-models/objects-cnn/calibration.zip');
const jpeg = createRequire(join(root, 'packages/dataset/package.json')).resolve(
  '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm',
);
const inPage = testInPage('nothing is quantized in a page');

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

inPage("XQuant's job in a page gives Node's bytes", { timeout: 240_000 }, async () => {
  const text = await textOfPage({
    imports: `
import { quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import { readZip } from '@q/ir';
import model from ${JSON.stringify(model)};
import images from ${JSON.stringify(images)};`,
    body: `
const hash = async (bytes) => [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].join(' ');
const files = new Map(readZip(images, 'images').slice(0, ${SAMPLES}).map((entry) => [entry.name, entry.read()]));
const sources = { readList: async () => [...files.keys()].join('\\n'), read: async (path) => files.get(path) };
const result = await quantizeOnnxModel(${JSON.stringify(config)}, model, { sources });
return [await hash(result.model), await hash(new TextEncoder().encode(result.report.markdown))].join(' | ');`,
    binaries: [...kernelBinaries, jpeg],
  });
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
