import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { graphOfContainer, readContainer, readNpz } from '@q/ir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runHere } from '../run-here.ts';
import { type DeployFolder, objectsFolder } from './objects.ts';

let folder: DeployFolder;
beforeAll(async () => {
  folder = await objectsFolder();
});
afterAll(() => rmSync(folder.path, { recursive: true, force: true }));

const values = (path: string, name: string): number[] => {
  const tensor = readNpz(folder.read(path)).get(name)!;
  return Array.from(tensor.data as Float32Array);
};

describe('model_deploy', () => {
  it('writes the lowered module, its weights and a model that holds the same text', async () => {
    const { status, stdout, stderr } = await folder.deploy(
      '--model',
      folder.file('net.bmodel'),
      '--test_input',
      folder.file('sample.jpg'),
      '--debug',
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain('not instructions of the chip');
    expect(stdout.match(/^npz compare PASSED\.$/gm)).toHaveLength(2);
    const container = readContainer(folder.read('net.bmodel'));
    expect(container.metadata).toMatchObject({ name: 'objects_cnn', processor: 'bm1684x', precision: 'INT8' });
    expect(`${container.text}`.replace('objects_cnn_weights.npz', 'objects_cnn_bm1684x_int8_sym_tpu_weights.npz')).toBe(
      folder.read('objects_cnn_bm1684x_int8_sym_tpu.mlir').toString('utf8'),
    );
  });

  it('writes ONNX under the name of --model where the processor takes ONNX, and refuses the name elsewhere', async () => {
    const onnx = await folder.deploy('--processor', 'k1', '--model', folder.file('net.onnx'));
    expect(onnx.status, onnx.stderr).toBe(0);
    const own = /(\S+\.onnx): /.exec(onnx.stdout)![1]!;
    expect(folder.read('net.onnx').equals(readFileSync(own))).toBe(true);
    const refused = await folder.deploy('--model', folder.file('chip.onnx'));
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('chip.onnx names an ONNX file');
    expect(existsSync(folder.file('chip.onnx'))).toBe(false);
  });

  it('compares every layer with --compare_all, and leaves out --excepts', async () => {
    const words = ['--test_input', folder.file('sample.jpg'), '--compare_all'];
    const all = await folder.deploy(...words);
    expect(all.stdout).toMatch(/^39 compared$/m);
    const fewer = await folder.deploy(...words, '--excepts', 'logits_Gemm,image');
    expect(fewer.stdout).toMatch(/^37 compared$/m);
  });

  it('fails below the tolerance with 255 and names the first layer in program order', async () => {
    const outcome = await folder.deploy(
      ...['--test_input', folder.file('sample.jpg'), '--compare_all', '--tolerance', '0.999,0.97'],
    );
    expect(outcome.status).toBe(255);
    expect(outcome.stdout).toMatch(/^npz compare FAILED\.$/m);
    const failed = [...outcome.stdout.matchAll(/^\[(\S+) *\] +NOT_SIMLIAR \[FAILED\]$/gm)].map(([, name]) => name);
    expect(failed.length).toBeGreaterThan(1);
    expect(outcome.stderr).toContain(`${failed.length} of 39 layers are below the tolerance 0.999,0.97`);
    expect(outcome.stderr).toContain(`first: ${failed[0]} `);
  });

  it('drops the casts at the boundary of --model, and only there', async () => {
    const words = ['--model', folder.file('io.bmodel'), '--quant_input', '--quant_output'];
    const before = folder.read('objects_cnn_bm1684x_int8_sym_tpu.mlir');
    const { status, stderr } = await folder.deploy(...words, '--test_input', folder.file('sample.jpg'));
    expect(status, stderr).toBe(0);
    expect(folder.read('objects_cnn_bm1684x_int8_sym_tpu.mlir').equals(before)).toBe(true);
    // As `model_tool --info` shows a bmodel that TPU-MLIR 1.17 compiled with these flags.
    const { metadata } = readContainer(folder.read('io.bmodel'));
    expect(metadata.inputs).toMatchObject([{ name: 'image', shape: [1, 3, 64, 64], dtype: 'i8', zeroPoint: 0 }]);
    expect(1 / metadata.inputs[0]!.scale!).toBeCloseTo(127.001, 3);
    expect(metadata.outputs).toMatchObject([{ name: 'logits_Gemm', shape: [1, 20], dtype: 'i8' }]);
    expect(metadata.outputs[0]!.scale).toBeCloseTo(0.0642564, 6);
    const one = await folder.deploy('--model', folder.file('one.bmodel'), '--quant_output_list', '1');
    expect(one.status, one.stderr).toBe(0);
    const graph = graphOfContainer(readContainer(folder.read('one.bmodel')));
    expect(graph.outputs).toEqual(['logits_Gemm']);
    expect(graph.values.get('image')!.dtype).toBe('f32');
    const none = await folder.deploy('--model', folder.file('none.bmodel'), '--quant_input_list', '2');
    expect(none.status).toBe(1);
    expect(none.stderr).toContain('lower.boundary');
    expect(existsSync(folder.file('none.bmodel'))).toBe(false);
  });

  it('keeps a printed and parsed graph equal bit for bit', async () => {
    const lowered = folder.file('objects_cnn_bm1684x_int8_sym_tpu.mlir');
    await folder.deploy('--model', folder.file('net.bmodel'));
    const input = folder.file('objects_cnn_top_outputs.npz');
    const image = readNpz(folder.read('objects_cnn_top_outputs.npz')).get('image')!;
    expect(image.shape).toEqual([1, 3, 64, 64]);
    await runHere('npz_tool', 'extract', input, folder.file('in.npz'), 'image');
    for (const [model, out] of [
      [lowered, 'a.npz'],
      [folder.file('net.bmodel'), 'b.npz'],
    ] as const) {
      const words = ['--input', folder.file('in.npz'), '--model', model, '--output', folder.file(out)];
      const { status, stderr } = await runHere('model_runner', ...words, '--dump_all_tensors', '--out_fixed');
      expect(status, stderr).toBe(0);
    }
    expect(folder.read('a.npz').equals(folder.read('b.npz'))).toBe(true);
    expect(values('a.npz', 'logits_Gemm').every((code) => Number.isInteger(code) && Math.abs(code) <= 128)).toBe(true);
  });

  it('says which flags have no effect, and refuses by name what it cannot honour', async () => {
    const idle = await folder.deploy('--op_divide', '--opt', '3', '--num_core=2');
    expect(idle.status, idle.stderr).toBe(0);
    expect(idle.stdout).toMatch(
      /^--num_core, --opt, --op_divide: for the compiler of the vendor, without effect here/m,
    );
    const refused = await folder.deploy('--do_winograd', '--io_alone');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/--do_winograd[\s\S]*--io_alone[\s\S]*--addr_mode io_alone/);
    expect((await folder.deploy('--quantise', 'INT8')).status).toBe(2);
  });
});

