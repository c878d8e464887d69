import { describe, expect, test } from 'vitest';
import { verify } from '../../src/index.ts';
import { floats, importModel, int64s, layers, node } from './build-model.ts';

const conv = (input: string, output: string, extra: readonly string[] = []) =>
  node('Conv', [input, 'w', ...extra], [output], { kernel_shape: [1, 1] });

describe('fusions on the ONNX graph', () => {
  test('BatchNormalization goes into the Conv, whose name survives', () => {
    const graph = importModel({
      inputs: { x: [1, 1, 2, 2] },
      outputs: ['r'],
      initializers: {
        w: floats([2, 1, 1, 1], [1, 2]),
        g: floats([2], [2, 3]),
        b: floats([2], [0.5, 1]),
        m: floats([2], [1, -1]),
        v: floats([2], [4, 9]),
      },
      nodes: [
        conv('x', 'c'),
        node('BatchNormalization', ['c', 'g', 'b', 'm', 'v'], ['n'], { epsilon: { float: 0 } }),
        node('Exp', ['n'], ['r']),
      ],
    });
    expect(layers(graph)).toEqual(['Conv c_Conv', 'Exp r_Exp']);
    const [filter, bias] = graph.ops[1]!.inputs.slice(1).map((name) => [...graph.weights.get(name!)!.data]);
    expect(filter).toEqual([1, 2]);
    expect(bias).toEqual([-0.5, 2]);
  });

  test('a network output keeps its name when it is folded into the Conv', () => {
    const initializers = Object.fromEntries(['g', 'b', 'm', 'v'].map((name) => [name, floats([1], [1])]));
    const graph = importModel({
      inputs: { x: [1, 1, 2, 2] },
      outputs: ['n'],
      initializers: { ...initializers, w: floats([1, 1, 1, 1]) },
      nodes: [conv('x', 'c'), node('BatchNormalization', ['c', 'g', 'b', 'm', 'v'], ['n'])],
    });
    expect(layers(graph)).toEqual(['Conv n_Conv']);
  });

  test('a BatchNormalization behind a shared Conv becomes a Scale', () => {
    const initializers = Object.fromEntries(['g', 'b', 'm', 'v'].map((name) => [name, floats([2], [1, 2])]));
    const graph = importModel({
      inputs: { x: [1, 2, 2, 2] },
      outputs: ['n', 'e'],
      initializers: { ...initializers, w: floats([2, 2, 1, 1]) },
      nodes: [conv('x', 'c'), node('BatchNormalization', ['c', 'g', 'b', 'm', 'v'], ['n']), node('Exp', ['c'], ['e'])],
    });
    expect(layers(graph)).toEqual(['Conv c_Conv', 'Scale n_BatchNormalization', 'Exp e_Exp']);
  });

  test('a spatial zero Pad goes into an AveragePool, unless its own pads are not counted', () => {
    const pooled = (own: Record<string, number | readonly number[]>) => {
      const nodes = [
        node('Pad', ['x', 'p'], ['q']),
        node('AveragePool', ['q'], ['y'], { kernel_shape: [3, 3], strides: [2, 2], ...own }),
      ];
      const initializers = { p: int64s([0, 0, 1, 1, 0, 0, 1, 1]) };
      return importModel({ inputs: { x: [1, 2, 7, 7] }, outputs: ['y'], initializers, nodes });
    };
    const graph = pooled({});
    expect(layers(graph)).toEqual(['AvgPool y_AveragePool']);
    expect(graph.ops[1]!.attributes).toMatchObject({ pads: [1, 1, 1, 1], countIncludePad: true });
    expect(layers(pooled({ pads: [1, 1, 1, 1] }))).toEqual(['Pad q_Pad', 'AvgPool y_AveragePool']);
    expect(layers(pooled({ ceil_mode: 1 }))).toHaveLength(2);
    expect(pooled({ pads: [1, 1, 1, 1], count_include_pad: 1 }).ops[1]!.attributes).toMatchObject({
      pads: [2, 2, 2, 2],
    });
  });

  test('a spatial zero Pad goes into the Conv, a channel Pad stays', () => {
    const padded = (pads: readonly number[], filter: readonly number[]) =>
      layers(
        importModel({
          inputs: { x: [1, 2, 4, 4] },
          outputs: ['c'],
          initializers: { p: int64s(pads), w: floats(filter) },
          nodes: [node('Pad', ['x', 'p'], ['q']), conv('q', 'c')],
        }),
      );
    expect(padded([0, 0, 1, 1, 0, 0, 1, 1], [1, 2, 1, 1])).toEqual(['Conv c_Conv']);
    expect(padded([0, 0, 0, 0, 0, 1, 0, 0], [1, 3, 1, 1])).toEqual(['Pad q_Pad', 'Conv c_Conv']);
  });

  test('Conv + per-channel Add + Relu is one Conv; MatMul + Add is one Gemm', () => {
    const graph = importModel({
      inputs: { x: [1, 1, 2, 2], z: [2, 3] },
      outputs: ['r', 'y'],
      initializers: { w: floats([2, 1, 1, 1]), b: floats([2, 1, 1]), m: floats([3, 4]), n: floats([1, 4]) },
      nodes: [
        conv('x', 'c'),
        node('Add', ['c', 'b'], ['a']),
        node('Relu', ['a'], ['r']),
        node('MatMul', ['z', 'm'], ['p']),
        node('Add', ['p', 'n'], ['y']),
      ],
    });
    expect(layers(graph)).toEqual(['Conv r_Relu', 'MatMul y_Gemm']);
    expect(verify(graph)).toEqual([]);
  });

  test('a batched MatMul + Add is a MatMul with bias under the Add’s name', () => {
    const graph = importModel({
      inputs: { z: [1, 2, 3] },
      outputs: ['y'],
      initializers: { m: floats([3, 4]), n: floats([4]) },
      nodes: [node('MatMul', ['z', 'm'], ['p']), node('Add', ['p', 'n'], ['y'])],
    });
    expect(layers(graph)).toEqual(['MatMul y_Add']);
    expect(graph.ops[1]!.inputs[2]).not.toBeNull();
  });

  test('consecutive Transposes merge, identities vanish, equal nodes merge', () => {
    const graph = importModel({
      inputs: { x: [2, 3, 4] },
      outputs: ['y'],
      nodes: [
        node('Transpose', ['x'], ['a'], { perm: [1, 0, 2] }),
        node('Transpose', ['a'], ['b'], { perm: [0, 2, 1] }),
        node('Exp', ['b'], ['c']),
        node('Exp', ['b'], ['d']),
        node('Add', ['c', 'd'], ['y']),
      ],
    });
    expect(layers(graph)).toEqual(['Permute b_Transpose', 'Exp c_Exp', 'Add y_Add']);
    expect(graph.ops[1]!.attributes).toEqual({ order: [1, 2, 0] });
    expect(graph.ops[3]!.inputs).toEqual(['c_Exp', 'c_Exp']);
  });

  const layerNorm = (readMean: boolean) =>
    importModel({
      inputs: { x: [1, 4, 8] },
      outputs: readMean ? ['y', 'm'] : ['y'],
      initializers: { two: floats([], [2]), eps: floats([], [1e-5]), g: floats([8]), b: floats([8]) },
      nodes: [
        node('ReduceMean', ['x'], ['m'], { axes: [-1] }),
        node('Sub', ['x', 'm'], ['d']),
        node('Pow', ['d', 'two'], ['q']),
        node('ReduceMean', ['q'], ['v'], { axes: [-1] }),
        node('Add', ['v', 'eps'], ['e']),
        node('Sqrt', ['e'], ['s']),
        node('Div', ['d', 's'], ['n']),
        node('Mul', ['n', 'g'], ['a']),
        node('Add', ['a', 'b'], ['y']),
      ],
    });

  test('a decomposed LayerNorm is one layer, unless somebody reads its middle', () => {
    expect(layers(layerNorm(false))).toEqual(['LayerNorm y_LayerNormalization']);
    expect(layerNorm(false).ops[1]!.attributes).toMatchObject({
      axis: 2,
      normalizedShape: [8],
      eps: Math.fround(1e-5),
    });
    expect(layers(layerNorm(true))).toContain('Div n_Div');
  });

  test('GELU in both decompositions, HardSigmoid and HardSwish are one layer', () => {
    const scalars = (values: Readonly<Record<string, number>>) =>
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, floats([], [value])]));
    const one = (initializers: ReturnType<typeof scalars>, nodes: ReturnType<typeof node>[]) =>
      layers(importModel({ inputs: { x: [1, 8] }, outputs: ['y'], initializers, nodes }));
    expect(
      one(scalars({ root: Math.SQRT2, one: 1, half: 0.5 }), [
        node('Div', ['x', 'root'], ['a']),
        node('Erf', ['a'], ['b']),
        node('Add', ['b', 'one'], ['c']),
        node('Mul', ['x', 'c'], ['d']),
        node('Mul', ['d', 'half'], ['y']),
      ]),
    ).toEqual(['GELU y_GELU']);
    expect(
      one(scalars({ half: 0.5, three: 3, cubic: 0.044715, root: 0.7978846, one: 1 }), [
        node('Mul', ['x', 'half'], ['h']),
        node('Pow', ['x', 'three'], ['p']),
        node('Mul', ['p', 'cubic'], ['q']),
        node('Add', ['x', 'q'], ['r']),
        node('Mul', ['r', 'root'], ['s']),
        node('Tanh', ['s'], ['t']),
        node('Add', ['t', 'one'], ['u']),
        node('Mul', ['h', 'u'], ['y']),
      ]),
    ).toEqual(['GELU y_GELU']);
    const hard = scalars({ three: 3, zero: 0, six: 6 });
    const clip = [node('Add', ['x', 'three'], ['a']), node('Clip', ['a', 'zero', 'six'], ['b'])];
    expect(one(hard, [...clip, node('Div', ['b', 'six'], ['y'])])).toEqual(['HardSigmoid y_HardSigmoid']);
    expect(one(hard, [...clip, node('Mul', ['x', 'b'], ['c']), node('Div', ['c', 'six'], ['y'])])).toEqual([
      'HardSwish y_HardSwish',
    ]);
  });

  test('casts without effect vanish, casts between int and float stay', () => {
    const graph = importModel({
      inputs: { x: [1, 4] },
      outputs: ['y'],
      nodes: [
        node('Cast', ['x'], ['h'], { to: 10 }),
        node('Exp', ['h'], ['e']),
        node('Cast', ['e'], ['f'], { to: 1 }),
        node('Cast', ['f'], ['i'], { to: 7 }),
        node('Neg', ['i'], ['y']),
      ],
    });
    expect(layers(graph)).toEqual(['Exp e_Exp', 'Cast i_Cast', 'MulConst y_Neg']);
    expect(graph.ops[2]!.attributes).toEqual({ to: 'INT32', roundMode: 'TowardsZero' });
  });

  test('float → bool → float is a test against zero', () => {
    const graph = importModel({
      inputs: { x: [1, 4] },
      outputs: ['y'],
      nodes: [node('Cast', ['x'], ['b'], { to: 9 }), node('Cast', ['b'], ['f'], { to: 1 }), node('Exp', ['f'], ['y'])],
    });
    // Equal and Not become NotEqual when the graph is canonicalised.
    expect(layers(graph)).toEqual(['CompareConst f_Not', 'Exp y_Exp']);
    expect(graph.ops[1]!.attributes).toMatchObject({ mode: 'NotEqual', constVal: 0 });
  });
});
