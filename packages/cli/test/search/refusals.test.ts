import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { writeNpy } from '@q/ir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSearchJournal } from '../../src/files/search-journal-file.ts';
import { testModel } from '../q-process.ts';
import { openObjectsCnn, run, type Workspace } from './workspace.ts';

const images = testModel('objects-cnn/calibration.zip');
const read = (name: string): string => readFileSync(name, 'utf8');
const walk = `run_qtable net.mlir --dataset ${images} --input_num 1 --processor bm1684 --expected_cos 0.9999`;
const layers =
  `run_sensitive_layer net.mlir --dataset ${images} --input_num 1 --inference_num 1 --tune_num 1 --processor bm1684 ` +
  '--calibration_table table --workers 1';
const calibration =
  `run_calibration net.mlir --dataset ${images} --input_num 1 --inference_num 1 --tune_num 1 --processor bm1684 ` +
  '--search search_qtable --no_doctor --workers 1 -o none --quantize_table none.q';
let folder: Workspace;

beforeAll(async () => {
  folder = await openObjectsCnn();
});
afterAll(() => folder.close());

/** Refused before anything is calibrated: no statistics, no table. */
async function refusal(line: string, ...facts: readonly (string | RegExp)[]): Promise<void> {
  const before = readdirSync('.');
  const { status, stdout, stderr } = await run(line);
  expect(status, stderr).toBe(1);
  for (const fact of facts) expect(stderr).toMatch(fact);
  expect(stderr).not.toContain('internal error');
  expect(stdout).not.toMatch(/input_num = |run result/);
  expect(readdirSync('.').filter((name) => !before.includes(name) && !name.endsWith('_shape_ops'))).toEqual([]);
}

describe('flags of a search are looked at before the work', () => {
  it('contradictions and times', async () => {
    await refusal(`${layers} --racing --exhaustive -o none`, /--racing and --exhaustive contradict each other/);
    await refusal(`${layers} --budget 1y -o none`, /--budget 1y is no time/);
    await refusal(`${calibration} --budget soon`, /--budget soon is no time/);
    await refusal(`${calibration} --tune_list lost.txt`, /--tune_list: lost\.txt does not exist/);
  });

  it('files that cannot be written', async () => {
    mkdirSync('folder', { recursive: true });
    await refusal(`${layers} -o folder`, /folder is a folder, a file is to be written there/, /cli\.cannot-write/);
    await refusal(`${walk} --calibration_table table -o table/q`, /cannot write table\/q/, /is no folder/);
    await refusal(`${calibration} --plan folder`, /folder is a folder/);
    expect(readdirSync('folder')).toEqual([]);
    // Of the working directory, what the search does write there.
    for (const name of ['MixPrecSearcher', 'new_cali_table.txt']) mkdirSync(name);
    await refusal(`${walk} --calibration_table table --loss_table folder/l -o folder/q`, /MixPrecSearcher is a folder/);
    await refusal(`${layers} -o folder/q`, /new_cali_table\.txt is a folder/);
    for (const name of ['MixPrecSearcher', 'new_cali_table.txt']) rmdirSync(name);
  });
});

describe('calibration tables', () => {
  it('lines that are no rows are named when their layers lack them', async () => {
    const lines = read('table').split('\n');
    const at = lines.findIndex((line) => line.startsWith('/stem'));
    folder.write('damaged', lines.with(at, lines[at]!.replace(/ [\d.]+ /, ' 4,02 ')).join('\n'));
    await refusal(
      `${walk} --calibration_table damaged -o none`,
      new RegExp(`damaged, line ${at + 1}`),
      /lacks the row of \/stem\S+/,
      /4,02/,
      /cali-table\.row/,
    );
  });

  it('an empty quantize table says why', async () => {
    const { status, stdout, stderr } = await run(
      `${walk} --calibration_table table --min_layer_cos 0.1 --loss_table l.txt -o few`,
    );
    expect(status, stderr).toBe(0);
    expect(stdout).toContain('mix model outputs_cos:0.000000');
    expect(stderr).toMatch(/names no layer.*--min_layer_cos above 0\.1/);
  });
});

describe('samples', () => {
  it('numbers that are not finite are named with their file, not blamed on a layer', async () => {
    const pixels = new Float32Array(3 * 64 * 64).fill(0.5);
    pixels[77] = Number.NaN;
    mkdirSync('arrays', { recursive: true });
    writeFileSync('arrays/odd.npy', writeNpy({ dtype: 'f32', shape: [1, 3, 64, 64], data: pixels }));
    await refusal(
      `run_qtable net.mlir --dataset arrays --input_num 1 --processor bm1684 --calibration_table table -o none`,
      /odd\.npy holds NaN at element 77 of image/,
      /cli\.non-finite-sample/,
    );
  });
});

describe('journals', () => {
  it('a file that is none is refused by its name, and stays as it is', async () => {
    const foreign = [
      '{"some": "json"}',
      'one line\nand one without an end',
      'deadbeef {"other":1}\nrest',
      '\u0001\u0002\n',
    ];
    for (const text of foreign) {
      folder.write('mine', text);
      await refusal(`${walk} --calibration_table table --journal mine -o none`, /mine/, /search\.journal-differs/);
      expect(read('mine')).toBe(text);
    }
    await refusal(`${walk} --calibration_table table --journal folder -o none`, /journal folder/, /cli\.cannot-write/);
    await refusal(`${walk} --calibration_table table --journal table/j -o none`, /journal table\/j/);
  });

  it('an unfinished line goes when the next one comes, the first one, too', () => {
    for (const whole of ['', '92acfd8e {"journal":1}\n']) {
      folder.write('torn', `${whole}fa7b5cef {"eff`);
      const journal = openSearchJournal('torn');
      expect(journal.lines).toEqual(whole === '' ? [] : [whole.trimEnd()]);
      expect(read('torn')).toBe(`${whole}fa7b5cef {"eff`);
      journal.append(['a']);
      journal.append(['b']);
      journal.close();
      expect(read('torn')).toBe(`${whole}a\nb\n`);
      appendFileSync('torn', 'c');
    }
    expect(existsSync('none')).toBe(false);
  });
});
