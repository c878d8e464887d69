import { quantizeOnnxModel, type XquantResult } from '@q/backend-spacemit/xquant';
import type { Graph, OpOf } from '@q/ir';
import { readOnnxModel } from '@q/ir/onnx';
import { beforeAll, describe, expect, test } from 'vitest';
import { noise, run } from '../graph-builder.ts';
import { branchesOnnx, configOf, noiseData, runOnnx, tinyOnnx } from './networks.ts';

const X = Float32Array.of(-1, 0.5, 1, 2);
const tinyData = { length: 1, batch: async () => new Map([['x', X]]) };

const quantizeTiny = (finetune_level: number, more: object = {}) =>
  quantizeOnnxModel(configOf({ calibration_type: 'minmax' }, { finetune_level }, more), tinyOnnx(), { data: tinyData });

function pairOf(graph: Graph, value: string) {
  const op = graph.ops.find(({ name }) => name === value) as OpOf<'top.DequantizeLinear'>;
  expect(op.type).toBe('top.DequantizeLinear');
  return { scale: op.attributes.xScale[0]!, zeroPoint: op.attributes.xZeroPoint[0]! };
}

/** By the name of the tensor in the file. */
function pairOfTensor(graph: Graph, tensor: string) {
  for (const [value, name] of graph.tensorNames) if (name === tensor) return pairOf(graph, value);
  return pairOf(graph, tensor);
}

describe('golden 16.1, numbers of XSlim 2.1.2', () => {
  let result: XquantResult;
  beforeAll(async () => {
    result = await quantizeTiny(0);
  });

  test('3 Q, 5 DQ, in the vendor’s order, under the vendor’s names', () => {
    const nodes = readOnnxModel(result.model).graph!.node!;
    const types = nodes.map(({ opType }) => opType!.replace('QuantizeLinear', 'Q').replace('DequantizeLinear', 'DQ'));
    expect(types.map((type) => type.replace('Dequantize', 'DQ').replace('Linear', '')).join(' ')).toBe(
      'Q DQ DQ Conv Q DQ Reshape DQ Gemm Q DQ',
    );
    expect(nodes.map(({ output }) => output![0])).toEqual(expect.arrayContaining(['r', 'f', 'y']));
    expect(readOnnxModel(result.model).graph!.output!.map(({ name }) => name)).toEqual(['y']);
  });

  test('scales within a float32 rounding, zero points and codes exact', () => {
    const graph = result.graph!;
    const pairs = graph.ops.filter((op) => op.type === 'top.QuantizeLinear').map(({ attributes }) => attributes);
    const vendor = [0.0117647061, 0.00429834705, 0.00363429915];
    pairs.forEach(({ yScale }, i) => {
      expect(Math.abs(yScale[0]! / vendor[i]! - 1)).toBeLessThan(1e-6);
    });
    expect(pairs.map(({ yZeroPoint }) => yZeroPoint[0])).toEqual([-43, -128, 45]);
    expect(graph.weights.get('w')!.data).toEqual(Int8Array.of(127, -127));
    expect([...graph.weights.get('gw')!.data]).toEqual([
      -102, -90, -77, -64, -51, -38, -26, -13, 0, 13, 26, 38, 51, 64, 77, 90,
    ]);
    expect(graph.weights.get('b')!.data).toEqual(Float32Array.of(0.1, 0.2));
  });

  test('bias correction of finetune level 1', async () => {
    const { graph } = await quantizeTiny(1);
    const biases = [...graph!.weights.get('b')!.data, ...graph!.weights.get('gb')!.data].map(Number);
    [0.10073242, 0.19963379, 0.04783999, -0.04852571].forEach((vendor, i) => {
      expect(biases[i]).toBeCloseTo(vendor, 7);
    });
  });

  test('int32 biases carry the product of the scales', async () => {
    const { graph, model } = await quantizeTiny(0, { q_parameters: { biasFormat: 'int32' } });
    const bias = graph!.ops.find(({ name }) => name === 'b_dequantized') as OpOf<'top.DequantizeLinear'>;
    expect(bias.attributes.axis).toBe(0);
    const expected = [0.00392156886, 0.00196078443].map((scale) => Math.fround(0.0117647061 * scale));
    bias.attributes.xScale.forEach((scale, i) => {
      expect(Math.abs(scale / expected[i]! - 1)).toBeLessThan(1e-6);
    });
    expect(graph!.weights.get('b')!.data).toEqual(Int32Array.from([0.1, 0.2], (b, i) => Math.round(b / expected[i]!)));
    const feeds = new Map([['x', { data: X, dims: [1, 1, 2, 2] }]]);
    expect((await runOnnx(model, feeds)).get('y')).toEqual((await run(graph!, new Map([['x', X]]))).get('y_Gemm'));
  });

  test('ONNX Runtime gives what the simulation gives', async () => {
    const outputs = await runOnnx(result.model, new Map([['x', { data: X, dims: [1, 1, 2, 2] }]]));
    const [simulated] = (await run(result.graph!, new Map([['x', X]]))).values();
    expect(outputs.get('y')).toEqual(simulated);
  });

  test('the same input gives the same bytes', async () => {
    expect((await quantizeTiny(1)).model).toEqual((await quantizeTiny(1)).model);
  });
});

