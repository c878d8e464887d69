import { describe, expect, test } from 'vitest';
import {
  attributesWithDefaults,
  fullRankSlice,
  matMulDimensions,
  type OpAttributes,
  type OpType,
  operatorTable,
} from '../../src/index.ts';
import { sliceLengths } from '../../src/operators/slice-bounds.ts';

/** Result shapes and fixed attributes of an operator on f32 operands of these shapes. */
function infer<T extends OpType>(
  type: T,
  shapes: readonly (readonly number[])[],
  attributes: Partial<OpAttributes[T]>,
) {
  const result = operatorTable[type].inferShapes({
    attributes: attributesWithDefaults(type, attributes),
    inputs: shapes.map((shape) => ({ shape, dtype: 'f32' as const })),
    weight: () => undefined,
  });
  return { shapes: result.outputs.map((output) => output?.shape), attributes: result.attributes };
}

describe('convolutions', () => {
  test('count output positions with padding, stride and dilation', () => {
    const attributes = { kernelShape: [3, 3], strides: [2, 1], pads: [1, 0, 1, 2], dilations: [1, 2] };
    expect(
      infer(
        'top.Conv',
        [
          [1, 2, 9, 10],
          [4, 2, 3, 3],
        ],
        attributes,
      ).shapes,
    ).toEqual([[1, 4, 5, 8]]);
  });

  test('in one dimension may be spelled with unit height', () => {
    const attributes = { kernelShape: [1, 3], strides: [1, 2], pads: [0, 1, 0, 1], dilations: [1, 1] };
    const shapes = [
      [1, 2, 9],
      [4, 2, 1, 3],
    ];
    expect(infer('top.Conv', shapes, attributes).shapes).toEqual([[1, 4, 5]]);
  });

  test('transposed: (in − 1)·s − pads + d·(k − 1) + output padding + 1', () => {
    const attributes = { kernelShape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0], outputPadding: [1, 0], group: 2 };
    expect(
      infer(
        'top.Deconv',
        [
          [1, 4, 3, 3],
          [3, 4, 2, 2],
        ],
        attributes,
      ).shapes,
    ).toEqual([[1, 6, 7, 6]]);
  });
});

describe('pools', () => {
  test('global ones take the spatial size', () => {
    const { shapes, attributes } = infer('top.AvgPool', [[1, 2, 5, 7]], { kernelShape: [], strides: [], pads: [] });
    expect(shapes).toEqual([[1, 2, 1, 1]]);
    expect(attributes).toMatchObject({ kernelShape: [5, 7], strides: [1, 1], pads: [0, 0, 0, 0] });
  });

  test('ceil_mode becomes end padding from in + 2·pad_begin − k', () => {
    const { shapes, attributes } = infer('top.MaxPool', [[1, 1, 6, 6]], {
      kernelShape: [3, 3],
      strides: [2, 2],
      pads: [0, 1, 0, 1],
      ceilMode: true,
    });
    expect(attributes).toMatchObject({ pads: [0, 1, 1, 2] });
    expect(attributes).not.toHaveProperty('ceilMode');
    expect(shapes).toEqual([[1, 1, 3, 4]]);
  });

  test('SAME_LOWER puts the odd element in front', () => {
    const pool = { kernelShape: [2, 3], strides: [2, 2], pads: [0, 0, 0, 0], autoPad: 'SAME_LOWER' };
    expect(infer('top.MaxPool', [[1, 1, 5, 4]], pool).attributes).toMatchObject({ pads: [1, 1, 0, 0] });
  });
});

