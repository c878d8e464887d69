import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { objectsPreprocess, testModel } from './q-process.ts';
import { runHere } from './run-here.ts';

const folder = mkdtempSync(join(tmpdir(), 'q-explain-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('explains the float layers of a quantize table, and writes them as plan.json', async () => {
  const at = (name: string): string => join(folder, name);
  const model = testModel('objects-cnn/objects-cnn.onnx');
  await runHere(
    'model_transform',
    '--model_name',
    'oc',
    '--model_def',
    model,
    '--mlir',
    at('oc.mlir'),
    ...objectsPreprocess,
  );
  const layer = '/stem/stem.2/Relu_output_0_Relu';
  writeFileSync(at('qtable'), `${layer} F32\n`);
  const tables = [
    '--quantize_table',
    at('qtable'),
    '--calibration_table',
    testModel('objects-cnn/tpu-mlir-1.17/kl_tune5_cali_table'),
  ];
  const { status, stdout } = await runHere(
    'explain',
    at('oc.mlir'),
    '--processor',
    'bm1684',
    ...tables,
    '-o',
    at('plan.json'),
  );
  expect(status).toBe(0);
  expect(stdout).toContain(`${layer} (top.Conv) F32: user: `);
  expect(stdout).toContain('1 of 39 layers in float');
  const plan = JSON.parse(readFileSync(at('plan.json'), 'utf8'));
  expect(plan).toMatchObject({ processor: 'bm1684', precision: 'INT8', floatLayers: [{ layer, reason: 'user' }] });
  expect(plan.thresholds[layer]).toBe(4.0231686);
});

it('tells of rows that name no layer, and refuses the calibration table of another model', async () => {
  const at = (name: string): string => join(folder, name);
  const explain = (table: string, quantize: string) =>
    runHere(
      ...['explain', at('oc.mlir'), '--processor', 'bm1684'],
      ...['--calibration_table', table, '--quantize_table', quantize],
    );
  const table = testModel('objects-cnn/tpu-mlir-1.17/kl_tune5_cali_table');
  writeFileSync(at('typed'), 'logits_Gem F32\n');
  const typed = await explain(table, at('typed'));
  expect(typed.status, typed.stderr).toBe(0);
  expect(typed.stderr).toMatch(/logits_Gem is no layer of this network.*logits_Gemm/);
  writeFileSync(at('other'), 'conv_Conv 1.0 -1.0 1.0\n');
  const other = await explain(at('other'), at('typed'));
  expect(other.status).toBe(1);
  expect(other.stderr).toContain('cli.table-of-another-model');
});
