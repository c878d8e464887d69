import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { objectsPreprocess, testModel } from '../q-process.ts';
import { runHere } from '../run-here.ts';

const table = testModel('objects-cnn/tpu-mlir-1.17/max_cali_table');
const before = process.cwd();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'q-deployed-'));
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

async function done(...words: string[]): Promise<void> {
  const outcome = await runHere(...words);
  expect(outcome.status, outcome.stderr).toBe(0);
}

test('files of model_deploy, QDQ ONNX and lowered .mlir, measure as the lowering in memory does', async () => {
  const model = testModel('objects-cnn/objects-cnn.onnx');
  await done(
    'model_transform',
    '--model_name',
    'net',
    '--model_def',
    model,
    ...objectsPreprocess,
    '--mlir',
    'net.mlir',
  );
  const deploy = ['model_deploy', '--mlir', 'net.mlir', '--quantize', 'INT8', '--calibration_table', table];
  await done(...deploy, '--chip', 'k1', '--model', 'k1.model');
  await done(...deploy, '--chip', 'bm1684x', '--model', 'net.bmodel');
  const samples = ['--dataset', testModel('objects-cnn/evaluation.zip'), '--limit', '8'];
  const labels = ['--labels', testModel('objects-cnn/labels.csv'), '--calibration_table', table, '-o', '.'];
  const files = ['net.mlir', 'net.q.onnx', 'net_bm1684x_int8_sym_tpu.mlir', 'net.bmodel'];
  await done('evaluate', ...files, ...samples, ...labels, '--processor', 'k1,bm1684x');
  const { networks } = JSON.parse(readFileSync('topk.json', 'utf8')) as {
    networks: { name: string; figures: object; agreement: object }[];
  };
  expect(networks.map(({ name }) => name)).toEqual([...files, 'k1 INT8', 'bm1684x INT8']);
  const [, qdq, lowered, container, k1, bm1684x] = networks.map(({ figures, agreement }) => ({ figures, agreement }));
  expect(lowered).toEqual(bm1684x);
  expect(container).toEqual(bm1684x);
  expect(qdq!.figures).toEqual(k1!.figures);
});
