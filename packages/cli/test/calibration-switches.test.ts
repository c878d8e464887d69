import { readFileSync } from 'node:fs';
import { parseCalibrationTable } from '@q/ir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectsPreprocess, testModel } from './q-process.ts';
import { runHere } from './run-here.ts';
import { openWorkspace, type Workspace } from './search/workspace.ts';

const images = testModel('objects-cnn/calibration.zip');
const read = (name: string): string => readFileSync(name, 'utf8');
let folder: Workspace;

/** Runs a command that has to succeed. */
async function done(...words: readonly string[]) {
  const outcome = await runHere(...words);
  expect(outcome.status, outcome.stderr).toBe(0);
  return outcome;
}

const transform = (name: string, ...words: readonly string[]) =>
  done(
    ...['model_transform', '--model_name', name, '--mlir', `${name}.mlir`],
    ...['--model_def', testModel('objects-mobilenetv2/objects-mobilenetv2.onnx'), ...words],
  );

const calibrate = (model: string, ...words: readonly string[]) =>
  done(
    ...['run_calibration', model, '--dataset', images, '--input_num', '3', '--no_doctor', '--workers', '1'],
    ...['--tune_num', '0', ...words],
  );

beforeAll(async () => {
  folder = openWorkspace();
  await transform('net', ...objectsPreprocess);
});
afterAll(() => folder.close());

describe('switches of run_calibration', () => {
  it('--we_limits respect: the equalized network gives what the network gave; ignore, as TPU-MLIR, cuts ReLU6 elsewhere', async () => {
    const outputs = async (name: string, ...words: readonly string[]) => {
      await calibrate('net.mlir', '--cali_method', 'max', ...words, '-o', name);
      const { min, max } = parseCalibrationTable(read(name)).rows.get('logits_Gemm')!;
      return { min: min!, max: max! };
    };
    const moved = (one: { min: number; max: number }, other: { min: number; max: number }) =>
      Math.max(Math.abs(one.min - other.min), Math.abs(one.max - other.max)) / (one.max - one.min);
    const weights = readFileSync('net_top_f32_all_weight.npz');
    const plain = await outputs('plain');
    const respected = await outputs('a', '--we', '--we_limits', 'respect', '--changed_mlir', 'respected.mlir');
    const log = read('Weight_Equalization');
    const ignored = await outputs('b', '--we', '--changed_mlir', 'ignored.mlir');
    // Copies lie in the same folder, and have weights of their own.
    expect(readFileSync('net_top_f32_all_weight.npz').equals(weights)).toBe(true);
    expect(log).toMatch(/^INFO:root:Cross Layer WE: /);
    expect(moved(plain, respected)).toBeLessThan(1e-5);
    expect(moved(plain, ignored)).toBeGreaterThan(1e-2);
    expect((await runHere('run_calibration', 'net.mlir', '--we_limits', 'all', '-o', 'no')).status).toBe(2);
  });

  it('--cali_image_preprocess feeds the samples of searches, too', async () => {
    const preparation = 'resize_h=64,resize_w=64; mean_value=127.5:127.5:127.5, scale=0.0078431,bgr2rgb=True';
    await transform('raw');
    const searched = async (model: string, ...words: readonly string[]) => {
      await calibrate(model, '--search', 'search_threshold', '--inference_num', '2', ...words, '-o', 'found');
      return read('Search_Threshold').replaceAll(/(total time:).*|(raw|net)\.mlir/g, '$1');
    };
    const own = await searched('net.mlir');
    expect(own).toMatch(/KL/);
    expect(await searched('raw.mlir', '--cali_image_preprocess', preparation)).toBe(own);
    expect(await searched('raw.mlir')).not.toBe(own);
  });

  it('-dump_dist and -load_dist, spelled and used as by the BM1684 tool: both with one path collect once', async () => {
    const table = async (method: string) => {
      await calibrate(
        'net.mlir',
        '--cali_method',
        method,
        '-load_dist',
        'last.th',
        '-dump_dist',
        'last.th',
        '-o',
        'dist',
      );
      return read('dist');
    };
    const first = await table('max');
    const statistics = read('last.th');
    expect(await table('max')).toBe(first);
    expect(await table('mse')).not.toBe(first);
    expect(read('last.th')).toBe(statistics);
  });

  it('--debug_cmd use_pil_resize: without effect on calibration, as in TPU-MLIR; where pictures are measured it has one', async () => {
    const { stderr } = await calibrate(
      'net.mlir',
      '--debug_cmd',
      'use_pil_resize',
      '--cali_method',
      'max',
      '-o',
      'pil',
    );
    expect(stderr).toMatch(/use_pil_resize: as in TPU-MLIR/);
    const table = read('pil');
    await calibrate('net.mlir', '--cali_method', 'max', '-o', 'pil');
    expect(read('pil')).toBe(table);
  });
});
