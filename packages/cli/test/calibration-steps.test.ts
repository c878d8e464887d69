import { existsSync, readFileSync } from 'node:fs';
import { type CalibrationTable, parseCalibrationTable } from '@q/ir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectsPreprocess, testModel } from './q-process.ts';
import { type HereOutcome, runHere } from './run-here.ts';
import { openWorkspace, type Workspace } from './search/workspace.ts';

const images = testModel('objects-cnn/calibration.zip');
const read = (name: string): string => readFileSync(name, 'utf8');
const rowsOf = (name: string): CalibrationTable['rows'] => parseCalibrationTable(read(name)).rows;
let folder: Workspace;

async function done(...words: readonly string[]): Promise<HereOutcome> {
  const outcome = await runHere(...words);
  expect(outcome.status, outcome.stderr).toBe(0);
  return outcome;
}

const calibrate = (model: string, ...words: readonly string[]) =>
  runHere('run_calibration', model, '--no_doctor', '--workers', '1', ...words);
const succeed = async (...words: Parameters<typeof calibrate>): Promise<HereOutcome> => {
  const outcome = await calibrate(...words);
  expect(outcome.status, outcome.stderr).toBe(0);
  return outcome;
};

beforeAll(async () => {
  folder = openWorkspace();
  for (const model of ['objects-cnn', 'objects-vit']) {
    const definition = testModel(`${model}/${model}.onnx`);
    const words = ['--model_name', model, '--model_def', definition, '--mlir', `${model}.mlir`];
    await done('model_transform', ...words, ...objectsPreprocess);
  }
});
afterAll(() => folder.close());

