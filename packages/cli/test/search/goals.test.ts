import { existsSync, readFileSync } from 'node:fs';
import { parseCalibrationTable } from '@q/ir';
import type { PlanDocument } from '@q/search';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testModel } from '../q-process.ts';
import { openObjectsCnn, run, steady, type Workspace } from './workspace.ts';

const images = testModel('objects-cnn/calibration.zip');
const read = (name: string): string => readFileSync(name, 'utf8');
const plan = (name: string): PlanDocument => JSON.parse(read(name));
const layersOf = (name: string): string[] =>
  read(name)
    .split('\n')
    .flatMap((line) => (/^[^#]/.test(line) ? [line.split(' ')[0]!] : []));
let folder: Workspace;

beforeAll(async () => {
  folder = await openObjectsCnn();
});
afterAll(() => folder.close());

/** All goals go on from the journal of the first: one sensitivity run serves them. */
const sensitive = (more: string) =>
  run(`run_sensitive_layer net.mlir --dataset ${images} --input_num 2 --inference_num 2 --tune_num 0 --max_float_layers 2 \\
    --calibration_table table --processor bm1684 --workers 1 --journal found.jsonl ${more}`);

/** From the goal on: what precedes it is the vendor's and held elsewhere. */
const tail = (stdout: string): string => steady(stdout.slice(stdout.indexOf('set_fp_layer_list')));

it('the smallest float set with an SQNR, and a list of accuracy against float MACs, come from one sensitivity run', async () => {
  const first = await sensitive('--expected_sqnr 24 -o sqnr');
  expect(first.status, first.stderr).toBe(0);
  const { goal, floatLayers, pareto } = plan('sqnr.plan.json');
  expect(goal).toMatchObject({ measure: 'sqnr', expected: 24, isMet: true });
  expect(goal!.value).toBeGreaterThanOrEqual(24);
  expect(pareto).toBeUndefined();
  expect(floatLayers.map(({ layer }) => layer).toSorted()).toEqual(layersOf('sqnr').toSorted());

  const list = await sensitive('--pareto 0,1,2,5 -o list');
  expect(list.status, list.stderr).toBe(0);
  expect(list.stderr).toMatch(/resumed: \d+ scores were found before/);
  const found = plan('list.plan.json');
  expect(found.goal).toMatchObject({ measure: 'cos', expected: 0.99, isMet: true });
  expect(found.pareto!.map(({ floatMacs }) => floatMacs)[0]).toBe(0);
  expect(read('list.pareto.csv').trim().split('\n')).toHaveLength(found.pareto!.length + 1);
  await expect([tail(first.stdout), tail(list.stdout), read('list.pareto.csv')].join('\n==>\n')).toMatchFileSnapshot(
    '../golden/search-goals.txt',
  );
  const explained = await run('explain sqnr.plan.json');
  expect(explained.stdout).toMatch(/^goal: a sqnr of at least 24, met with \d+\.\d+, \d+ of \d+ MACs in float$/m);
});

it('a metric of the user: the file names of images, measures over the data set, and --float_layer_limit', async () => {
  folder.write(
    'same-class.mjs',
    `const largest = ({ data }) => data.indexOf(Math.max(...data));
    export function metric(float, quantized, { index, files }) {
      if (!/\\.(jpg|png)$/.test(files[0])) throw new Error('no file of image ' + index);
      return Object.keys(float).map((name) => largest(float[name]) === largest(quantized[name]));
    }
    export const summarize = (answers) => answers.flat().filter(Boolean).length / answers.length;`,
  );
  const same = await sensitive('--metric same-class.mjs --expected_metric 0.5 -o same');
  expect(same.status, same.stderr).toBe(0);
  expect(same.stdout).toMatch(
    /^job success, current int8 metric:1\.0 is higher than expected_metric:0\.5,no need for mix precsion$/m,
  );
  expect(existsSync('same')).toBe(false);

  const never = await sensitive('--metric same-class.mjs --expected_metric 2 --float_layer_limit 1 -o never');
  expect(never.status, never.stderr).toBe(0);
  expect(never.stdout).toMatch(
    /^no float set of this ranking has a metric of at least 2\.0; the nearest has 1 layers and a metric of 1\.000000$/m,
  );
  expect(layersOf('never')).toHaveLength(1);
  expect(plan('never.plan.json').goal).toMatchObject({ measure: 'metric', isMet: false });
});

it('search_qtable reaches the same goals', async () => {
  const { status, stdout, stderr } = await run(`run_calibration net.mlir --dataset ${images} --input_num 2 \\
    --inference_num 2 --tune_num 0 --smallest --expected_cos 0.9995 --max_float_layers 1 --quantize_method_list KL \\
    --search search_qtable --processor bm1684 --quantize_table smallest --no_doctor --workers 1 -o base`);
  expect(status, stderr).toBe(0);
  expect(stdout).toMatch(
    /^smallest float set with a cos of at least 0\.9995: \d+ layers, [\d.]+ % of the MACs, cos 0\.999\d+$/m,
  );
  expect(layersOf('smallest').length).toBeGreaterThan(0);
  expect(plan('smallest.plan.json').goal).toMatchObject({ measure: 'cos', isMet: true });
});

it('--refine raises the measure on the whole network, and its tables are written', async () => {
  const refined = await sensitive('--expected_sqnr 90 --float_layer_limit 1 --refine -o refined');
  expect(refined.status, refined.stderr).toBe(0);
  const [, before, after] = /^refined: sqnr from ([\d.]+) dB to ([\d.]+) dB with 1 layers, \d+ networks$/m.exec(
    refined.stdout,
  )!;
  expect(Number(after)).toBeGreaterThan(Number(before));
  expect(layersOf('refined')).toHaveLength(1);
  const { thresholds } = plan('refined.plan.json');
  const rows = parseCalibrationTable(read('new_cali_table.txt')).rows;
  const searched = Object.entries(thresholds!).filter(([name]) => rows.has(name));
  expect(searched.map(([name]) => rows.get(name)!.threshold)).toEqual(searched.map(([, threshold]) => threshold));
});

it('a metric that throws is named with file and image; the journal goes on', async () => {
  folder.write(
    'breaks.mjs',
    "export function metric(float, quantized, { index }) { if (index > 0) throw new Error('no boxes'); return 1; }",
  );
  const before = read('found.jsonl');
  const broken = await sensitive('--metric breaks.mjs --pareto -o broken');
  expect(broken.status).toBe(1);
  expect(broken.stderr).toMatch(
    /metric of breaks\.mjs failed on image 1 \(\S+\.(jpg|png)\): no boxes \[search\.metric\]/,
  );
  expect([existsSync('broken'), read('found.jsonl')]).toEqual([false, before]);
  const again = await sensitive('--expected_sqnr 24 -o again');
  expect(again.status, again.stderr).toBe(0);
  expect([layersOf('again'), read('found.jsonl')]).toEqual([layersOf('sqnr'), before]);
});

it.each([
  ['--expected_sqnr 20 --metric m.mjs', /--expected_sqnr and --metric contradict each other/],
  ['--expected_metric 1', /--expected_metric needs --metric FILE\.mjs/],
  ['--metric m.mjs', /--metric needs --expected_metric or --pareto/],
  ['--pareto 1,x', /--pareto 1,x is no list of sizes/],
  ['--refine', /--refine needs --smallest, --expected_sqnr, --expected_metric or --pareto/],
  ['--float_layer_limit 3', /--float_layer_limit needs a goal/],
  ['--metric nowhere.mjs --pareto', /nowhere\.mjs does not exist/],
  ['--metric empty.mjs --pareto', /empty\.mjs exports no function metric/],
  ['--metric broken.mjs --pareto', /broken\.mjs cannot be loaded/],
])('refuses %s', async (flags, message) => {
  folder.write('empty.mjs', 'export const a = 1;');
  folder.write('broken.mjs', 'export function metric( {');
  const { status, stderr } = await sensitive(`${flags} -o no`);
  expect(stderr).toMatch(message);
  expect([status, existsSync('no')]).toEqual([1, false]);
});

it.each([
  ['search_threshold', '--pareto', /--pareto belongs to --search search_qtable/],
  ['fast_search', '--expected_sqnr 20', /--expected_sqnr belongs to --search search_qtable/],
  ['False', '--smallest', /--smallest belongs to --search search_qtable/],
  ['fast_search', '--refine', /--refine belongs to --search search_qtable/],
])('run_calibration --search %s refuses %s', async (search, flags, message) => {
  const { status, stderr } = await run(
    `run_calibration net.mlir --dataset ${images} --search ${search} ${flags} --quantize_table no --no_doctor -o no`,
  );
  expect(stderr).toMatch(message);
  expect([status, existsSync('no')]).toEqual([1, false]);
});
