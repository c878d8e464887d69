import { quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import { importOnnx, readOnnxModel } from '@q/ir/onnx';
import { describe, expect, test } from 'vitest';
import { cosine, noise, run } from '../graph-builder.ts';
import { branchesOnnx, runOnnx } from './networks.ts';

const float = branchesOnnx();
const x = noise(768, 5);
const feeds = new Map([['x', { data: x, dims: [1, 3, 16, 16] }]]);
const inMode = (precision_level: number, more: object = {}) =>
  quantizeOnnxModel({ quantization_parameters: { precision_level, ...more } }, float);

async function agreesWithFloat(model: Uint8Array, least: number): Promise<void> {
  const [expected, found] = [await runOnnx(float, feeds), await runOnnx(model, feeds)];
  for (const [name, values] of expected) expect(cosine(values, found.get(name)!), name).toBeGreaterThan(least);
}

describe('modes without calibration', () => {
  test('level 100 only simplifies', async () => {
    const { model, report } = await inMode(100);
    await agreesWithFloat(model, 0.9999999);
    expect(report).toBeUndefined();
  });

  test('level 3: integer product, int8 weights elsewhere', async () => {
    const { model } = await inMode(3);
    const wire = readOnnxModel(model);
    const types = wire.graph!.node!.map(({ opType }) => opType);
    expect(types.filter((type) => type === 'DynamicQuantizeMatMul')).toHaveLength(1);
    // Three Convs, the ConvTranspose and the Gemm.
    expect(types.filter((type) => type === 'DequantizeLinear')).toHaveLength(5);
    expect(wire.opsetImport!.map(({ domain }) => domain)).toContain('com.microsoft');
    expect(wire.producerName).toBe('xslim');
    await agreesWithFloat(model, 0.999);
  });

  test('level 3 leaves ignored operators alone', async () => {
    const { model } = await inMode(3, { ignore_op_types: ['MatMul'], ignore_op_names: ['fc', 'ct', 'c0'] });
    const types = readOnnxModel(model).graph!.node!.map(({ opType }) => opType);
    expect(types).toContain('MatMul');
    expect(types.filter((type) => type === 'DequantizeLinear')).toHaveLength(2);
  });

  test('level 4: half floats inside, float32 at the ends', async () => {
    const { model } = await inMode(4);
    const { node, input, output, initializer } = readOnnxModel(model).graph!;
    expect([...input!, ...output!].map(({ type }) => type!.tensorType!.elemType)).toEqual([1, 1, 1]);
    expect(initializer!.filter(({ dataType }) => dataType === 1)).toEqual([]);
    expect(node!.filter(({ opType }) => opType === 'Cast')).toHaveLength(3);
    await agreesWithFloat(model, 0.9999);
    // Our simulation: float arithmetic on half constants.
    const [ours] = (await run(importOnnx(model, { name: 'half' }), new Map([['x', x]]))).values();
    expect(cosine(ours!, (await runOnnx(model, feeds)).get('y')!)).toBeGreaterThan(0.9999);
  });

  test('level 4 keeps ignored types in float32', async () => {
    const { model } = await inMode(4, { ignore_op_types: ['Conv'] });
    const casts = readOnnxModel(model).graph!.node!.filter(({ opType }) => opType === 'Cast');
    expect(casts.length).toBeGreaterThan(3);
    await agreesWithFloat(model, 0.9999);
  });
});
