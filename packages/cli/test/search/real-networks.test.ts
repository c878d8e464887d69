import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkspace, run, type Workspace } from './workspace.ts';

// A cheap part of what tools/generate/search-table.mjs runs: every command on a network that others trained.
const shared = process.env.Q_SHARED ?? fileURLToPath(new URL('../../../../../shared', import.meta.url));
const model = `${shared}/models/vww_96.onnx`;
const images = `${shared}/data/coco`;
const read = (name: string): string => readFileSync(name, 'utf8');
const layersOf = (name: string): string[] =>
  read(name)
    .split('\n')
    .filter((line) => /^[^#\s]/.test(line));
let folder: Workspace;

beforeAll(() => {
  folder = openWorkspace();
});
afterAll(() => folder.close());

it('every search runs on a real network and writes tables and logs in the form of TPU-MLIR', {
  timeout: 240_000,
}, async ({ skip }) => {
  if (!existsSync(model)) {
    console.warn(`SKIPPED: no ${model}: no search was run on a network that others trained`);
    skip('no networks of others');
  }
  const ok = async (line: string) => {
    const outcome = await run(line);
    expect(outcome.status, `${line}\n${outcome.stderr}`).toBe(0);
    return outcome;
  };
  const samples = `--dataset ${images} --input_num 2 --processor bm1684`;
  await ok(
    `model_transform --model_name vww --model_def ${model} --scale 0.0039216,0.0039216,0.0039216 --pixel_format rgb --mlir vww.mlir`,
  );

  await ok(
    `run_calibration vww.mlir ${samples} --inference_num 1 --tune_num 1 --no_doctor --workers 1 --search search_threshold -o table`,
  );
  const scores = /^INFO:root:cos similarity scores: (\{.*\})$/m.exec(read('Search_Threshold'))![1]!;
  expect([...scores.matchAll(/'(\w+)': [01]\.\d+/g)].map(([, method]) => method)).toEqual([
    'KL',
    'MAX',
    'Percentile9999',
    'MSE',
  ]);
  const rows = layersOf('table').length;

  await ok(`run_calibration vww.mlir ${samples} --inference_num 1 --tune_num 0 --no_doctor --workers 1 --search search_qtable \
    --expected_cos 1 --max_float_layers 2 --float_layer_limit 2 --quantize_method_list KL,MSE --quantize_table q1 -o base`);
  expect(layersOf('q1')).toHaveLength(2);
  for (const line of layersOf('q1')) expect(line).toMatch(/^\S+ F32$/);
  expect(read('q1')).toMatch(
    /^# genetated time: .*\n# sample number: 1\n# chip: bm1684 {2}mix_mode: F32\n# number of F32 layer: 2\n###\n# op_name {3}quantize_mode\n/,
  );
  expect(layersOf('new_cali_table.txt')).toHaveLength(rows);
  const log = read('Search_Qtable').trimEnd().split('\n');
  for (const line of log) expect(line).toMatch(/^INFO:root:/);
  const ranks = log.filter((line) => /is \d+ sensitive layer, loss is \d.*, type is top\.\w+$/.test(line));
  expect(log).toContain(`INFO:root:transformer model: False, all search layer number: ${ranks.length}`);

  await ok(`run_sensitive_layer vww.mlir ${samples} --inference_num 1 --tune_num 0 --expected_cos 1 --max_float_layers 1 --workers 1 \
    --calibration_table table -o q2`);
  expect(layersOf('q2')).toHaveLength(1);
  expect(read('SensitiveLayerSearch')).toMatch(/^INFO:root:start to handle layer: \S+, type: top\.\w+$/m);

  await ok(`run_qtable vww.mlir ${samples} --expected_cos 1 --min_layer_cos 0.999 --calibration_table table -o q3`);
  expect(read('full_loss_table.txt')).toMatch(/^No\.0 {3}: Layer: \S+ *\t\t\tCos: [01]\.\d{6}$/m);
  expect(layersOf('q3').length).toBeLessThanOrEqual(rows);

  const [costliest] = layersOf('q2').map((line) => line.split(' ')[0]!);
  await ok(`fp_forward vww.mlir --processor bm1684 --fpfwd_outputs ${costliest} -o q4`);
  expect(layersOf('q4')[0]).toBe(`${costliest} F32`);
});
