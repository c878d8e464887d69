import { describe, expect, test } from 'vitest';
import { tensor } from '../graph-builder.ts';
import { dataOf, expectClose, runOp } from '../run-op.ts';

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const iota = (...shape: number[]) => tensor(shape, count(shape.reduce((a, b) => a * b, 1)));

describe('views', () => {
  test('top.Reshape, top.Squeeze, top.Unsqueeze, top.Flatten keep the data', async () => {
    const x = iota(1, 2, 1, 3);
    expect(await runOp({ type: 'top.Reshape', attributes: { shape: [3, -1] }, inputs: [x, null] })).toEqual([
      { shape: [3, 2], data: count(6) },
    ]);
    expect(await runOp({ type: 'top.Squeeze', attributes: { axes: [] }, inputs: [x] })).toEqual([
      { shape: [2, 3], data: count(6) },
    ]);
    expect(await runOp({ type: 'top.Unsqueeze', attributes: { axes: [0, -1] }, inputs: [x] })).toEqual([
      { shape: [1, 1, 2, 1, 3, 1], data: count(6) },
    ]);
    expect(await runOp({ type: 'top.Flatten', attributes: { startDim: 1 }, inputs: [x] })).toEqual([
      { shape: [1, 6], data: count(6) },
    ]);
  });
});

describe('joining and cutting', () => {
  test('top.Concat on an inner axis, with a weight and a fused relu', async () => {
    const inputs = [tensor([2, 1, 2], [1, -2, 3, 4]), tensor([2, 2, 2], [5, 6, 7, 8, 9, -10, 11, 12])];
    const attributes = { axis: 1, doRelu: true, reluLimit: 10 };
    const got = await runOp({ type: 'top.Concat', attributes, inputs, weightsFrom: 1 });
    expect(got[0]).toEqual({ shape: [2, 3, 2], data: [1, 0, 5, 6, 7, 8, 3, 4, 9, 0, 10, 10] });
  });

  test('top.Split', async () => {
    const attributes = { axis: 1, num: 2, splitSize: [1, 2] };
    const got = await runOp({ type: 'top.Split', attributes, inputs: [iota(2, 3)], results: 2 });
    expect(got).toEqual([
      { shape: [2, 1], data: [0, 3] },
      { shape: [2, 2], data: [1, 2, 4, 5] },
    ]);
  });

  test.each([
    ['a part', { offset: [0, 1], ends: [2, 3], steps: [1, 1], axes: [] }, [2, 2], [1, 2, 5, 6]],
    ['a step of 2', { offset: [1], ends: [4], steps: [2], axes: [1] }, [3, 2], [1, 3, 5, 7, 9, 11]],
    ['a negative step', { offset: [-1], ends: [-9], steps: [-2], axes: [1] }, [3, 2], [3, 1, 7, 5, 11, 9]],
    [
      'an end beyond the tensor',
      { offset: [2, 0], ends: [9223372036854775807n, 1], steps: [1, 1], axes: [] },
      [1, 1],
      [8],
    ],
  ])('top.Slice: %s', async (_name, attributes, shape, data) => {
    expect(await runOp({ type: 'top.Slice', attributes, inputs: [iota(3, 4), null, null, null] })).toEqual([
      { shape, data },
    ]);
  });

  test('top.Reverse', async () => {
    expect(await dataOf({ type: 'top.Reverse', attributes: { axis: 1 }, inputs: [iota(2, 3)] })).toEqual([
      2, 1, 0, 5, 4, 3,
    ]);
  });
});

describe('permutations', () => {
  test('top.Permute', async () => {
    const got = await runOp({ type: 'top.Permute', attributes: { order: [2, 0, 1] }, inputs: [iota(2, 3, 2)] });
    expect(got).toEqual([{ shape: [2, 2, 3], data: [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11] }]);
  });

  test('top.ShuffleChannel', async () => {
    const got = await dataOf({ type: 'top.ShuffleChannel', attributes: { group: 2 }, inputs: [iota(1, 6, 1, 2)] });
    expect(got).toEqual([0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11]);
  });

  test('top.SwapChannel', async () => {
    const got = await dataOf({
      type: 'top.SwapChannel',
      attributes: { channelOrder: [2, 1, 0] },
      inputs: [iota(2, 3, 1, 2)],
    });
    expect(got).toEqual([4, 5, 2, 3, 0, 1, 10, 11, 8, 9, 6, 7]);
  });

  test('top.SwapDimInner rotates', async () => {
    expect(await dataOf({ type: 'top.SwapDimInner', attributes: { offset: [0, 2] }, inputs: [iota(2, 3)] })).toEqual([
      2, 0, 1, 5, 3, 4,
    ]);
  });

  // The ONNX documentation's example: [1, 8, 2, 3], block 2.
  const blocks = iota(1, 8, 2, 3);
  const dcr = [0, 12, 1, 13, 2, 14, 24, 36, 25, 37, 26, 38, 3, 15, 4, 16, 5, 17, 27, 39, 28, 40, 29, 41];
  const crd = [0, 6, 1, 7, 2, 8, 12, 18, 13, 19, 14, 20, 3, 9, 4, 10, 5, 11, 15, 21, 16, 22, 17, 23];
  const size = { blockH: 2, blockW: 2, isInversed: false };
  test('top.Depth2Space DCR and CRD', async () => {
    const deep = await dataOf({ type: 'top.Depth2Space', attributes: { ...size, isCRD: false }, inputs: [blocks] });
    expect(deep.slice(0, 12)).toEqual(dcr.slice(0, 12));
    const reference = await dataOf({ type: 'top.Depth2Space', attributes: { ...size, isCRD: true }, inputs: [blocks] });
    expect(reference.slice(0, 12)).toEqual(crd.slice(0, 12));
  });

  test('top.Depth2Space inversed undoes it, also between layouts', async () => {
    for (const isCRD of [true, false]) {
      const wide = await runOp({
        type: 'top.Depth2Space',
        attributes: { ...size, isCRD, outIsNCHW: false },
        inputs: [blocks],
      });
      expect(wide[0]!.shape).toEqual([1, 4, 6, 2]);
      const attributes = { ...size, isCRD, isInversed: true, inIsNCHW: false };
      expect(
        await dataOf({ type: 'top.Depth2Space', attributes, inputs: [tensor([1, 4, 6, 2], wide[0]!.data)] }),
      ).toEqual(count(48));
    }
  });

  test('top.Depth2Space in the order of YOLO Focus: columns of blocks first', async () => {
    const attributes = { ...size, isCRD: false, isInversed: true, swapCr: true };
    const got = await dataOf({ type: 'top.Depth2Space', attributes, inputs: [iota(1, 1, 2, 4)] });
    // x[::2, ::2], x[1::2, ::2], x[::2, 1::2], x[1::2, 1::2]
    expect(got).toEqual([0, 2, 4, 6, 1, 3, 5, 7]);
  });
});

