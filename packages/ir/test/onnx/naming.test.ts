import { describe, expect, test } from 'vitest';
import { printMlir, verify } from '../../src/index.ts';
import { floats, importModel, int64s, layers, layersOf, node } from './build-model.ts';

/** The small module of ir.md 2.8. */
const tiny = {
  inputs: { image: [1, 3, 8, 8] },
  outputs: ['logits'],
  initializers: {
    'conv1.weight': floats([4, 3, 3, 3]),
    'conv1.bias': floats([4]),
    'conv2.weight': floats([4, 4, 1, 1]),
    'fc.weight': floats([2, 4]),
    'fc.bias': floats([2]),
  },
  nodes: [
    node('Conv', ['image', 'conv1.weight', 'conv1.bias'], ['c1'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    node('Relu', ['c1'], ['r1']),
    node('MaxPool', ['r1'], ['p1'], { kernel_shape: [2, 2], strides: [2, 2] }),
    node('Conv', ['p1', 'conv2.weight'], ['c2'], { kernel_shape: [1, 1] }),
    node('Sigmoid', ['c2'], ['s2']),
    node('Mul', ['c2', 's2'], ['m2']),
    node('GlobalAveragePool', ['m2'], ['g1']),
    node('Flatten', ['g1'], ['f1']),
    node('Gemm', ['f1', 'fc.weight', 'fc.bias'], ['logits'], { transB: 1 }),
  ],
};

describe('the small module of the specification', () => {
  const graph = importModel(tiny, {
    inputShapes: [[1, 3, 8, 8]],
    preprocess: { scale: [0.0039216, 0.0039216, 0.0039216], pixelFormat: 'rgb' },
  });

  test('has the published layers, types and order', () => {
    expect(layers(graph)).toEqual([
      'Conv r1_Relu',
      'MaxPool p1_MaxPool',
      'Conv c2_Conv',
      'SiLU m2_Mul',
      'AvgPool g1_GlobalAveragePool',
      'Reshape f1_Flatten',
      'MatMul logits_Gemm',
    ]);
    expect(verify(graph)).toEqual([]);
    expect(graph.outputs).toEqual(['logits_Gemm']);
    expect(graph.tensorNames.get('logits_Gemm')).toBe('logits');
  });

  test('has the published weights, the transposed one as _fix', () => {
    expect([...graph.weights.keys()].sort()).toEqual([
      'conv1.bias',
      'conv1.weight',
      'conv2.weight',
      'fc.bias',
      'fc.weight_fix',
    ]);
    const original = [...Array(8).keys()].map((index) => ((index * 7) % 11) / 8 - 0.5);
    const transposed = [0, 4, 1, 5, 2, 6, 3, 7].map((index) => original[index]);
    expect([...graph.weights.get('fc.weight_fix')!.data]).toEqual(transposed);
  });

  test('has the published attributes', () => {
    const [input, conv, , , , average, reshape] = graph.ops;
    expect(input!.attributes).toEqual({
      channelFormat: 'nchw',
      doPreprocess: true,
      keepAspectRatio: false,
      keepRatioMode: 'letterbox',
      mean: [0, 0, 0],
      padType: 'center',
      padValue: 0,
      pixelFormat: 'rgb',
      resizeDims: [8, 8],
      scale: [0.0039216000586748123, 0.0039216000586748123, 0.0039216000586748123],
      yuvType: '',
    });
    expect(conv!.attributes).toMatchObject({ doRelu: true, reluLimit: -1, dilations: [1, 1], weightIsCoeff: 1 });
    expect(average!.attributes).toMatchObject({ kernelShape: [4, 4], strides: [1, 1], countIncludePad: true });
    expect(reshape!.attributes).toMatchObject({ shape: [1, 4], flattenStartDim: 1 });
    expect(graph.moduleAttributes['module.FLOPs']).toMatchObject({ value: 15762 });
  });
});

describe('layer names', () => {
  test('carry the ONNX type, not the Top type', () => {
    const scalar = (value: number) => ({ c: floats([1], [value]) });
    expect(layersOf('Clip', [1, 4], {}, { lo: floats([], [0]), hi: floats([], [6]) })).toEqual(['Relu y_Clip']);
    expect(layersOf('Clip', [1, 4], {}, { lo: floats([], [-1]), hi: floats([], [1]) })).toEqual(['Clip y_Clip']);
    expect(layersOf('PRelu', [1, 4], {}, scalar(0.25))).toEqual(['LeakyRelu y_PRelu']);
    expect(layersOf('Div', [1, 4], {}, scalar(4))).toEqual(['MulConst y_Div']);
    expect(layersOf('Pow', [1, 4], {}, scalar(2))).toEqual(['Mul y_Pow']);
    expect(layersOf('Pow', [1, 4], {}, scalar(0.5))).toEqual(['Sqrt y_Pow']);
    expect(layersOf('Neg', [1, 4])).toEqual(['MulConst y_Neg']);
    expect(layersOf('Sub', [1, 4], {}, scalar(3))).toEqual(['AddConst y_Sub']);
    expect(layersOf('Transpose', [2, 3], { perm: [1, 0] })).toEqual(['Permute y_Transpose']);
    expect(layersOf('ArgMax', [1, 4], { axis: 1 })).toEqual(['Arg y_ArgMax']);
  });

  test('of Ceil have no suffix', () => {
    expect(layersOf('Ceil', [1, 4])).toEqual(['Ceil y']);
  });

  test('of Split and TopK are one per output', () => {
    const split = importModel({
      inputs: { x: [1, 4, 2, 2] },
      outputs: ['a', 'b'],
      nodes: [node('Split', ['x'], ['a', 'b'], { axis: 1 })],
    });
    expect(layers(split)).toEqual(['Slice a_Split', 'Slice b_Split']);
    expect(split.ops[2]!.attributes).toMatchObject({
      offset: [0, 2, 0, 0],
      ends: [2n ** 63n - 1n, 4, 2n ** 63n - 1n, 2n ** 63n - 1n],
      hasparamConvertAxes: [1],
    });
    const topK = importModel({
      inputs: { x: [1, 8] },
      outputs: ['v', 'i'],
      initializers: { k: int64s([3]) },
      nodes: [node('TopK', ['x', 'k'], ['v', 'i'])],
    });
    expect(topK.ops[1]).toMatchObject({
      type: 'top.TopK',
      outputs: ['v_TopK', 'i_TopK'],
      attributes: { K: 3, axis: 1 },
    });
  });

  test('of a Sum of three are a chain of Adds', () => {
    const graph = importModel({
      inputs: { a: [1, 2], b: [1, 2], c: [1, 2] },
      outputs: ['y'],
      nodes: [node('Sum', ['a', 'b', 'c'], ['y'])],
    });
    expect(layers(graph)).toEqual(['Add y_1_Sum', 'Add y_Sum']);
  });

  test('of skipped nodes are the producer’s; an input that is an output keeps its name', () => {
    const graph = importModel({
      inputs: { x: [1, 2], z: [1, 2] },
      outputs: ['y', 'w'],
      nodes: [
        node('Exp', ['x'], ['e']),
        node('Dropout', ['e'], ['d']),
        node('Identity', ['d'], ['y']),
        node('Identity', ['z'], ['w']),
      ],
    });
    expect(layers(graph)).toEqual(['Exp e_Exp']);
    expect(graph.outputs).toEqual(['e_Exp', 'z']);
    expect(graph.tensorNames.get('e_Exp')).toBe('y');
  });

  test('of a Softmax that normalises several dimensions (opset < 13) end in a Reshape', () => {
    expect(layersOf('Softmax', [1, 2, 3], {}, {}, 9)).toEqual([
      'Reshape y_Softmax_flat',
      'Softmax y_Softmax_rows',
      'Reshape y_Softmax',
    ]);
    expect(layersOf('Softmax', [1, 2, 3], { axis: 2 }, {}, 9)).toEqual(['Softmax y_Softmax']);
    expect(layersOf('Softmax', [1, 2, 3])).toEqual(['Softmax y_Softmax']);
  });

  test('of a Gemm that adds a matrix are a product and the sum', () => {
    const constants = { w: floats([3, 2]), b: floats([4, 2]) };
    expect(layersOf('Gemm', [4, 3], {}, constants)).toEqual(['MatMul y_Gemm_product', 'Add y_Gemm']);
  });

  test('of a modulus have the helpers of TPU-MLIR', () => {
    const nodes = [node('Mod', ['a', 'b'], ['y'], { fmod: 1 })];
    const graph = importModel({ inputs: { a: [2], b: [2] }, outputs: ['y'], nodes });
    expect(layers(graph)).toEqual(['Mod y_Mod', 'Compare y_Mod_NotEqual', 'Mul y_Mod_Mul']);
  });

  test('of integer division by a constant have a floor helper', () => {
    const graph = importModel({
      inputs: { x: [1, 4] },
      inputType: 7,
      outputs: ['y'],
      initializers: { two: int64s([2]) },
      nodes: [node('Div', ['x', 'two'], ['y'])],
    });
    expect(layers(graph)).toEqual(['DivConst y_Div', 'Cast y_Div_floor']);
  });
});

describe('weights', () => {
  test('that several layers use are cloned per use', () => {
    const graph = importModel({
      inputs: { x: [1, 4] },
      outputs: ['b'],
      initializers: { w: floats([4, 4]) },
      nodes: [node('MatMul', ['x', 'w'], ['a']), node('MatMul', ['a', 'w'], ['b'])],
    });
    expect([...graph.weights.keys()]).toEqual(['w_0', 'w_1']);
    expect(graph.weights.get('w_0')!.data).toBe(graph.weights.get('w_1')!.data);
  });

  test('of a Concat are joined under the names of the specification', () => {
    const graph = importModel({
      inputs: { x: [1, 2] },
      outputs: ['y'],
      initializers: { a: floats([1, 1]), b: floats([1, 2]), c: floats([1, 3]) },
      nodes: [node('Concat', ['a', 'b', 'x', 'c'], ['y'], { axis: 1 })],
    });
    expect(graph.ops[1]!.inputs).toEqual(['a_b_weight', 'x', 'y_weight']);
    expect(graph.weights.get('a_b_weight')!.type.shape).toEqual([1, 3]);
  });

  test('are views on the file when nothing changed them', () => {
    const graph = importModel(tiny);
    const weight = graph.weights.get('conv1.weight')!.data;
    expect(weight.length).toBe(108);
    expect([...weight.subarray(0, 2)]).toEqual([-0.5, 0.375]);
  });

  test('of a grouped transposed convolution are laid out as oc/g, ic', () => {
    const graph = importModel({
      inputs: { x: [1, 4, 2, 2] },
      outputs: ['y'],
      initializers: { w: floats([4, 1, 1, 2], [0, 1, 2, 3, 4, 5, 6, 7]) },
      nodes: [node('ConvTranspose', ['x', 'w'], ['y'], { kernel_shape: [1, 2], group: 2 })],
    });
    expect(graph.weights.get('w')!.type.shape).toEqual([1, 4, 1, 2]);
    expect([...graph.weights.get('w')!.data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(graph.values.get('y_ConvTranspose')!.shape).toEqual([1, 2, 2, 3]);
  });

  test('integer inputs are si32 arguments and f32 inside', () => {
    const graph = importModel({
      inputs: { ids: [1, 4] },
      inputType: 7,
      outputs: ['y'],
      initializers: { table: floats([9, 2]) },
      nodes: [node('Gather', ['table', 'ids'], ['y'])],
    });
    expect(graph.argumentTypes).toEqual(new Map([['ids', 'i32']]));
    const { text } = printMlir(graph, { weightFile: 'w.npz' });
    expect(text).toContain('%arg0: tensor<1x4xsi32>');
    expect(text).toMatch(/"top.Input"\(%arg0\).*: \(tensor<1x4xsi32>\) -> tensor<1x4xf32>/);
  });
});
