import { existsSync, readFileSync } from 'node:fs';
import { parseQuantizeTable } from '@q/ir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testModel } from '../q-process.ts';
import { openObjectsCnn, run, steady, type Workspace } from './workspace.ts';

const images = testModel('objects-cnn/calibration.zip');
const read = (name: string): string => readFileSync(name, 'utf8');
const search = (more: string) =>
  run(`run_calibration net.mlir --dataset ${images} --input_num 2 --inference_num 1 --tune_num 1 --processor bm1684 \\
    --no_doctor --workers 1 ${more}`);
let folder: Workspace;

beforeAll(async () => {
  folder = await openObjectsCnn();
});
afterAll(() => folder.close());

/** The layers of a table, and the figures of its head. */
function tableOf(name: string): { readonly layers: readonly string[]; readonly head: string } {
  const { rows, header } = parseQuantizeTable(read(name), name);
  return { layers: [...rows.keys()], head: header.join('\n') };
}

describe('searches of 2026', () => {
  it('fast_search takes five layers a round, of sensitive types', async () => {
    const { status, stdout, stderr } = await search(
      '--search fast_search --expected_cos 0.999 --quantize_table fast -o table',
    );
    expect(status, stderr).toBe(0);
    expect(steady(stdout)).toMatch(
      />>>run result:\nfloat layer number: 5, mix model outputs_cos: 0\.\d{6}\nint8 outputs_cos:0\.\d{6} old\nmix model outputs_cos:0\.\d{6}\nOutput mix/,
    );
    const log = read('Search_Qtable');
    expect(log).toMatch(/^INFO:root:op_type : top\.Conv, similarity : 0\.9\d+$/m);
    expect(log).toMatch(
      /^INFO:root:sensitive_op_type : \['top\.Conv'.*\], please pay attention to these types of operations$/m,
    );
    const { layers, head } = tableOf('fast');
    expect(layers).toHaveLength(5);
    expect(head).toMatch(
      /# total layers: 5 \(unique list blow\)\n# number of shape layers: 0\n# number of pattern layers: 0/,
    );
  });

  it.each([
    ['fast_search', '-o table'],
    ['mix_search', '-o table'],
    ['search_qtable', '--profile 2026 --quantize_method_list KL --max_float_layers 1 -o based'],
  ])('%s goes on from its journal, and stops when the budget is spent', async (name, more) => {
    const flags = `--search ${name} --expected_cos 0.999 ${more}`;
    const journal = `--journal ${name}.jsonl`;
    expect((await search(`${flags} ${journal} --quantize_table first`)).status).toBe(0);
    const again = await search(`${flags} ${journal} --quantize_table again`);
    expect(again.stderr).toMatch(/resumed: \d+ scores were found before/);
    expect(read('again')).toEqual(read('first'));
    const stopped = await search(`${flags} --budget 1ms --quantize_table stopped`);
    expect([stopped.status, stopped.stderr]).toEqual([0, expect.stringMatching(/stopped early because the budget/)]);
    expect(tableOf('stopped').layers).toEqual([]);
  });

  it('--mix_mode takes layers in four bits into the tables, which deploy on either base', async () => {
    const bits = '--input_num 4 --inference_num 3 --processor bm1688 --mix_mode wi4ai4_wi8ai8';
    expect((await search(`${bits} -o table4`)).status).toBe(0);
    expect(read('table4')).toMatch(/^#int4_th$/m);
    const { status, stdout, stderr } = await search(
      `${bits} --search search_qtable --expected_cos 0.95 --quantize_table mixed4 -o table4`,
    );
    expect(status, stderr).toBe(0);
    const [count] = /(?<=final INT4 layers:)\d+/.exec(stdout)!;
    expect(Number(count)).toBeGreaterThan(0);
    const { rows } = parseQuantizeTable(read('mixed4'), 'mixed4');
    const four = [...rows].filter(([, { mode }]) => mode === 'INT4').map(([name]) => name);
    expect(read('table4').split('#int4_op\n')[1]!.trim().split('\n')).toEqual(four);
    expect(four).toHaveLength(Number(count));
    const weights = await Promise.all(
      ['INT4', 'INT8'].map(async (base) => {
        const deployed = await run(`model_deploy --mlir net.mlir --quantize ${base} --processor bm1688 \\
          --calibration_table table4 --quantize_table mixed4 --model ${base}.bmodel`);
        expect(deployed.status, deployed.stderr).toBe(0);
        const name = /\S+_weights\.npz/.exec(deployed.stdout)![0];
        return readFileSync(name);
      }),
    );
    expect(weights[1]).toEqual(weights[0]);
  });

  it('mix_search stops at the maximum, and says so', async () => {
    const { status, stdout, stderr } = await search(
      '--search mix_search --expected_cos 0.9999 --min_layer_cos 0.998 --max_float_layers 2 --quantize_table mix -o table',
    );
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^job finished, the number of layers of F32 exceeded the maximum 2$/m);
    expect(tableOf('mix').layers.length).toBeGreaterThan(2);
    expect(read('mix_loss.txt')).toMatch(/^No\.0 {3}: Layer: \S+\s+Cos: 0\.\d{6}$/m);
    expect(existsSync('Mix_Search')).toBe(true);
  });

  it('mix_search writes a table even where INT8 suffices', async () => {
    const { status, stdout } = await search('--search mix_search --expected_cos 0.5 --quantize_table early -o table');
    expect([status, tableOf('early').layers]).toEqual([0, []]);
    expect(stdout).toMatch(/no need for mix precsion$/m);
  });

  it('search_qtable screens types first, and leaves the layers of --pre_qtable alone', async () => {
    folder.write('pre', 'logits_Gemm F32\n');
    const { status, stdout, stderr } = await search(
      '--search search_qtable --profile 2026 --expected_cos 0.9999 --max_float_layers 1 --quantize_method_list use_KL,mse ' +
        '--pre_qtable pre --quantize_table screened -o base',
    );
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^Use only pre as quantize table!$/m);
    const log = read('Search_Qtable');
    expect(log).toContain("quantize_method_list=['kl', 'mse']");
    expect(log).not.toMatch(/start to handle layer: logits_Gemm/);
    const { layers, head } = tableOf('screened');
    expect(layers[0]).toBe('logits_Gemm');
    expect(head).toContain(`# number of custom layers: ${layers.length}`);
  });

  it('--pre_qtable names layers of the network only', async () => {
    folder.write('astray', 'logits_Gem F32\n');
    const { status, stderr } = await search('--search fast_search --pre_qtable astray --quantize_table no -o table');
    expect(stderr).toMatch(/--pre_qtable: the network has no layer logits_Gem[\s\S]*did you mean logits_Gemm\?/);
    expect(status).toBe(1);
  });

  it('search_qtable --cluster puts the costlier group of layers into float', async () => {
    const { status, stdout, stderr } = await search(
      '--search search_qtable --profile 2026 --cluster --expected_cos 0.9999 --max_float_layers 1 --quantize_method_list KL ' +
        '--quantize_table clustered -o base',
    );
    expect(status, stderr).toBe(0);
    const { layers } = tableOf('clustered');
    expect(stdout).toContain(`selected_layers = [${layers.map((name) => `'${name}'`).join(', ')}]`);
    expect(stdout).not.toMatch(/is 0 sensitive layer/);
    expect(layers).toContain('/blocks/blocks.9/layers/layers.5/Clip_output_0_Clip');
    expect(layers.length).toBeLessThan(10);
  });
});
