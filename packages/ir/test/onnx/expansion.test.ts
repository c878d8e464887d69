import { describe, expect, test } from 'vitest';
import { ownAttributesOf, printMlir, QError } from '../../src/index.ts';
import { importOnnx } from '../../src/onnx/import.ts';
import { inspectOnnx } from '../../src/onnx/inspect.ts';
import { modelCodec } from '../../src/onnx/wire.ts';
import { floats, importModel, int64s, layers, layersOf, modelBytes, node } from './build-model.ts';

const lastLayer = (list: readonly string[]) => list.at(-1);

describe('operators that are written with others', () => {
  test.each([
    ['Selu', [2, 3], 'MulConst y_Selu'],
    ['Celu', [2, 3], 'Elu y_Celu'],
    ['Shrink', [2, 3], 'Where y_Shrink'],
    ['ThresholdedRelu', [2, 3], 'Where y_ThresholdedRelu'],
    ['LpNormalization', [2, 3], 'Div y_LpNormalization'],
    ['ReduceSumSquare', [2, 3], 'Reduce y_ReduceSumSquare'],
    ['IsInf', [2, 3], 'CompareConst y_IsInf'],
    ['MeanVarianceNormalization', [1, 2, 3, 3], 'Div y_MeanVarianceNormalization'],
    ['GlobalLpPool', [1, 2, 3, 3], 'Sqrt y_GlobalLpPool'],
  ])('the last layer of %s has the name of the node', (opType, shape, layer) => {
    expect(lastLayer(layersOf(opType, shape))).toContain(layer.split(' ')[1]);
    expect(lastLayer(layersOf(opType, shape))).toBe(layer);
  });

  test('ReduceLogSumExp has the helper layers of TPU-MLIR', () => {
    const names = layersOf('ReduceLogSumExp', [2, 3], { axes: [1] }).map((layer) => layer.split(' ')[1]);
    const base = 'y_ReduceLogSumExp';
    expect(names).toEqual([
      `${base}_reducemax`,
      `${base}_sub`,
      `${base}_exp`,
      `${base}_reducesum`,
      `${base}_log`,
      base,
    ]);
  });

  test('Einsum is a matrix product', () => {
    const graph = importModel({
      inputs: { a: [2, 3, 4], b: [2, 4, 5] },
      outputs: ['y'],
      nodes: [node('Einsum', ['a', 'b'], ['y'], { equation: 'bij,bjk->bki' })],
    });
    expect(graph.ops.map(({ type }) => type)).toContain('top.MatMul');
    expect(graph.values.get(graph.outputs[0]!)?.shape).toEqual([2, 5, 3]);
  });

  test('attention with grouped heads has the shape of the query', () => {
    const graph = importModel({
      inputs: { q: [1, 4, 3, 8], k: [1, 2, 5, 8], v: [1, 2, 5, 6] },
      outputs: ['y'],
      nodes: [node('Attention', ['q', 'k', 'v'], ['y'], { is_causal: 1 })],
      opset: 23,
    });
    expect(graph.values.get(graph.outputs[0]!)?.shape).toEqual([1, 4, 3, 6]);
    expect(layers(graph).at(-1)).toBe('ScaleDotProductAttention y_Attention');
  });

  test('attention is one layer between the transpositions that three dimensions need', () => {
    const graph = importModel({
      inputs: { q: [1, 3, 8], k: [1, 5, 8], v: [1, 5, 6] },
      outputs: ['y'],
      nodes: [node('Attention', ['q', 'k', 'v'], ['y'], { q_num_heads: 2, kv_num_heads: 2 })],
      opset: 23,
    });
    expect(layers(graph).map((layer) => layer.split(' ')[0])).toEqual([
      ...['Reshape', 'Permute', 'Reshape', 'Permute', 'Reshape', 'Permute'],
      ...['ScaleDotProductAttention', 'Permute', 'Reshape'],
    ]);
    expect(layers(graph).at(-1)).toBe('Reshape y_Attention');
  });

  test('arithmetic of narrow integers ends with a wrapping cast', () => {
    const graph = importModel({
      inputs: { a: [2], b: [2] },
      inputType: 2,
      outputs: ['y'],
      nodes: [node('Add', ['a', 'b'], ['y'])],
    });
    expect(graph.ops.at(-1)).toMatchObject({ type: 'top.Cast', name: 'y_Add', attributes: { to: 'UINT8' } });
  });
});

