import { existsSync, readFileSync } from 'node:fs';
import type { PlanDocument } from '@q/search';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testModel } from '../q-process.ts';
import { openObjectsCnn, run, type Workspace } from './workspace.ts';

const images = testModel('objects-cnn/calibration.zip');
const read = (name: string): string => readFileSync(name, 'utf8');
const plan = (name: string): PlanDocument => JSON.parse(read(name));
const layersOf = (name: string): Set<string> =>
  new Set(
    read(name)
      .split('\n')
      .flatMap((line) => (/^[^#]/.test(line) ? [line.split(' ')[0]!] : [])),
  );
let folder: Workspace;

beforeAll(async () => {
  folder = await openObjectsCnn();
});
afterAll(() => folder.close());

const qtable = (more: string) =>
  run(`run_qtable net.mlir --dataset ${images} --input_num 2 --calibration_table table --processor bm1684 \\
    --min_layer_cos 0.998 --expected_cos 0.9999 ${more}`);

it('run_qtable writes a plan with evidence, which explain prints, and goes on from its journal', async () => {
  const { status, stdout, stderr } = await qtable('--journal found.jsonl -o out/qtable');
  expect(status, stderr).toBe(0);
  const { floatLayers, lossUnit, processor } = plan('out/qtable.plan.json');
  expect([processor, lossUnit]).toEqual(['bm1684', '1 - score']);
  expect(new Set(floatLayers.map(({ layer }) => layer))).toEqual(layersOf('out/qtable'));
  for (const { reason, int8Loss, neighbourOf } of floatLayers) {
    if (reason === 'sensitivity') expect(int8Loss).toBeGreaterThan(1 - 0.998);
    else expect([reason, layersOf('out/qtable').has(neighbourOf!)]).toEqual(['neighbour', true]);
  }
  const explained = await run('explain out/qtable.plan.json');
  expect(explained.stdout.trimEnd().split('\n')).toEqual([
    ...floatLayers.map(({ layer, type, precision, explanation }) => `${layer} (${type}) ${precision}: ${explanation}`),
    `${floatLayers.length} layers in float`,
  ]);
  const [before, journal] = [[read('out/qtable'), read('out/qtable.plan.json')], read('found.jsonl')];
  const again = await qtable('--journal found.jsonl -o out/qtable');
  expect(again.stderr).toMatch(/resumed: \d+ scores were found before/);
  expect([read('out/qtable'), read('out/qtable.plan.json')]).toEqual(before);
  expect(read('found.jsonl')).toBe(journal);
  const said = (text: string) => text.replaceAll(/total time.*/g, '');
  expect(said(again.stdout)).toBe(said(stdout));
});

it('run_qtable stops when its budget is spent', async () => {
  const { status, stderr } = await qtable('--budget 1ms --plan short.json -o short');
  expect(status, stderr).toBe(0);
  expect(stderr).toMatch(/stopped early because the budget is spent/);
  expect(plan('short.json').floatLayers).toEqual([]);
  expect(layersOf('short').size).toBe(0);
  const older = await qtable('--profile 2022 --budget 1ms --plan short22.json -o short22');
  expect([older.status, older.stderr]).toEqual([0, expect.stringMatching(/stopped early/)]);
  expect(plan('short22.json')).toMatchObject({ lossUnit: 'dB', floatLayers: [] });
  const refused = await qtable('--profile 2022 --journal found.jsonl -o no');
  expect([refused.status, existsSync('no')]).toEqual([1, false]);
  expect(refused.stderr).toMatch(/The journal is that of another search/);
});

it('searches of layers write the losses that they found', async () => {
  const sensitive = await run(`run_sensitive_layer net.mlir --dataset ${images} --input_num 2 --inference_num 1 \\
    --max_float_layers 2 --expected_cos 0.9999 --tune_num 0 --calibration_table table --processor bm1684 --workers 1 -o s`);
  expect(sensitive.status, sensitive.stderr).toBe(0);
  const losses = plan('s.plan.json').floatLayers.map(({ int8Loss }) => int8Loss!.toFixed(4));
  for (const loss of losses) expect(Number(loss)).toBeGreaterThan(0);
  const mixed = await run(`run_calibration net.mlir --dataset ${images} --input_num 2 --inference_num 1 --tune_num 0 \\
    --expected_cos 0.9999 --max_float_layers 1 --quantize_method_list KL --search search_qtable --processor bm1684 \\
    --quantize_table mixed --no_doctor --workers 1 -o base`);
  expect(mixed.status, mixed.stderr).toBe(0);
  const { floatLayers } = plan('mixed.plan.json');
  // A second search in the folder leaves the first one's plan alone.
  expect(plan('s.plan.json').floatLayers).toHaveLength(2);
  expect(new Set(floatLayers.map(({ layer }) => layer))).toEqual(layersOf('mixed'));
  for (const { reason, int8Loss } of floatLayers) expect([reason, int8Loss! > 0]).toEqual(['sensitivity', true]);
});

it.each([
  ['explain broken.json', /broken.json is no plan of a search/],
  ['explain other.json', /other.json is no plan of a search[\s\S]*without layer/],
  ['explain short.json --processor bm1684', /--processor belongs to a .mlir file/],
  ['explain net.mlir --processor bm1684', /--calibration_table is missing/],
  [
    'run_calibration net.mlir --dataset nowhere --search search_qtable --profile 2026 --racing -o no',
    /--racing belongs to the profiles before 2026/,
  ],
  ['run_calibration net.mlir --dataset nowhere --plan p.json -o no', /--plan belongs to --search/],
])('refuses %s', async (line, message) => {
  folder.write('broken.json', '{');
  folder.write('other.json', '{ "floatLayers": [{ "layer": "a" }] }');
  const { status, stderr } = await run(line);
  expect(stderr).toMatch(message);
  expect(status).toBe(1);
});
