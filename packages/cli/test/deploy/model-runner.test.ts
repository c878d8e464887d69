import { rmSync, writeFileSync } from 'node:fs';
import { f32Tensor, readNpz, type Tensor, writeNpz } from '@q/ir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testModel } from '../q-process.ts';
import { runHere } from '../run-here.ts';
import { type DeployFolder, objectsFolder } from './objects.ts';

const lowered = 'objects_cnn_bm1684x_int8_sym_tpu.mlir';

let folder: DeployFolder;
beforeAll(async () => {
  folder = await objectsFolder();
  await folder.deploy('--model', folder.file('net.bmodel'), '--quant_input', '--quant_output');
  const image = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => Math.fround(((i * 7) % 255) / 127.5 - 1));
  save('in.npz', { image: f32Tensor(image, [1, 3, 64, 64]) });
});
afterAll(() => rmSync(folder.path, { recursive: true, force: true }));

const save = (name: string, tensors: Record<string, Tensor>): void =>
  writeFileSync(folder.file(name), writeNpz(new Map(Object.entries(tensors))));
const load = (name: string) => readNpz(folder.read(name));
const run = (model: string, output: string, ...more: string[]) =>
  runHere(
    'model_runner',
    ...(more.includes('--input') ? [] : ['--input', folder.file('in.npz')]),
    ...['--model', model, '--output', folder.file(output), ...more],
  );

describe('model_runner', () => {
  it('runs the float network, the lowered one and the model, with the names of the original', async () => {
    const onnx = await run(testModel('objects-cnn/objects-cnn.onnx'), 'onnx.npz');
    expect(onnx.status, onnx.stderr).toBe(0);
    expect(onnx.stdout).toBe(`\nSaving ...\n\nResult saved to:${folder.file('onnx.npz')}`);
    expect([...load('onnx.npz').keys()]).toEqual(['logits']);
    await run(folder.file('objects_cnn.mlir'), 'top.npz');
    expect(load('top.npz').get('logits_Gemm')!.data).toEqual(load('onnx.npz').get('logits')!.data);
    // A final cast is followed by what it was made of.
    await run(folder.file(lowered), 'tpu.npz');
    expect([...load('tpu.npz').keys()]).toEqual(['logits_Gemm_f32', 'logits_Gemm']);
    await run(folder.file('net.bmodel'), 'net.npz');
    expect([...load('net.npz').keys()]).toEqual(['logits_Gemm']);
    expect(load('net.npz').get('logits_Gemm')).toEqual(load('tpu.npz').get('logits_Gemm'));
    await run(folder.file('objects_cnn.mlir'), 'all.npz', '--dump_all_tensors');
    expect(load('all.npz').size).toBe(39);
  });

  it('takes codes where the model has no cast at its inputs', async () => {
    await run(folder.file(lowered), 'codes.npz', '--dump_all_tensors', '--out_fixed');
    const codes = load('codes.npz').get('image/stem/stem.2/Relu_output_0_Relu_si8')!;
    save('int.npz', { anything: { ...codes, dtype: 'i8', data: Int8Array.from(codes.data as Float32Array) } });
    await run(folder.file('net.bmodel'), 'a.npz', '--input', folder.file('int.npz'));
    await run(folder.file('net.bmodel'), 'b.npz');
    expect(folder.read('a.npz').equals(folder.read('b.npz'))).toBe(true);
  });

  it('says what is wrong with inputs and models', async () => {
    save('small.npz', { image: f32Tensor([1, 2, 3]) });
    const small = await run(folder.file(lowered), 'x.npz', '--input', folder.file('small.npz'));
    expect(small.status).toBe(1);
    expect(small.stderr).toMatch(/cli\.input-size[\s\S]*3 elements[\s\S]*12288/);
    save('two.npz', { other: f32Tensor([1]), more: f32Tensor([1]) });
    const two = await run(folder.file(lowered), 'x.npz', '--input', folder.file('two.npz'));
    expect(two.stderr).toMatch(/cli\.input-missing[\s\S]*other, more/);
    writeFileSync(folder.file('real.bmodel'), Uint8Array.of(0xee, 0xaa, 0x55, 0xff, 64, 0, 0, 0));
    const compiled = await run(folder.file('real.bmodel'), 'x.npz');
    expect(compiled.status).toBe(1);
    expect(compiled.stderr).toContain("which only the vendor's runtime executes");
    const damaged = folder.read('net.bmodel');
    damaged[damaged.length - 5]! ^= 1;
    writeFileSync(folder.file('damaged.bmodel'), damaged);
    expect((await run(folder.file('damaged.bmodel'), 'x.npz')).stderr).toContain('container.checksum');
    expect((await run(folder.file(lowered), 'x.npz', '--cuda')).stderr).toContain('cli.not-in-this-version');
  });

  it('reports accumulators beyond 2^24, which the vendor sums inexactly', async () => {
    const depth = 1100;
    writeFileSync(folder.file('sum.mlir'), sumModule(depth));
    save('sum_top_f32_all_weight.npz', { w: f32Tensor(new Float32Array(2 * depth).fill(0.5), [depth, 2]) });
    writeFileSync(folder.file('sum_table'), 'x 1.0 -1.0 1.0\ny 550.0 -550.0 550.0\n');
    save('ones.npz', { x: f32Tensor(new Float32Array(depth).fill(1), [1, depth]) });
    const words = ['--mlir', folder.file('sum.mlir'), '--quantize', 'INT8', '--processor', 'bm1684x'];
    const { status, stderr } = await runHere(
      'model_deploy',
      ...[...words, '--calibration_table', folder.file('sum_table'), '--test_input', folder.file('ones.npz')],
    );
    expect(status, stderr).toBe(0);
    // 1100 · 127 · 127
    expect(stderr).toMatch(/warning: y: An accumulator reached 17741900, beyond 2\^24/);
  });
});