describe('what Top cannot say', () => {
  const resize = (attributes: Record<string, string | number>, scales: number[]) =>
    importModel({
      inputs: { x: [1, 1, 4, 4] },
      outputs: ['y'],
      initializers: { s: floats([4], scales) },
      nodes: [node('Resize', ['x', '', 's'], ['y'], attributes)],
      opset: 19,
    });

  test('is carried by attributes of ours, which are printed', () => {
    const graph = resize({ mode: 'cubic' }, [1, 1, 1.5, 1.5]);
    const op = graph.ops.at(-1)!;
    expect(op.type === 'unknown' ? [] : ownAttributesOf(op)).toEqual(['sizes', 'scales', 'cubicCoeffA']);
    expect(printMlir(graph, { weightFile: 'w.npz' }).text).toContain('cubic_coeff_a = -7.500000e-01 : f64');
  });

  test('plain resizes carry none', () => {
    const linear = resize({ mode: 'linear' }, [1, 1, 1.5, 1.5]).ops.at(-1)!;
    expect(linear.type === 'unknown' ? [] : ownAttributesOf(linear)).toEqual([]);
    expect(layers(resize({ mode: 'nearest' }, [1, 1, 2, 2]))).toEqual(['Upsample y_Resize']);
  });
});

describe('values that decide shapes', () => {
  const description = {
    inputs: { x: [2, 3], s: [1] },
    inputType: 7,
    outputs: ['y'],
    initializers: { six: int64s([6]) },
    nodes: [node('Min', ['s', 'six'], ['t']), node('Reshape', ['x', 't'], ['y'])],
    opset: 13,
  };

  test('are found behind the operators that compute them', () => {
    expect(inspectOnnx(modelBytes(description)).staticInputs).toEqual(['s']);
  });

  test('become constants', () => {
    const given = { shape: [1], dtype: 'i64', data: BigInt64Array.of(6n) } as const;
    const graph = importModel(description, { constantInputs: new Map([['s', given]]) });
    expect(graph.ops.map(({ name }) => name)).toEqual(['x', 'y_Reshape']);
    expect(graph.values.get('y_Reshape')?.shape).toEqual([6]);
  });
});

test('functions of the model are inlined, attributes that refer to the call resolved', () => {
  const bytes = modelBytes({
    inputs: { x: [2] },
    outputs: ['y'],
    nodes: [node('F', ['x'], ['y'], { slope: { float: 0.5 } })],
  });
  const model = modelCodec.decode(bytes);
  model.graph!.node![0]!.domain = 'local';
  const inner = node('LeakyRelu', ['p'], ['q']);
  inner.attribute!.push({ name: 'alpha', type: 1, refAttrName: 'slope' });
  const functions = [
    {
      name: 'F',
      domain: 'local',
      input: ['p'],
      output: ['r'],
      attribute: ['slope'],
      node: [inner, node('Exp', ['q'], ['r'])],
    },
  ];
  const graph = importOnnx(modelCodec.encode({ ...model, functions }).finish(), { name: 'test' });
  expect(graph.ops.slice(1).map(({ type, name }) => `${type} ${name}`)).toEqual([
    'top.LeakyRelu y/q_LeakyRelu',
    'top.Exp y_Exp',
  ]);
  expect(graph.ops[1]).toMatchObject({ attributes: { alpha: 0.5 } });
});

test.each(['../weights.bin', '/etc/weights.bin', 'a/../../b', 'C:\\weights.bin'])(
  'external data at %s are refused',
  (location) => {
    const tensor = { dims: [2], dataType: 1, dataLocation: 1, externalData: [{ key: 'location', value: location }] };
    const description = {
      inputs: { x: [2] },
      outputs: ['y'],
      initializers: { w: tensor },
      nodes: [node('Add', ['x', 'w'], ['y'])],
    };
    const read = () => importModel(description, { externalData: () => new Uint8Array(8) });
    expect(read).toThrow(QError);
    expect(read).toThrow(/tensor/);
  },
);
