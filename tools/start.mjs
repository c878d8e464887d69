// The main job on what the repository ships: quantize a small classifier for two very different chips.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const model = 'test-models/objects-cnn';
const words = [
  'quantize',
  `${model}/objects-cnn.onnx`,
  '--dataset',
  `${model}/calibration.zip`,
  '--evaluation',
  `${model}/evaluation.zip`,
  '--labels',
  `${model}/labels.csv`,
  '--pixel_format',
  'rgb',
  '--mean',
  '127.5,127.5,127.5',
  '--scale',
  '0.0078431,0.0078431,0.0078431',
  '--processor',
  'bm1684x,k1',
  '-o',
  'out/objects-cnn',
];

console.log(`\n[q] npx q ${words.join(' ')}\n`);
const { status } = spawnSync(process.execPath, [join(root, 'packages', 'cli', 'bin', 'q.mjs'), ...words], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
