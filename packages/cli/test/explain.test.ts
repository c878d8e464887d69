import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseMlir, readNpz, weightFileOf } from '@q/ir';
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

it('takes the layers that TPU-MLIR 1.17 names otherwise, and fp_forward does', async () => {
  const at = (name: string): string => join(folder, name);
  const model = testModel('objects-vit/objects-vit.onnx');
  await runHere(
    ...['model_transform', '--model_name', 'vit', '--model_def', model, '--mlir', at('vit.mlir')],
    ...objectsPreprocess,
  );
  const text = readFileSync(at('vit.mlir'), 'utf8');
  const layers = [...parseMlir(text, readNpz(readFileSync(at(weightFileOf(text)!)))).values.keys()];
  const older = (name: string) => name.replaceAll('_r_', '_');
  // Recorded with TPU-MLIR v1.17: run_calibration of objects-vit, 4 images, use_mse.
  const attention = '/blocks/blocks.0/attention';
  const slice = `${attention}/Split_output_1_Split_new`;
  const permute = `${attention}/Squeeze_1_output_0_Squeeze_new_permute_for_${attention}/Transpose_1_output_0_Transpose`;
  const rows = new Map([slice, permute].map((name) => [name, '3.2158976 -3.4861567 3.4770019']));
  const table = layers.map((name) => `${older(name)} ${rows.get(older(name)) ?? '1.0 -1.0 1.0'}\n`).join('');
  expect(layers.filter((name) => older(name) !== name)).toHaveLength(36);
  writeFileSync(at('vit_table'), table);
  writeFileSync(at('vit_qtable'), `${permute} F16\n`);
  const { status, stdout, stderr } = await runHere(
    ...['explain', at('vit.mlir'), '--processor', 'bm1684x', '-o', at('vit.json')],
    ...['--calibration_table', at('vit_table'), '--quantize_table', at('vit_qtable')],
  );
  expect(status, stderr).toBe(0);
  expect(stderr).not.toContain('unknown-layer');
  const [sliced, permuted] = [slice, permute].map((name) => layers.find((layer) => older(layer) === name)!);
  expect(stdout).toContain(`${permuted} (top.Permute) F16: user: `);
  expect(JSON.parse(readFileSync(at('vit.json'), 'utf8')).thresholds).toMatchObject({
    [sliced!]: 3.2158976,
    [permuted!]: 3.2158976,
  });
  const forward = ['fp_forward', at('vit.mlir'), '--processor', 'bm1684x', '-o', at('vit_float')];
  const blocks = await runHere(...forward, '--fpfwd_blocks', `${slice}:${permute}`);
  expect(blocks.stdout).not.toContain('not found');
  expect(readFileSync(at('vit_float'), 'utf8').split('\n').slice(-4)).toEqual([
    `${sliced} F16`,
    `${attention}/Squeeze_1_output_0_Squeeze_r_new F16`,
    `${permuted} F16`,
    '',
  ]);
});
