import { existsSync, readFileSync } from 'node:fs';
import { parseCalibrationTable } from '@q/ir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testModel } from '../q-process.ts';
import { openObjectsCnn, run, steady, type Workspace } from './workspace.ts';

const images = testModel('objects-cnn/calibration.zip');
const read = (name: string): string => readFileSync(name, 'utf8');
let folder: Workspace;

beforeAll(async () => {
  folder = await openObjectsCnn();
});
afterAll(() => folder.close());

/** Console and files of a command, as one text that a golden file holds. */
function transcript(stdout: string, ...files: readonly string[]): string {
  return steady([stdout, ...files.flatMap((file) => [`==> ${file} <==`, read(file)])].join('\n'));
}

describe('run_qtable', () => {
  it('prints, logs and writes what TPU-MLIR does', async () => {
    const { status, stdout, stderr } =
      await run(`run_qtable.py net.mlir --dataset ${images} --input_num 2 --calib table \\
      --chip bm1684 --min_layer_cos 0.995 --expected 0.9999 --loss_table losses.txt -o qtable`);
    expect(status, stderr).toBe(0);
    await expect(transcript(stdout, 'qtable', 'losses.txt', 'MixPrecSearcher')).toMatchFileSnapshot(
      '../golden/run-qtable.txt',
    );
  });

  it('ends early where INT8 suffices, with exit status 0 and without a table', async () => {
    const { status, stdout } = await run(`run_qtable net.mlir --dataset ${images} --input_num 2 \\
      --calibration_table table --processor BM1684X --expected_cos 0.9 -o none`);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^job success, current int8 cos:0\.99\d+ is higher than expected_cos:0\.9,no need for mix precsion$/m,
    );
    expect(existsSync('none')).toBe(false);
  });

  it('knows the form of 2022: each layer alone in float, those that gain 5 % are taken', async () => {
    const { status, stderr } =
      await run(`run_qtable net.mlir --dataset ${images} --input_num 1 --calibration_table table \\
      --chip bm1684x --profile 2022 --loss_table losses22.txt -o q22`);
    expect(status, stderr).toBe(0);
    const [, , all, chip, first] = read('losses22.txt').split('\n');
    expect(chip).toBe('# chip: bm1684x  mix_mode: F32');
    expect(first).toMatch(/^No\.0 {3}: Layer: \S+ *\t\tLoss: -\d+\.\d+$/);
    const int8 = Number(/int8 loss: (.*)/.exec(all!)![1]);
    const gains = [...read('losses22.txt').matchAll(/Layer: (\S+)\s+Loss: (.*)/g)]
      .filter(([, , loss]) => int8 - Number(loss) > 0.05 * Math.abs(int8))
      .map(([, layer]) => `${layer} F32`);
    // At most a quarter of the 39 layers.
    expect(
      read('q22')
        .split('\n')
        .filter((line) => /^[^#]/.test(line)),
    ).toEqual(gains.slice(0, 9));
  });
});

describe('run_sensitive_layer', () => {
  it('prints, logs and writes what TPU-MLIR does', async () => {
    const { status, stdout, stderr } = await run(`run_sensitive_layer net.mlir --dataset ${images} --input_num 2 \\
      --inference_num 1 --max_float_layers 2 --expected_cos 0.999 --tune_num 1 --calibration_table table \\
      --processor bm1684 --workers 1 -o sensitive`);
    expect(status, stderr).toBe(0);
    await expect(transcript(stdout, 'sensitive', 'SensitiveLayerSearch')).toMatchFileSnapshot(
      '../golden/run-sensitive-layer.txt',
    );
    expect(read('SensitiveLayerSearcher')).toBe(read('SensitiveLayerSearch'));
    for (const file of ['MAX', 'Percentile9999', 'KL'].flatMap((name) => [`table_${name}.1`, `table_${name}_tune`])) {
      expect(existsSync(file), file).toBe(true);
    }
    const rows = (name: string) =>
      read(name)
        .split('\n')
        .filter((line) => !line.startsWith('#')).length;
    expect(rows('new_cali_table.txt')).toBe(rows('table'));
  });
});

describe('run_calibration --search', () => {
  it('search_threshold chooses the table of the best method, and logs the scores', async () => {
    const { status, stdout, stderr } = await run(`run_calibration.py net.mlir --dataset ${images} --input_num 2 \\
      --inference_num 1 --tune_num 1 --processor bm1684 --search search_threshold --no_doctor --workers 1 -o threshold`);
    expect(status, stderr).toBe(0);
    await expect(transcript(stdout, 'Search_Threshold')).toMatchFileSnapshot('../golden/search-threshold.txt');
    const best = /optimal_method_name: (\w+)/.exec(read('Search_Threshold'))![1]!;
    expect(read('threshold')).toBe(read(`threshold_${best}${best === 'KL' ? '_tune' : '.1'}`));
    expect(read('new_cali_table.txt')).toBe(read('threshold_MSE.1'));
  });

  it('search_qtable mixes methods, honours a post-processing module, and its tables deploy', async () => {
    folder.write('post.mjs', 'export function PostProcess(outputs) { return outputs; }\n');
    const { status, stdout, stderr } = await run(`run_calibration net.mlir --dataset ${images} --input_num 2 \\
      --inference_num 1 --tune_num 1 --expected_cos 0.9999 --max_float_layers 1 --quantize_method_list KL,MSE \\
      --search search_qtable --transformer False --processor bm1684 --post_process post.py --quantize_table mixed \\
      --no_doctor --workers 1 -o base`);
    expect(status, stderr).toBe(0);
    await expect(transcript(stdout, 'mixed', 'Search_Qtable')).toMatchFileSnapshot('../golden/search-qtable.txt');
    expect(read('base')).toBe(read('base_MSE_tune'));
    const deployed = await run(`model_deploy --mlir net.mlir --quantize INT8 --processor bm1684 \\
      --calibration_table new_cali_table.txt --quantize_table mixed --model net.bmodel`);
    expect(deployed.status, deployed.stderr).toBe(0);
    expect(deployed.stderr).not.toMatch(/unknown-layer|no layer of this network/);
  });
});

describe('shares of thresholds', () => {
  it('are tried like methods, without tables of their own', async () => {
    const { status, stderr } = await run(`run_calibration net.mlir --dataset ${images} --input_num 2 --inference_num 1 \
      --tune_num 0 --expected_cos 1 --max_float_layers 0 --float_layer_limit 0 --quantize_method_list MAX,MAX:0.9 \
      --search search_qtable --processor bm1684 --quantize_table shares --no_doctor --workers 1 -o plain`);
    expect(status, stderr).toBe(0);
    const rows = (name: string) => [...parseCalibrationTable(read(name)).rows];
    const shares = rows('new_cali_table.txt').map(
      ([, { threshold }], at) => threshold / rows('plain')[at]![1].threshold,
    );
    // What clips is worse in one layer and better in another.
    expect(new Set(shares.map((share) => share.toFixed(2)))).toEqual(new Set(['1.00', '0.90']));
    expect(read('plain')).toBe(read('plain_MAX.1'));
    expect(existsSync('plain_MAX:0.9.1')).toBe(false);
  });
});

describe('how long a search takes', () => {
  const sensitive = (more: string) =>
    run(`run_sensitive_layer net.mlir --dataset ${images} --input_num 2 --inference_num 2 --max_float_layers 2 \\
      --expected_cos 0.999 --tune_num 0 --calibration_table table --processor bm1684 --workers 1 ${more}`);
  const layers = (name: string) =>
    read(name)
      .split('\n')
      .filter((line) => /^[^#]/.test(line));

  it('a race ends with the same float layers; a journal gives the same bytes again', async () => {
    const full = await sensitive('--exhaustive --journal found.jsonl -o full');
    expect(full.status, full.stderr).toBe(0);
    const table = read('new_cali_table.txt');
    const race = await sensitive('--racing -o raced');
    expect(race.status, race.stderr).toBe(0);
    expect(layers('raced')).toEqual(layers('full'));
    const again = await sensitive('--journal found.jsonl -o again');
    expect(again.stderr).toMatch(/^resumed: \d+ scores were found before$/m);
    expect([read('again'), read('new_cali_table.txt')]).toEqual([read('full'), table]);
  });

  it('a budget stops it with what is known', async () => {
    const { status, stderr, stdout } = await sensitive('--budget 1ms -o short');
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(/stopped early because the budget is spent/);
    expect(stdout).toContain('int8 model: not known, the search was stopped before it was scored');
    expect(stdout + stderr).not.toMatch(/\bnan\b/);
    expect(existsSync('short')).toBe(true);
    expect((await sensitive('--budget soon -o none')).stderr).toMatch(/--budget soon is no time/);
    expect((await sensitive('--racing --exhaustive -o none')).stderr).toMatch(/contradict each other/);
  });
});

describe('what searches refuse, in one line and without a table', () => {
  const qtable = (more: string) =>
    run(
      `run_qtable net.mlir --dataset ${images} --input_num 1 --calibration_table table --processor bm1684 -o no ${more}`,
    );

  it.each([
    ['--global_compare_layers logits_Gem', /no layer logits_Gem[\s\S]*did you mean logits_Gemm\?/],
    ['--global_compare_layers logits_Gemm:0.5,image', /global_compare_layers format error/],
    ['--global_compare_layers logits_Gemm:0.5,image:0.4', /global_compare_layers rate error/],
    ['--fp_type F16', /parameter error, fp_type:F16 not support by bm1684/],
    ['--expected_cos 1.5', /--expected_cos is 1.5; a number from 0 to 1/],
    ['--input_num 0', /--input_num is 0/],
    ['--debug_cmd run_bias_corection', /is not known/],
    ['--calibration_table nowhere', /nowhere does not exist/],
    ['--dataset nowhere', /nowhere does not exist/],
  ])('run_qtable %s', async (more, message) => {
    const { status, stderr } = await qtable(more);
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
    expect(existsSync('no')).toBe(false);
  });

  it('a table of another model, and no images', async () => {
    folder.write('other', read('table').replaceAll('blocks', 'stages').replaceAll('_output', '_result'));
    const other = await qtable('--calibration_table other');
    expect(other.stderr).toMatch(/other is the calibration table of another model[\s\S]*the nearest row is/);
    folder.write('empty.txt', '\n');
    const none = await run(`run_qtable net.mlir --data_list empty.txt --calibration_table table --chip bm1684 -o no`);
    expect([other.status, none.status, existsSync('no')]).toEqual([1, 1, false]);
    expect(none.stderr).toMatch(/no samples|0 samples|empty/i);
  });

  it.each([
    [
      'throws.mjs',
      'export function PostProcess() { throw new Error("no boxes"); }',
      /PostProcess of throws.mjs failed on image 0 \(\S+\.(jpg|png)\): no boxes/,
    ],
    ['nothing.mjs', 'export function PostProcess() {}', /does not answer tensors by name/],
    ['nan.mjs', 'export function PostProcess() { return { score: [NaN] }; }', /no finite numbers/],
    ['empty.mjs', 'export const a = 1;', /exports no function PostProcess/],
    ['broken.mjs', 'export function PostProcess( {', /broken.mjs cannot be loaded/],
    ['alone.py', 'def PostProcess(data):\n    return data\n', /is Python[\s\S]*alone.mjs/],
  ])('a post-processing module: %s', async (file, text, message) => {
    folder.write(file, text);
    const { status, stderr } = await run(`run_sensitive_layer net.mlir --dataset ${images} --input_num 1 \\
      --inference_num 1 --tune_num 0 --calibration_table table --processor bm1684 --workers 1 --post_process ${file} -o no`);
    expect(stderr).toMatch(message);
    expect([status, existsSync('no')]).toEqual([1, false]);
  });

  it.each([
    ['--search search_qtable', /needs --quantize_table/],
    [
      '--search search_qtable --quantize_table no --quantize_method_list KL,MES',
      /MES is not known[\s\S]*did you mean MSE/,
    ],
    ['--search search_qtable --quantize_table no --quantize_method_list KL,MSE:half', /MSE:half: what thresholds are/],
    [
      '--search search_qtable --quantize_table no --quantize_method_list KL:0.5,KL:0.3',
      /no method whose table a search/,
    ],
    ['--search search_threshold --cluster', /--cluster belongs to --search search_qtable/],
    ['--search search_qtable --cluster --quantize_table no', /--cluster belongs to --profile 2026/],
    [
      '--search search_qtable --profile 2026 --cluster --pareto --quantize_table no',
      /--pareto and --cluster contradict each other/,
    ],
    ['--search search_qtable --mix_mode wf8af8_fp --quantize_table no', /not in this version: .*runs FP8[\s\S]*wi4ai8/],
    ['--search fast_search --mix_mode wi4ai8_wi8ai8 --quantize_table no', /belongs to --search search_qtable/],
    [
      '--search search_qtable --mix_mode wi4ai8_wi8ai8 --cluster --quantize_table no',
      /--cluster and --mix_mode wi4ai8/,
    ],
    ['--search search_qtable --mix_mode wi4ai4_wi8ai8 --quantize_table no', /needs the calibration table no to exist/],
    [
      '--search search_qtable --profile 2026 --racing --quantize_table no',
      /--racing belongs to the profiles before 2026/,
    ],
    ['--search search_qtable --mix_mode wi8ai8 --quantize_table no', /--mix_mode wi8ai8 is not known/],
    ['--benchmark_method snr --search search_qtable --quantize_table no', /--benchmark_method/],
    ['--transformer True', /--transformer True belongs to --search search_qtable/],
    ['--search search_qtable --quantize_table no --bc', /leaves out --bc/],
    ['--search fast_search --quantize_table no', /needs the calibration table no to exist/],
  ])('run_calibration %s', async (more, message) => {
    const { status, stderr } = await run(
      `run_calibration net.mlir --dataset ${images} --input_num 1 --no_doctor -o no ${more}`,
    );
    expect(stderr).toMatch(message);
    expect([status, existsSync('no')]).toEqual([1, false]);
  });
});
