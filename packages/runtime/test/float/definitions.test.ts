import { describe, expect, test } from 'vitest';
import { acosh, asin, asinh, atan, exp, ln, sigmoid, tanh } from '../../src/float/elementary.ts';
import { tensor } from '../graph-builder.ts';
import { dataOf, expectClose, runOp } from '../run-op.ts';

describe('elementary functions', () => {
  const points = [-700, -20, -3.3, -1, -0.5, -1e-5, 0, 1e-7, 0.1, 0.75, 1, 2.5, 40, 1e6];
  test.each([
    ['exp', exp, Math.exp],
    ['ln', ln, Math.log],
    ['tanh', tanh, Math.tanh],
    ['sigmoid', sigmoid, (x: number) => 1 / (1 + Math.exp(-x))],
    ['atan', atan, Math.atan],
    ['asin', asin, Math.asin],
    ['asinh', asinh, Math.asinh],
    ['acosh', acosh, Math.acosh],
  ] as const)('%s agrees with the engine to 12 digits', (_name, ours, engine) => {
    for (const x of points) {
      const want = engine(x);
      const got = ours(x);
      if (!Number.isFinite(want)) expect(got).toEqual(want);
      else expect(Math.abs(got - want)).toBeLessThanOrEqual(1e-12 * Math.abs(want) + 1e-300);
    }
  });
});

describe('resampling by definition', () => {
  const interp = (attributes: Record<string, unknown>, data: number[], shape: number[]) =>
    dataOf({
      type: 'top.Interp',
      attributes: { mode: 'linear', coordMode: 'half_pixel', ...attributes },
      inputs: [tensor(shape, data), null],
    });

  test('nearest with half pixels reads what ONNX reads, not what Interp reads', async () => {
    // Coordinates (x + 0.5) · 4 / 3 − 0.5 = 0.17, 1.5, 2.83: the tie goes down.
    const attributes = { mode: 'nearest', sizes: [1, 1, 1, 3], scales: [1, 1, 1, 0.75] };
    expect(await interp(attributes, [10, 20, 30, 40], [1, 1, 1, 4])).toEqual([10, 20, 40]);
    const ceil = { ...attributes, nearestMode: 'round_prefer_ceil' };
    expect(await interp(ceil, [10, 20, 30, 40], [1, 1, 1, 4])).toEqual([10, 30, 40]);
  });

  test('antialias widens the filter when shrinking', async () => {
    // Scale 1/2: the triangle spans 2 pixels to each side of 0.5 and 2.5; weights 3, 3, 1 of 7 at the border.
    const attributes = { sizes: [1, 1, 1, 2], scales: [1, 1, 1, 0.5], antialias: true, excludeOutside: true };
    expectClose(await interp(attributes, [7, 14, 21, 28], [1, 1, 1, 4]), [
      (3 * 7 + 3 * 14 + 21) / 7,
      (14 + 3 * 21 + 3 * 28) / 7,
    ]);
  });

  test('a crop that leaves the image gives the extrapolation value', async () => {
    const attributes = {
      coordMode: 'tf_crop_and_resize',
      sizes: [1, 1, 1, 3],
      scales: [1, 1, 1, 1],
      roi: [0, 1, 0, 1, 0, 1, 0.5, 1.5],
      extrapolationValue: -9,
    };
    expect(await interp(attributes, [0, 1, 2], [1, 1, 1, 3])).toEqual([1, 2, -9]);
  });

  test('GridSampler: nearest, zeros outside; reflection folds', async () => {
    const grid = tensor([1, 1, 3, 2], [-1, -1, 1, 1, 3, 0]);
    const sample = (mode: number, paddingMode: number) =>
      dataOf({
        type: 'top.GridSampler',
        attributes: { mode, paddingMode, alignCorners: true },
        inputs: [tensor([1, 1, 2, 2], [1, 2, 3, 4]), grid],
      });
    expect(await sample(1, 0)).toEqual([1, 4, 0]);
    // x = 3 lies at pixel 2, one beyond the last, and folds back to pixel 0; y is half way.
    expect(await sample(0, 2)).toEqual([1, 4, 2]);
    expect(await sample(0, 1)).toEqual([1, 4, 3]);
  });

  test('RoiAlign averages the sampled points of every bin', async () => {
    const image = Array.from({ length: 16 }, (_, index) => index);
    const attributes = {
      mode: 'Avg',
      outputHeight: 1,
      outputWidth: 2,
      samplingRatio: 2,
      spatialScale: 1,
      alignCorners: false,
    };
    const got = await dataOf({
      type: 'top.RoiAlign',
      attributes,
      inputs: [tensor([1, 1, 4, 4], image), tensor([1, 5], [0, 0, 0, 2, 2])],
    });
    // Points at y 0.5 and 1.5, x 0.25 0.75 | 1.25 1.75 of the plane 4y + x.
    expectClose(got, [4 + 0.5, 4 + 1.5]);
  });
});

