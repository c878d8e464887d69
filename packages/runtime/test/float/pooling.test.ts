import { describe, expect, test } from 'vitest';
import { ramp, tensor } from '../graph-builder.ts';
import { dataOf, expectClose, runOp } from '../run-op.ts';

const x = tensor([1, 1, 4, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const window = { kernelShape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] };

describe('top.MaxPool', () => {
  test('2x2', async () => {
    expect(await dataOf({ type: 'top.MaxPool', attributes: window, inputs: [x] })).toEqual([6, 8, 14, 16]);
  });

  test('padding never wins, even over negative values', async () => {
    const negative = tensor([1, 1, 2, 2], [-4, -3, -2, -1]);
    const attributes = { kernelShape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
    expect(await dataOf({ type: 'top.MaxPool', attributes, inputs: [negative] })).toEqual([-1]);
  });

  test('one dimension, fused relu', async () => {
    const attributes = { kernelShape: [2], strides: [1], pads: [0, 0], doRelu: true, reluLimit: 3 };
    const got = await dataOf({ type: 'top.MaxPool', attributes, inputs: [tensor([1, 1, 4], [-5, -1, 2, 9])] });
    expect(got).toEqual([0, 2, 3]);
  });

  test('three dimensions go by the definition', async () => {
    const cube = tensor([1, 1, 2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    const attributes = { kernelShape: [2, 1, 2], strides: [1, 1, 1], pads: [0, 0, 0, 0, 0, 0] };
    expect(await dataOf({ type: 'top.MaxPool', attributes, inputs: [cube] })).toEqual([6, 8]);
  });
});

describe('top.AvgPool', () => {
  const padded = { kernelShape: [2, 2], strides: [2, 2], pads: [1, 1, 1, 1] };

  test('counts only covered elements', async () => {
    const got = await dataOf({ type: 'top.AvgPool', attributes: padded, inputs: [x] });
    expectClose(got, [1, 2.5, 4, 7, 8.5, 10, 13, 14.5, 16]);
  });

  test('counts the padding when told to', async () => {
    const got = await dataOf({ type: 'top.AvgPool', attributes: { ...padded, countIncludePad: true }, inputs: [x] });
    expectClose(got, [0.25, 1.25, 1, 3.5, 8.5, 5, 3.25, 7.25, 4]);
  });

  test('a padding value that is not zero counts as that value', async () => {
    const attributes = { ...padded, countIncludePad: true, padValue: 4 };
    const got = await dataOf({ type: 'top.AvgPool', attributes, inputs: [x] });
    expectClose(got, [3.25, 3.25, 4, 5.5, 8.5, 7, 6.25, 9.25, 7]);
  });

  test('global pooling, keepdims = false', async () => {
    const attributes = { kernelShape: [], strides: [], pads: [], keepdims: false, countIncludePad: true };
    const got = await runOp({
      type: 'top.AvgPool',
      attributes,
      inputs: [tensor([1, 2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])],
    });
    expect(got[0]).toEqual({ shape: [1, 2], data: [2.5, 6.5] });
  });

  test('adaptive windows overlap', async () => {
    // 5 -> 3: stride 1, kernel 3; windows [0,2) [1,4) [3,5)
    const attributes = {
      kernelShape: [1, 3],
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      isAdaptive: true,
      countIncludePad: true,
    };
    const got = await dataOf({ type: 'top.AvgPool', attributes, inputs: [tensor([1, 1, 1, 5], [1, 2, 3, 4, 5])] });
    expectClose(got, [1.5, 3, 4.5]);
  });

  test('many planes', async () => {
    const many = ramp([3, 5, 6, 7]);
    const attributes = { kernelShape: [3, 2], strides: [1, 2], pads: [1, 0, 1, 1] };
    const got = await dataOf({ type: 'top.AvgPool', attributes, inputs: [many] });
    const expected: number[] = [];
    for (let plane = 0; plane < 15; plane++)
      for (let oy = 0; oy < 6; oy++)
        for (let ox = 0; ox < 4; ox++) {
          let [sum, count] = [0, 0];
          for (let r = oy - 1; r < oy + 2; r++)
            for (let c = ox * 2; c < ox * 2 + 2; c++)
              if (r >= 0 && r < 6 && c < 7) {
                sum += Number(many.data[(plane * 6 + r) * 7 + c]);
                count++;
              }
          expected.push(sum / count);
        }
    expectClose(got, expected);
  });
});