describe('samples of run_calibration', () => {
  const constant = (name: string) =>
    `export ${name}({ files, inputs }) { return { [inputs[0].name]: new Float32Array(3 * 64 * 64).fill(files[0].length / 8) }; }\n`;

  it('as a module prepares them: its default export, or the one that is named', async () => {
    folder.write('hook.mjs', constant('default function') + constant('function own').replace('/ 8', '/ 16'));
    folder.write('list.txt', 'hook.mjs\n');
    for (const [hook, value] of [
      ['hook.mjs', 1],
      ['hook.mjs:own', 0.5],
    ] as const) {
      await succeed(
        'objects-cnn.mlir',
        '--data_list',
        'list.txt',
        '--preprocess_hook',
        hook,
        '--tune_num',
        '0',
        '-o',
        'h',
      );
      expect(rowsOf('h').get('image')).toMatchObject({ min: value, max: value });
    }
  });

  it('a module that is none, gives nothing or throws is refused by name', async () => {
    folder.write('broken.mjs', 'export default function ( {');
    folder.write('empty.mjs', 'export const a = 1;');
    folder.write('throws.mjs', 'export default function () { throw new Error("no such sensor"); }');
    for (const [hook, message] of [
      ['broken.mjs', /broken\.mjs cannot be loaded/],
      ['empty.mjs', /empty\.mjs exports no function default or preprocess/],
      ['throws.mjs', /no such sensor/],
      ['nowhere.mjs', /nowhere\.mjs does not exist/],
    ] as const) {
      const outcome = await calibrate(
        'objects-cnn.mlir',
        '--data_list',
        'list.txt',
        '--preprocess_hook',
        hook,
        '-o',
        'no',
      );
      expect(outcome.stderr).toMatch(message);
      expect([outcome.status, existsSync('no')]).toEqual([1, false]);
    }
  });

  it("the tuner's own list counts as far as --tune_num goes, and both lists can be written down", async () => {
    folder.write('tune.txt', 'hook.mjs\nhook.mjs\n');
    const words = ['--preprocess_hook', 'hook.mjs', '--data_list', 'list.txt', '--tune_list', 'tune.txt'];
    await succeed('objects-cnn.mlir', ...words, '--tune_num', '9', '--debug_cmd', 'dump_list', '-o', 'nine');
    expect(read('nine')).toMatch(/# sample number: 1\n# tune number: 2\n/);
    expect(read('selected_tune_image_list.txt').split('\n')).toHaveLength(3);
    await succeed('objects-cnn.mlir', ...words, '--tune_num', '1', '-o', 'one');
    expect(read('one')).toMatch(/# tune number: 1\n/);
  });
});

describe('steps around a calibration', () => {
  const words = ['--dataset', images, '--input_num', '2', '--tune_num', '0'];

  it('the model that --sq and --smc write gives the table that was written with it', async () => {
    const steps = ['--profile', '2026', '--sq', '--smc', '--changed_mlir', 'changed.mlir'];
    await succeed('objects-vit.mlir', ...words, ...steps, '-o', 'with');
    expect(existsSync('SmoothQuant') && existsSync('Softmax_Correction')).toBe(true);
    await succeed('changed.mlir', ...words, '--profile', '2026', '-o', 'after');
    const [together, after] = [rowsOf('with'), rowsOf('after')];
    expect([...after.keys()]).toEqual([...together.keys()]);
    const inserted = [...together.keys()].filter((name) => /_Smc_Inv_Mul$/.test(name));
    expect(inserted.length).toBeGreaterThan(0);
    for (const [name, row] of together) {
      // What --smc inserts has a threshold of its own.
      if (inserted.includes(name)) expect(row).toEqual({ threshold: 1, min: 0, max: 1 });
      else expect(row).toEqual(after.get(name));
    }
  });

  it('--bc ends where the outputs agree already, and leaves the table; otherwise it calibrates the corrected network', async () => {
    const steps = [...words, '--bc', '--chip', 'bm1684', '--bc_inference_num', '2'];
    const enough = await succeed('objects-cnn.mlir', ...steps, '--expected_cos', '0.5', '-o', 'enough');
    expect(enough.stdout + read('Bias_Correction')).toMatch(
      /job success, current int8 cos:0\.\d+ is higher than expected_cos/,
    );
    const before = readFileSync('objects-cnn_top_f32_all_weight.npz');
    const more = ['--expected_cos', '0.99999', '--min_layer_cos', '0.9999', '--changed_mlir', 'bias/corrected.mlir'];
    await succeed('objects-cnn.mlir', ...steps, ...more, '-o', 'corrected');
    expect(readFileSync('objects-cnn_top_f32_all_weight.npz').equals(before)).toBe(true);
    expect(read('Bias_Correction')).toMatch(/INFO:root:bias correction statistic:/);
    expect(rowsOf('corrected')).not.toEqual(rowsOf('enough'));
    await succeed('bias/corrected.mlir', ...words, '-o', 'again');
    expect(rowsOf('again')).toEqual(rowsOf('corrected'));
  });

  it('merged statistics of two halves are those of the whole, to the byte', async () => {
    folder.write('half.txt', 'hook.mjs\n');
    folder.write('other.txt', 'other.txt\n');
    folder.write('whole.txt', 'hook.mjs\nother.txt\n');
    for (const name of ['half', 'other', 'whole']) {
      const lists = ['--preprocess_hook', 'hook.mjs', '--data_list', `${name}.txt`];
      await succeed('objects-cnn.mlir', '--profile', 'pooled', ...lists, '--dump_dist', `${name}.json`, '-o', name);
    }
    await done('merge-statistics', 'other.json', 'half.json', '-o', 'merged.json');
    expect(read('merged.json')).toBe(read('whole.json'));
  });

  it('a sample of a list that is not there is named', async () => {
    folder.write('gone.txt', 'gone.jpg\n');
    const outcome = await calibrate('objects-cnn.mlir', '--data_list', 'gone.txt', '-o', 'no');
    expect(outcome.stderr).toMatch(/gone\.jpg cannot be read.*\[cli\.missing-file\]/);
    expect([outcome.status, existsSync('no')]).toEqual([1, false]);
  });

  it('--part_quantize custom_mode needs to know the operators', async () => {
    const custom = ['--profile', '2026', '--part_quantize', 'custom_mode', '-o', 'part'];
    const { status, stderr } = await calibrate('objects-cnn.mlir', ...words, ...custom);
    expect(stderr).toMatch(/--custom_operator/);
    expect([status, existsSync('part')]).toEqual([1, false]);
  });
});