describe('model_deploy with bad input', () => {
  const table = () => folder.read('table').toString('utf8');
  const withTable = (text: string, ...more: string[]) => {
    writeFileSync(folder.file('bad_table'), text);
    return folder.deploy('--calibration_table', folder.file('bad_table'), ...more);
  };

  it('a layer without threshold, by its name', async () => {
    const name = 'logits_Gemm';
    const { status, stderr } = await withTable(table().replace(new RegExp(`^${name} .*\n`, 'm'), ''));
    expect(status).toBe(1);
    expect(stderr).toContain('lower.threshold-missing');
    expect(stderr).toContain(`${name} threshold min max`);
  });

  it('thresholds of zero and below, all of them', async () => {
    const text = table()
      .replace(/^(logits_Gemm) \S+/m, '$1 0.0000000')
      .replace(/^(image) \S+/m, '$1 -1.5000000');
    const { status, stderr } = await withTable(text);
    expect(status).toBe(1);
    expect(stderr).toMatch(/lower\.threshold-invalid: image; found threshold -1\.5/);
    expect(stderr).toMatch(/lower\.threshold-invalid: logits_Gemm; found threshold 0/);
  });

  it('numbers with e+05 are read, with a warning that TPU-MLIR drops the row', async () => {
    const { status, stderr } = await withTable(table().replace(/^(logits_Gemm) .*$/m, '$1 1.2e+05 -1.2e+05 1.2e+05'));
    expect(status).toBe(0);
    expect(stderr).toMatch(/bad_table, line \d+: 1\.2e\+05; TPU-MLIR drops this row/);
  });

  it('names from before fusion: the layer that they are part of now', async () => {
    const before = '/blocks/blocks.0/layers/layers.0/Conv_output_0_Conv';
    const after = '/blocks/blocks.0/layers/layers.2/Clip_output_0_Clip';
    writeFileSync(folder.file('qtable'), `${before} F16\n`);
    const traced = await folder.deploy('--quantize_table', folder.file('qtable'));
    expect(traced.status, traced.stderr).toBe(0);
    expect(traced.stderr).toContain(`${before} is no layer of this network: its row has no effect`);
    expect(traced.stderr).toContain(`since fusion it is part of ${after}: use that name`);
    const text = table().replace(`${after} `, `${before} `);
    const calibrated = await withTable(text);
    expect(calibrated.status).toBe(1);
    expect(calibrated.stderr).toContain(`One row names no layer of this network, first: ${before}`);
    expect(calibrated.stderr).toContain(`since fusion it is part of ${after}`);
    // Without the module that the converter left, the name is a guess and says so.
    rmSync(folder.file('objects_cnn_origin.mlir'));
    const guessed = await folder.deploy('--quantize_table', folder.file('qtable'));
    expect(guessed.stderr).toContain(`perhaps it is part of ${after}`);
  });

  it('modes that a processor or this program lacks', async () => {
    const lacking = await folder.deploy('--quantize', 'BF16', '--processor', 'bm1684');
    expect(lacking.status).toBe(1);
    expect(lacking.stderr).toContain('BF16');
    expect(lacking.stderr).toContain('bm1684');
    for (const [mode, reason] of [
      ['F8E4M3', '8-bit floats'],
      ['INT8F16DYN', 'run-time quantization'],
      ['INT9', 'expected: INT8'],
    ] as const) {
      const { status, stderr } = await folder.deploy('--quantize', mode);
      expect(status, mode).toBe(1);
      expect(stderr).toContain(reason);
    }
  });

  it('INT4 without --tolerance, when there is something to compare', async () => {
    const words = ['--quantize', 'INT4', '--processor', 'bm1688'];
    const { status, stderr } = await folder.deploy(...words, '--test_input', folder.file('sample.jpg'));
    expect(status).toBe(1);
    expect(stderr).toMatch(/Please set the tolerance for quantization type: int4/);
  });

  it('a reference of another network', async () => {
    const words = ['--test_input', folder.file('sample.jpg')];
    await folder.deploy(...words);
    await runHere('npz_tool', 'rename', folder.file('in.npz'), 'image', 'other');
    const { status, stderr } = await folder.deploy(...words, '--test_reference', folder.file('in.npz'));
    expect(status).toBe(1);
    expect(stderr).toContain('cli.nothing-to-compare');
  });
});
