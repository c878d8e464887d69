import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCalibrationTable } from '@q/ir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectsPreprocess, q, qBin, testModel } from './q-process.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const images = testModel('objects-cnn/calibration.zip');
const calibrate = (...words: string[]) =>
  q(folder, 'run_calibration', 'm.mlir', '--dataset', images, '--input_num', '4', '--workers', '1', ...words);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'q-calibration-'));
  const { status, stderr } = q(
    folder,
    'model_transform',
    '--model_name',
    'm',
    '--model_def',
    testModel('objects-cnn/objects-cnn.onnx'),
    ...objectsPreprocess,
    '--mlir',
    'm.mlir',
  );
  expect(status, stderr).toBe(0);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('run_calibration', () => {
  it('writes the files of every step, and the same table from saved statistics', () => {
    const first = calibrate('--stats', 's.json.gz', '--kurtosis', '--debug_cmd', 'int4;dump_list', '-o', 'out/table');
    expect(first.status, first.stderr).toBe(0);
    for (const file of ['out/table', 'out/kurtosis_analysis', 's.json.gz', 'm_shape_ops', 'selected_image_list.txt']) {
      expect(existsSync(at(file)), file).toBe(true);
    }
    const table = parseCalibrationTable(readFileSync(at('out/table'), 'utf8'));
    expect(table.sections.int4.size).toBe(table.rows.size);
    const second = calibrate('--stats', 's.json.gz', '--debug_cmd', 'int4', '-o', 'again');
    expect(second.stdout).not.toMatch(/statistics: /);
    expect(readFileSync(at('again'), 'utf8')).toBe(readFileSync(at('out/table'), 'utf8'));
  });

  it('equalizes a copy when asked to, and leaves the model alone', () => {
    const weights = at('m_top_f32_all_weight.npz');
    const before = readFileSync(weights);
    const { status, stderr } = calibrate('--we', '--chip', 'bm1684', '--changed_mlir', 'copy/m2.mlir', '-o', 'we');
    expect(status, stderr).toBe(0);
    expect(readFileSync(weights).equals(before)).toBe(true);
    expect(existsSync(at('copy/m2.mlir'))).toBe(true);
    expect(readFileSync(at('Weight_Equalization'), 'utf8')).toMatch(
      /^INFO:root:Cross Layer WE: .* Groups: \d+ Iter: 1\n/,
    );
    // The statistics of the model before are not those of the one after.
    copyFileSync(at('s.json.gz'), at('old.json.gz'));
    const stale = calibrate('--we', '--changed_mlir', 'copy/m3.mlir', '--load_dist', 'old.json.gz', '-o', 'stale');
    expect([stale.status, existsSync(at('stale'))]).toEqual([1, false]);
    expect(stderr + stale.stderr).toMatch(/of another model/);
  });

  it('takes the names and lines of the eras', () => {
    const { status, stderr } = calibrate(
      '--profile',
      '2026',
      '--cali_m',
      'USE_MSE',
      '--part_q',
      'N_mode',
      '-o',
      'new/t',
    );
    expect(status, stderr).toBe(0);
    expect(readFileSync(at('new/t'), 'utf8')).toMatch(/calculation method: mse\n/);
    expect(readFileSync(at('new/shape_pattern_qtable'), 'utf8')).toMatch(/# # part_quant_mode: N_mode\n###\n/);
  });

  it("takes the preprocessing string of the BM1684 tools in place of the model's", () => {
    const text = 'resize_h=64,resize_w=64; mean_value=127.5:127.5:127.5, scale=0.0078431,bgr2rgb=True';
    const rowsOf = (...words: string[]): string => {
      const { status, stderr } = calibrate('--tune_num', '0', ...words, '-o', 'string');
      expect(status, stderr).toBe(0);
      return readFileSync(at('string'), 'utf8');
    };
    const own = rowsOf();
    expect(rowsOf('--cali_image_preprocess', text)).toBe(own);
    expect(rowsOf('--cali_image_preprocess', text.replace('True', 'False'))).not.toBe(own);
  });

  it('compares and lists', () => {
    const { status, stdout } = q(folder, 'compare-tables', 'out/table', 'again', '--json', '--tolerance', '0');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ missing: [], extra: [], summary: { threshold: { worst: 0 } } });
    expect(q(folder, 'compare-tables', 'out/table', 'we', '--tolerance', '0.0001').status).toBe(255);
    writeFileSync(at('a.npy'), '');
    expect(q(folder, 'gen_data_list', '.', '0', 'list.txt').status).toBe(0);
    expect(readFileSync(at('list.txt'), 'utf8')).toContain('a.npy');
  });
});

describe('what run_calibration refuses, in one line and without a table', () => {
  it.each([
    [['--search', 'search_qtable'], /--search search_qtable needs --quantize_table/],
    [['--debug_cmd', 'int5'], /--debug_cmd int5 is not known[\s\S]*did you mean int4/],
    [['--debug_cmd', 'tune_steps=x'], /tune_steps=x is no number/],
    [['--debug_cmd', 'int4;fp8'], /int4 and fp8/],
    [['--fp_type', 'BF16'], /parameter error, fp_type:BF16 not support by bm1684x/],
    [['--load_dist', 'none.json'], /none.json does not exist/],
    [['--load_dist', 'm.mlir'], /m.mlir is no statistics file/],
    [['--cali_method', 'mse', '--profile', '2023'], /method mse/],
    [['--preprocess_hook', 'hook.py'], /Python, which is not run here/],
  ])('%j', (words, message) => {
    const { status, stderr } = calibrate(...words, '-o', 'refused');
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
    expect(existsSync(at('refused'))).toBe(false);
  });

  it('a table that the disk has no room for: no half of it stays, and the old one does', ({ skip }) => {
    if (process.platform === 'win32') skip('no limits on file sizes here');
    writeFileSync(at('full'), 'old');
    // Files of at most 1 KiB, as if the disk were full behind them.
    const words = [
      'run_calibration',
      'm.mlir',
      '--dataset',
      images,
      '--input_num',
      '2',
      '--workers',
      '1',
      '-o',
      'full',
    ];
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', 'ulimit -f 2; exec "$@"', 'sh', process.execPath, qBin, ...words],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    );
    expect(stderr).toMatch(/cannot write full: EFBIG/);
    expect(status).toBe(1);
    expect(readFileSync(at('full'), 'utf8')).toBe('old');
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