describe('repetition and padding', () => {
  test('top.Expand and top.Tile', async () => {
    const expanded = await runOp({
      type: 'top.Expand',
      attributes: { shape: [2, 1, 2] },
      inputs: [tensor([3, 1], [1, 2, 3]), null],
    });
    expect(expanded).toEqual([{ shape: [2, 3, 2], data: [1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3] }]);
    const tiled = await runOp({
      type: 'top.Tile',
      attributes: { tile: [2, 2] },
      inputs: [tensor([1, 2], [1, 2]), null],
    });
    expect(tiled).toEqual([{ shape: [2, 4], data: [1, 2, 1, 2, 1, 2, 1, 2] }]);
  });

  const row = tensor([1, 1, 1, 3], [1, 2, 3]);
  test.each([
    ['constant', [9, 9, 1, 2, 3, 9]],
    ['edge', [1, 1, 1, 2, 3, 3]],
    ['reflect', [3, 2, 1, 2, 3, 2]],
    ['symmetric', [2, 1, 1, 2, 3, 3]],
  ])('top.Pad %s', async (mode, expected) => {
    const attributes = { paddings: [0, 0, 0, 2, 0, 0, 0, 1], val: 9, mode };
    expect(await dataOf({ type: 'top.Pad', attributes, inputs: [row, null] })).toEqual(expected);
  });

  test('top.Pad on two dimensions, and negative paddings cut', async () => {
    const reflected = await dataOf({
      type: 'top.Pad',
      attributes: { paddings: [1, 1, 0, 1], mode: 'reflect' },
      inputs: [iota(2, 2), null],
    });
    expect(reflected).toEqual([3, 2, 3, 2, 1, 0, 1, 0, 3, 2, 3, 2]);
    const cut = await runOp({
      type: 'top.Pad',
      attributes: { paddings: [0, -1, 1, 0], mode: 'constant' },
      inputs: [iota(2, 3), null],
    });
    expect(cut).toEqual([{ shape: [3, 2], data: [1, 2, 4, 5, 0, 0] }]);
  });

  test('top.ConstantFill', async () => {
    expect(
      await runOp({
        type: 'top.ConstantFill',
        attributes: { value: 2.5 },
        inputs: [tensor([2], [2, 3])],
        weightsFrom: 0,
      }),
    ).toEqual([{ shape: [2, 3], data: new Array(6).fill(2.5) }]);
  });
});

describe('resampling', () => {
  const image = tensor([1, 1, 2, 2], [1, 2, 3, 4]);
  test('top.Upsample', async () => {
    const got = await dataOf({
      type: 'top.Upsample',
      attributes: { scaleH: 1, scaleW: 2, doRelu: true, reluLimit: 3 },
      inputs: [image],
    });
    expect(got).toEqual([1, 1, 2, 2, 3, 3, 3, 3]);
  });

  test.each([
    // ONNX's resize_upsample_scales_linear examples
    ['half_pixel', [1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4]],
    ['align_corners', [1, 4 / 3, 5 / 3, 2, 5 / 3, 2, 7 / 3, 8 / 3, 7 / 3, 8 / 3, 3, 10 / 3, 3, 10 / 3, 11 / 3, 4]],
    ['asymmetric', [1, 1.5, 2, 2, 2, 2.5, 3, 3, 3, 3.5, 4, 4, 3, 3.5, 4, 4]],
  ])('top.Interp linear %s', async (coordMode, expected) => {
    const attributes = { mode: 'linear', coordMode, scaleH: 2, scaleW: 2 };
    const got = await dataOf({ type: 'top.Interp', attributes, inputs: [image, null] });
    expectClose(got, expected);
  });

  test('top.Interp nearest asymmetric takes the floor', async () => {
    const attributes = { mode: 'nearest', coordMode: 'asymmetric', scaleH: 1, scaleW: 1.5 };
    expect(await dataOf({ type: 'top.Interp', attributes, inputs: [image, null] })).toEqual([1, 1, 2, 3, 3, 4]);
  });
});
