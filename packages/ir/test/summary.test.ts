import { describe, expect, it } from 'vitest';
import { parseMlir, summarize } from '../src/index.ts';
import { importOnnxPart, inspectOnnx } from '../src/onnx/index.ts';
import { floats, importModel, modelBytes, node } from './onnx/build-model.ts';

const network = {
  inputs: { x: [1, 3, 8, 8] },
  outputs: ['y'],
  initializers: { w: floats([4, 3, 3, 3]), b: floats([4]), fc: floats([4, 2]) },
  nodes: [
    node('Conv', ['x', 'w', 'b'], ['c'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    node('Relu', ['c'], ['r']),
    node('GlobalAveragePool', ['r'], ['g']),
    node('Flatten', ['g'], ['f']),
    node('MatMul', ['f', 'fc'], ['y']),
  ],
};

describe('summarize', () => {
  it('counts operators, multiply-accumulates and weights', () => {
    const summary = summarize(importModel(network));
    expect(summary.inputs).toEqual([{ name: 'x', shape: [1, 3, 8, 8], dtype: 'f32' }]);
    expect(summary.outputs).toEqual([{ name: 'y_MatMul', shape: [1, 2], dtype: 'f32' }]);
    // 4 · 8 · 8 outputs of 27 products; 4 averages of 64 elements; 4 · 2 products.
    expect(summary.operators).toEqual([
      { type: 'top.Conv', count: 1, macs: 4 * 64 * 27 },
      { type: 'top.AvgPool', count: 1, macs: 4 * 64 },
      { type: 'top.MatMul', count: 1, macs: 8 },
      { type: 'top.Reshape', count: 1, macs: 0 },
    ]);
    expect(summary.macs).toBe(4 * 64 * 27 + 4 * 64 + 8);
    expect(summary.parameters).toBe(4 * 27 + 4 + 8);
    expect(summary.weightBytes).toBe(4 * summary.parameters);
    expect(summary.unknown).toEqual([]);
  });

  it('counts a weight that several operators share once', () => {
    const graph = importModel({
      inputs: { x: [2, 3], z: [2, 3] },
      outputs: ['y', 'u'],
      initializers: { w: floats([3, 5]) },
      nodes: [node('MatMul', ['x', 'w'], ['y']), node('MatMul', ['z', 'w'], ['u'])],
    });
    expect(graph.weights.size).toBe(2);
    expect(summarize(graph).parameters).toBe(15);
  });

  it('lists operators that have no row, with their names', () => {
    const text = `module @m attributes {module.chip = "ALL", module.state = "TOP_F32", module.weight_file = "w.npz"} {
      func.func @main(%arg0: tensor<1x4xf32>) -> tensor<1x4xf32> {
        %0 = "top.Input"(%arg0) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("x")
        %1 = "top.Strange"(%0) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("a")
        %2 = "top.Strange"(%1) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("b")
        return %2 : tensor<1x4xf32>
      }
    }`;
    expect(summarize(parseMlir(text, new Map())).unknown).toEqual([{ type: 'top.Strange', names: ['a', 'b'] }]);
  });
});

describe('inspectOnnx and importOnnxPart', () => {
  it('gives the network of a file that can be imported', () => {
    const facts = inspectOnnx(modelBytes(network));
    const { graph, issues } = importOnnxPart(modelBytes(network), { name: 'm' });
    expect(issues).toEqual([]);
    expect(graph?.outputs).toEqual(['y_MatMul']);
    expect(facts).toMatchObject({ outputs: [{ name: 'y' }], parameters: 120, weightBytes: 480 });
    expect(facts.operators.map(({ type }) => type).sort()).toEqual([
      'Conv',
      'Flatten',
      'GlobalAveragePool',
      'MatMul',
      'Relu',
    ]);
  });

  it('names every unsupported operator and imports what does not depend on one', () => {
    const bytes = modelBytes({
      ...network,
      outputs: ['y', 's'],
      nodes: [...network.nodes, node('NoSuchThing', ['r'], ['n']), node('NorThis', ['n', 'y'], ['s'])],
    });
    const facts = inspectOnnx(bytes);
    const { graph, issues } = importOnnxPart(bytes, { name: 'm' });
    expect(issues.map(({ code, found, where }) => [code, found, where])).toEqual([
      ['onnx.unsupported-operator', 'NoSuchThing', 'node_n'],
      ['onnx.unsupported-operator', 'NorThis', 'node_s'],
    ]);
    expect(facts.operators).toHaveLength(7);
    expect(graph?.outputs).toEqual(['y_MatMul']);
    expect(summarize(graph!).macs).toBe(4 * 64 * 27 + 4 * 64 + 8);
  });

  it('gives the facts of a file of which nothing can be imported', () => {
    const bytes = modelBytes({ inputs: { x: [1, 4] }, outputs: ['y'], nodes: [node('NoSuchThing', ['x'], ['y'])] });
    const facts = inspectOnnx(bytes);
    const { graph, issues } = importOnnxPart(bytes, { name: 'm' });
    expect(graph).toBeUndefined();
    expect(issues).toHaveLength(1);
    expect(facts.operators).toEqual([{ type: 'NoSuchThing', count: 1 }]);
  });
});
