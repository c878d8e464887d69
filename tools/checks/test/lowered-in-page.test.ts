import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { layerHashes } from './lowered-networks.ts';
import { kernelBinaries, root, testInPage, textOfPage, waitingPolicy } from './page-script.ts';

const model = join(root, 'test-models/objects-cnn/objects-cnn.onnx');
const table = join(root, 'test-models/objects-cnn/tpu-mlir-1.17/kl_tune5_cali_table');
const inPage = testInPage('lowered networks are not run in a page');

inPage('lowered networks compute the same bits in a page as in Node', async () => {
  const text = await textOfPage({
    imports: `
import { layerHashes } from './lowered-networks.ts';
import model from ${JSON.stringify(model)};
import table from ${JSON.stringify(table)};`,
    body: 'return layerHashes(model, new TextDecoder().decode(table));',
    binaries: kernelBinaries,
    policy: waitingPolicy,
  });
  expect(text.split('\n')).toEqual((await layerHashes(readFileSync(model), readFileSync(table, 'utf8'))).split('\n'));
});