describe('matrix products', () => {
  const flags = attributesWithDefaults('top.MatMul', {});
  test.each([
    [
      [2, 3],
      [3, 4],
      [2, 4],
    ],
    [
      [5, 1, 2, 3],
      [6, 3, 4],
      [5, 6, 2, 4],
    ],
    [[4, 5, 6], [6], [4, 5]],
    [[6], [6, 3], [3]],
    [
      [1, 512, 7, 7],
      [25088, 40],
      [1, 40],
    ],
  ])('%j · %j = %j', (left, right, output) => {
    expect(matMulDimensions(left, right, flags).output).toEqual(output);
  });

  test('read transposed operands, collapse leading dimensions', () => {
    expect(matMulDimensions([3, 2], [4, 3], { ...flags, leftTranspose: true, rightTranspose: true }).output).toEqual([
      2, 4,
    ]);
    expect(matMulDimensions([2, 3, 4], [4, 5], { ...flags, keepDims: false }).output).toEqual([6, 5]);
    expect(() => matMulDimensions([2, 3], [4, 5], flags)).toThrow('do not fit together');
  });
});

describe('slices', () => {
  const lengths = (shape: readonly number[], slice: Parameters<typeof fullRankSlice>[1]) =>
    sliceLengths(shape, fullRankSlice(shape, slice));

  test('with axes count from the back and clamp', () => {
    expect(lengths([8, 8], { offset: [-3], ends: [2n ** 63n - 1n], steps: [2], axes: [-1] })).toEqual([8, 2]);
    expect(lengths([8], { offset: [-1], ends: [-(2n ** 63n)], steps: [-3], axes: [0] })).toEqual([3]);
    expect(lengths([8], { offset: [6], ends: [2], steps: [1], axes: [0] })).toEqual([0]);
  });

  test('in full rank take −1 as everything up to the border', () => {
    expect(lengths([8, 4], { offset: [2, 3], ends: [-1, -1], steps: [1, -1], axes: [] })).toEqual([6, 4]);
  });
});

test.each([
  [
    'top.Split',
    [[7, 2]],
    { axis: 0, num: 3 },
    [
      [3, 2],
      [3, 2],
      [1, 2],
    ],
  ],
  [
    'top.Concat',
    [
      [1, 2],
      [1, 3],
    ],
    { axis: -1 },
    [[1, 5]],
  ],
  ['top.Reshape', [[2, 3, 4]], { shape: [0, -1] }, [[2, 12]]],
  ['top.Squeeze', [[1, 1]], { axes: [] }, [[1]]],
  ['top.Unsqueeze', [[3]], { axes: [-1, 0] }, [[1, 3, 1]]],
  [
    'top.Gather',
    [
      [4, 5],
      [2, 3],
    ],
    { axis: 1 },
    [[4, 2, 3]],
  ],
  ['top.Gather', [[4, 5], [1]], { axis: 0, keepdims: false }, [[5]]],
  ['top.Reduce', [[2, 3, 4]], { axes: [-1, 0], keepdims: false, mode: 'ReduceSum' }, [[3]]],
  ['top.Depth2Space', [[1, 8, 2, 3]], { blockH: 2, blockW: 2, isCRD: false, isInversed: false }, [[1, 2, 4, 6]]],
  ['top.Pad', [[1, 2]], { paddings: [0, 1, 2, 3], mode: 'constant' }, [[3, 6]]],
  [
    'top.LSTM',
    [
      [5, 2, 3],
      [1, 16, 3],
      [1, 16, 4],
    ],
    { hiddenSize: 4, bidirectional: false },
    [
      [5, 1, 2, 4],
      [1, 2, 4],
      [1, 2, 4],
    ],
  ],
  ['top.Permute', [[2, 3, 4]], { order: [] }, [[4, 3, 2]]],
] as const)('%s of %j', (type, shapes, attributes, expected) => {
  expect(infer(type, shapes, attributes as never).shapes).toEqual(expected);
});

test('an axis that does not exist and a reshape that does not fit are errors', () => {
  expect(() => infer('top.Softmax', [[2, 3]], { axis: 2 })).toThrow('axis 2');
  expect(() => infer('top.Reshape', [[2, 3]], { shape: [4, -1] })).toThrow('do not fit');
});