describe('recurrence by definition', () => {
  const run = (attributes: Record<string, unknown>, lengths?: number[]) =>
    runOp({
      type: 'top.RNN',
      attributes: { hiddenSize: 1, bidirectional: false, activations: ['Affine'], ...attributes },
      inputs: [
        tensor([3, 1, 1], [1, 2, 4]),
        tensor([1, 1, 1], [1]),
        tensor([1, 1, 1], [10]),
        tensor([1, 2], [0.5, 0]),
        null,
        ...(lengths === undefined ? [] : [tensor([1], lengths)]),
      ],
      results: 2,
    });

  test('h = x + 10 · h + 0.5, forwards and backwards', async () => {
    const [y, last] = await run({});
    expect(y!.data).toEqual([1.5, 17.5, 179.5]);
    expect(last!.data).toEqual([179.5]);
    const [reversed] = await run({ reverse: true });
    expect(reversed!.data).toEqual([466.5 + 10, 47.5, 4.5]);
  });

  test('a short sequence ends with zeros and keeps its last state', async () => {
    const [y, last] = await run({}, [2]);
    expect(y!.data).toEqual([1.5, 17.5, 0]);
    expect(last!.data).toEqual([17.5]);
  });

  test('clip bounds what goes into the activation', async () => {
    const [y] = await run({ clip: 3 });
    expect(y!.data).toEqual([1.5, 3, 3]);
  });
});

describe('operators of ours', () => {
  test('MaxPoolWithIndices names the first of equal maxima', async () => {
    const attributes = { kernelShape: [2, 2], strides: [1, 1], pads: [0, 0, 0, 0] };
    const inputs = [tensor([1, 1, 2, 3], [1, 5, 5, 2, 0, 5])];
    const [y, indices] = await runOp({ type: 'top.MaxPoolWithIndices', attributes, inputs, results: 2 });
    expect([y!.data, indices!.data]).toEqual([
      [5, 5],
      [1, 1],
    ]);
    const columns = await runOp({
      type: 'top.MaxPoolWithIndices',
      attributes: { ...attributes, isColumnMajor: true },
      inputs,
      results: 2,
    });
    expect(columns[1]!.data).toEqual([2, 2]);
  });

  test('a dilated average counts only covered elements', async () => {
    const attributes = { kernelShape: [2], strides: [1], pads: [1, 1], dilations: [2] };
    const got = await dataOf({ type: 'top.AvgPool', attributes, inputs: [tensor([1, 1, 3], [1, 2, 6])] });
    // Windows (pad, 2), (1, 6), (2, pad).
    expect(got).toEqual([2, 3.5, 2]);
  });

  test('running sums and products, exclusive and from the end', async () => {
    const inputs = [tensor([4], [1, 2, 3, 4]), null];
    const attributes = { axis: 0, exclusive: true, reverse: true };
    expect(await dataOf({ type: 'top.CumSum', attributes, inputs })).toEqual([9, 7, 4, 0]);
    expect(await dataOf({ type: 'top.CumProd', attributes, inputs })).toEqual([24, 12, 4, 1]);
  });

  test('a cast to a narrow integer cuts and wraps', async () => {
    const cast = (to: string) =>
      dataOf({
        type: 'top.Cast',
        attributes: { to, roundMode: 'TowardsZero' },
        inputs: [tensor([4], [300, -129, -1.7, 9])],
      });
    expect(await cast('INT8')).toEqual([44, 127, -1, 9]);
    expect(await cast('UINT4')).toEqual([12, 15, 15, 9]);
  });

  test('determinants and bits', async () => {
    expectClose(await dataOf({ type: 'top.Det', inputs: [tensor([1, 3, 3], [0, 2, 1, 3, 1, 0, 1, 0, 2])] }), [-13]);
    const bits = { mode: 'Not', unsignedBits: 8 };
    expect(await dataOf({ type: 'top.Bitwise', attributes: bits, inputs: [tensor([2], [0, 5])] })).toEqual([255, 250]);
  });
});