describe('golden 16.2', () => {
  const data = noiseData('x', 768, 8);
  const model = branchesOnnx();
  const quantize = (quantization: object, more: object = {}, calibration_type = 'minmax') =>
    quantizeOnnxModel(configOf({ calibration_type }, { analysis_enable: false, ...quantization }, more), model, {
      data,
    });
  const count = (graph: Graph, type: string) => graph.ops.filter((op) => op.type === type).length;
  let plain: XquantResult;
  beforeAll(async () => {
    plain = await quantize({ finetune_level: 0 }, {}, 'default');
  }, 60_000);

  test('19 Q, 27 DQ, no Relu, no Clip', () => {
    const { graph } = plain;
    expect([count(graph!, 'top.QuantizeLinear'), count(graph!, 'top.DequantizeLinear')]).toEqual([19, 27]);
    const types = readOnnxModel(plain.model).graph!.node!.map(({ opType }) => opType);
    expect(types.filter((type) => type === 'Relu' || type === 'Clip')).toEqual([]);
  });

  test('who shares parameters and who does not', () => {
    const graph = plain.graph!;
    expect(pairOfTensor(graph, 'p0')).toEqual(pairOfTensor(graph, 'r0'));
    expect(pairOfTensor(graph, 'sp0')).toEqual(pairOfTensor(graph, 'mma'));
    expect(pairOfTensor(graph, 'sp1')).toEqual(pairOfTensor(graph, 'mma'));
    expect(pairOfTensor(graph, 'k2')).not.toEqual(pairOfTensor(graph, 'p0'));
    expect(pairOfTensor(graph, 's1').zeroPoint).toBe(-128);
    expect(pairOfTensor(graph, 's1').scale).toBeCloseTo(1 / 255, 4);
    const c1 = pairOfTensor(graph, 'c1');
    expect(c1.scale * (-128 - c1.zeroPoint)).toBeGreaterThan(-10.2);
  });

  test('no pair behind Reshape and Transpose, none on the Softmax', () => {
    const nodes = readOnnxModel(plain.model).graph!.node!;
    const maker = (tensor: string) => nodes.find(({ output }) => output!.includes(tensor))!.opType;
    expect(['rsh', 'tr', 'y', 'z'].map(maker)).toEqual(['Reshape', 'Transpose', 'Softmax', 'DequantizeLinear']);
  });

  test('precision level 2: 16 Q, 24 DQ, the pair of a1 in front of its reader', async () => {
    const { graph, model: file } = await quantize({ finetune_level: 0, precision_level: 2 });
    expect([count(graph!, 'top.QuantizeLinear'), count(graph!, 'top.DequantizeLinear')]).toEqual([16, 24]);
    const nodes = readOnnxModel(file).graph!.node!;
    const maker = (tensor: string) => nodes.find(({ output }) => output!.includes(tensor))!.opType;
    expect(['s1', 'm1', 'a1', 'z', 'c1', 'p0', 'mc', 'mma'].map(maker)).toEqual([
      'Sigmoid',
      'Mul',
      'Add',
      'Sub',
      ...Array<string>(4).fill('DequantizeLinear'),
    ]);
  }, 60_000);

  test('precision level 1 is level 0', async () => {
    const [zero, one] = [await quantize({ precision_level: 0 }), await quantize({ precision_level: 1 })];
    expect(one.model).toEqual(zero.model);
  }, 60_000);

  test('custom_setting frees what lies between its tensors; an uncut branch leaks to the end', async () => {
    const capture = (output_names: string[]) => ({
      custom_setting: [{ input_names: ['p0'], output_names, precision_level: 3 }],
    });
    const floatNodes = (result: XquantResult) => result.summary.floatOps.custom_setting;
    const leaky = await quantize({ finetune_level: 0, ...capture(['a1']) });
    expect(floatNodes(leaky)).toEqual(expect.arrayContaining(['c1', 's1', 'm1', 'a1', 'cat', 'mm', 'z']));
    expect(leaky.summary.warnings.join()).toContain('no output name depends on');
    const cut = await quantize({ finetune_level: 0, ...capture(['a1', 'cat']) });
    expect(floatNodes(cut)).toEqual(['c1', 's1', 'm1', 'a1', 'cat']);
    const nodes = readOnnxModel(cut.model).graph!.node!;
    expect(nodes.find(({ output }) => output!.includes('cat'))!.opType).toBe('Concat');
    // Resize and Mul each get a pair of their own on cat.
    expect(nodes.filter(({ opType, input }) => opType === 'QuantizeLinear' && input![0] === 'cat')).toHaveLength(2);
    await expect(quantize({ ...capture(['a1']) }, { q_parameters: { strict: true } })).rejects.toMatchObject({
      code: 'xquant.capture.leak',
    });
  }, 60_000);

  test('float outputs, ignored operators and fixed ranges', async () => {
    const { model: file, graph } = await quantize(
      { finetune_level: 0, ignore_op_types: ['Resize'], ignore_op_names: ['mc'] },
      { q_parameters: { floatOutputs: ['z'], ranges: { a1: [-0.278, 8] } } },
    );
    const nodes = readOnnxModel(file).graph!.node!;
    const maker = (tensor: string) => nodes.find(({ output }) => output!.includes(tensor))!.opType;
    expect(['z', 'rs', 'mc'].map(maker)).toEqual(['Sub', 'Resize', 'Mul']);
    expect(pairOfTensor(graph!, 'a1').scale).toBe(Math.fround(8.278 / 255));
  }, 60_000);

  test('truncation: the head in INT8, the tail float, names kept', async () => {
    const { model: file } = await quantize({ finetune_level: 0, truncate_var_names: ['gap', 'mc'] });
    const { node, output } = readOnnxModel(file).graph!;
    const maker = (tensor: string) => node!.find((candidate) => candidate.output!.includes(tensor))!.opType;
    expect(['gap', 'mc', 'fc', 'mm', 'mma', 'z'].map(maker)).toEqual([
      'DequantizeLinear',
      'DequantizeLinear',
      'Gemm',
      'MatMul',
      'Add',
      'Sub',
    ]);
    expect(output!.map(({ name }) => name)).toEqual(['y', 'z']);
  }, 60_000);

  test.each([
    ['INT8', {}],
    ['float islands', { precision_level: 2 }],
    ['truncated', { truncate_var_names: ['gap', 'mc'] }],
  ])(
    '%s: ONNX Runtime and the simulation differ by rounding at most',
    async (_, quantization) => {
      const { model: file, graph } = await quantize({ finetune_level: 1, ...quantization });
      const x = noise(768, 77);
      const outputs = await runOnnx(file, new Map([['x', { data: x, dims: [1, 3, 16, 16] }]]));
      const simulated = await run(graph!, new Map([['x', x]]));
      for (const [i, name] of ['y', 'z'].entries()) {
        const ours = [...simulated.values()][i]!;
        const span = Math.max(...ours.map(Math.abs));
        const worst = Math.max(...ours.map((value, k) => Math.abs(value - outputs.get(name)![k]!)));
        // One code of a tensor on the way may fall to the other side of a half.
        expect(worst).toBeLessThan(0.02 * span);
      }
    },
    60_000,
  );
});