/** y = x · w with one long sum. */
function sumModule(depth: number): string {
  return `#loc = loc(unknown)
module @sum attributes {module.FLOPs = 0 : i64, module.chip = "ALL", module.platform = "ONNX", module.state = "TOP_F32", module.weight_file = "sum_top_f32_all_weight.npz"} {
  func.func @main(%arg0: tensor<1x${depth}xf32> loc(unknown)) -> tensor<1x2xf32> {
    %0 = "top.None"() : () -> none loc(#loc)
    %1 = "top.Input"(%arg0) {do_preprocess = false} : (tensor<1x${depth}xf32>) -> tensor<1x${depth}xf32> loc(#loc1)
    %2 = "top.Weight"() : () -> tensor<${depth}x2xf32> loc(#loc2)
    %3 = "top.MatMul"(%1, %2, %0) {do_relu = false, hdim_is_batch = false, keep_dims = true, left_transpose = false, output_transpose = false, relu_limit = -1.000000e+00 : f64, right_transpose = false} : (tensor<1x${depth}xf32>, tensor<${depth}x2xf32>, none) -> tensor<1x2xf32> loc(#loc3)
    return %3 : tensor<1x2xf32> loc(#loc)
  } loc(#loc)
} loc(#loc)
#loc1 = loc("x")
#loc2 = loc("w")
#loc3 = loc("y")
`;
}

describe('compare --dump', () => {
  const compare = (...more: string[]) =>
    runHere('compare', '--model', folder.file(lowered), '--input', folder.file('in.npz'), ...more);

  it('lists layers by their distance in LSBs, worst first, and the first that differs', async () => {
    await run(folder.file(lowered), 'dump.npz', '--dump_all_tensors', '--out_fixed');
    const same = await compare('--dump', folder.file('dump.npz'));
    expect(same.status, same.stderr).toBe(0);
    expect(same.stdout).toContain('no layer differs');
    const dump = load('dump.npz');
    const [early, late] = ['/blocks/blocks.0/Add_output_0_Add', 'logits_Gemm'];
    (dump.get(early)!.data as Float32Array)[7]! += 2;
    (dump.get(late)!.data as Float32Array)[3]! -= 5;
    dump.delete('/Flatten_output_0_Flatten');
    save('off.npz', Object.fromEntries(dump));
    const { stdout } = await compare('--dump', folder.file('off.npz'), '--top', '2');
    const lines = stdout.split('\n');
    expect(lines[2]).toMatch(/^logits_Gemm +codes +5 +0\.25 +1\/20 +\[3\] -?\d+ \| -?\d+$/);
    expect(lines[3]).toMatch(/^\/blocks\/blocks\.0\/Add_output_0_Add +codes +2 /);
    expect(stdout).toContain(`first layer that differs, in program order: ${early}`);
    expect(stdout).toContain('not in the dump: /Flatten_output_0_Flatten');
    const limited = await compare('--dump', folder.file('off.npz'), '--max_lsb', '4');
    expect(limited.status).toBe(255);
    expect(limited.stderr).toContain('logits_Gemm is 5 LSB away, 4 are allowed');
    expect((await compare('--dump', folder.file('off.npz'), '--max_lsb', '5')).status).toBe(0);
  });

  it('reads reals, folders and refuses strangers', async () => {
    await run(folder.file(lowered), 'reals.npz', '--dump_all_tensors');
    const reals = await compare('--dump', folder.file('reals.npz'));
    expect(reals.stdout).toMatch(/dumped as reals\nno layer differs/);
    const json = await compare('--dump', folder.path, '--json');
    expect(JSON.parse(json.stdout).layers.length).toBeGreaterThan(30);
    save('strange.npz', { nothing: f32Tensor([1]) });
    const strange = await compare('--dump', folder.file('strange.npz'));
    expect(strange.status).toBe(1);
    expect(strange.stderr).toContain('search.dump-unrelated');
  });
});

describe('inspect --processor', () => {
  it('lists what is not pinned down, of a processor or of a network there', async () => {
    const all = await runHere('inspect', '--processor', 'bm1684x');
    expect(all.status, all.stderr).toBe(0);
    expect(all.stdout).toMatch(/^on bm1684x not pinned down:\n {2}\S/);
    const network = await runHere('inspect', folder.file('objects_cnn.mlir'), '--processor', 'bm1684x', '--json');
    const { processor } = JSON.parse(network.stdout);
    expect(processor.openPoints.length).toBeGreaterThan(0);
    expect(processor.openPoints.length).toBeLessThan(all.stdout.split('\n').length);
    expect(processor.counts.INT8).toBe(38);
  });
});
