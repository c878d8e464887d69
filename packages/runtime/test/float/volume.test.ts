import { describe, expect, test } from 'vitest';
import { type TensorLike, tensor } from '../graph-builder.ts';
import { runLowered } from '../quantized/lowered.ts';
import { dataOf, expectClose } from '../run-op.ts';

interface Window {
  readonly kernelShape: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
}

const WINDOWS: Record<string, Window & { readonly group: number }> = {
  plain: { kernelShape: [2, 3, 2], strides: [1, 1, 1], pads: [0, 0, 0, 0, 0, 0], dilations: [1, 1, 1], group: 1 },
  padded: { kernelShape: [3, 3, 3], strides: [2, 1, 2], pads: [1, 1, 1, 1, 1, 1], dilations: [1, 1, 1], group: 2 },
  lopsided: { kernelShape: [2, 2, 2], strides: [1, 2, 1], pads: [2, 0, 1, 0, 1, 0], dilations: [2, 1, 2], group: 1 },
  'by channel': {
    kernelShape: [3, 1, 1],
    strides: [1, 1, 1],
    pads: [1, 0, 0, 1, 0, 0],
    dilations: [1, 1, 1],
    group: 4,
  },
};
const [N, C, OC] = [2, 4, 8];
const spatial = [5, 4, 6];
const wave = (count: number, phase: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.round(100 * Math.sin(i * 1.7 + phase)));

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function outputsOf({ kernelShape, strides, pads, dilations }: Window): number[] {
  return spatial.map((length, axis) => {
    const reach = dilations[axis]! * (kernelShape[axis]! - 1) + 1;
    return Math.floor((length + pads[axis]! + pads[axis + 3]! - reach) / strides[axis]!) + 1;
  });
}

/** Calls back with the flat positions in a plane and the taps of every output cell; −1 is padding. */
function cellsOf(window: Window): { at: number; tap: number }[][] {
  const place = (index: number, shape: readonly number[]): number[] => {
    const [, rows, columns] = shape as [number, number, number];
    return [Math.floor(index / (rows * columns)), Math.floor(index / columns) % rows, index % columns];
  };
  return Array.from({ length: size(outputsOf(window)) }, (_, cell) => {
    const origin = place(cell, outputsOf(window)).map((o, axis) => o * window.strides[axis]! - window.pads[axis]!);
    return Array.from({ length: size(window.kernelShape) }, (_tap, tap) => {
      const position = place(tap, window.kernelShape).map((k, axis) => origin[axis]! + k * window.dilations[axis]!);
      const isInside = position.every((p, axis) => p >= 0 && p < spatial[axis]!);
      return { at: isInside ? position.reduce((sum, p, axis) => sum * spatial[axis]! + p, 0) : -1, tap };
    });
  });
}

/** Sums of a convolution from its definition. */
function convolve(x: readonly number[], w: readonly number[], bias: readonly number[], padding: number, key: string) {
  const window = WINDOWS[key]!;
  const [perGroup, taps, plane] = [C / window.group, size(window.kernelShape), size(spatial)];
  const sums: number[] = [];
  for (let n = 0; n < N; n++) {
    for (let f = 0; f < OC; f++) {
      const first = Math.floor(f / (OC / window.group)) * perGroup;
      for (const cell of cellsOf(window)) {
        let sum = bias[f]!;
        for (let c = 0; c < perGroup; c++) {
          for (const { at, tap } of cell) {
            const value = at < 0 ? padding : x[(n * C + first + c) * plane + at]!;
            sum += value * w[(f * perGroup + c) * taps + tap]!;
          }
        }
        sums.push(sum);
      }
    }
  }
  return sums;
}

const operands = ({ kernelShape, group }: { kernelShape: readonly number[]; group: number }) => ({
  xShape: [N, C, ...spatial],
  wShape: [OC, C / group, ...kernelShape],
  x: wave(N * C * size(spatial), 0),
  w: wave((OC * C * size(kernelShape)) / group, 1),
  bias: wave(OC, 2),
});

describe('convolution in three dimensions', () => {
  test.each(Object.keys(WINDOWS))('%s: follows its definition', async (key) => {
    const { xShape, wShape, x, w, bias } = operands(WINDOWS[key]!);
    const weights: TensorLike[] = [tensor(wShape, w), tensor([OC], bias)];
    const attributes = { ...WINDOWS[key]!, doRelu: true, reluLimit: 90000 };
    const got = await dataOf({ type: 'top.Conv', attributes, inputs: [tensor(xShape, x), ...weights] });
    // Whole numbers below 2^24: every order of summation gives the same.
    expect(got).toEqual(convolve(x, w, bias, 0, key).map((sum) => Math.min(Math.max(sum, 0), 90000)));
  });

  test.each(Object.keys(WINDOWS))('%s: so do its codes, padded with the zero point', async (key) => {
    const window = WINDOWS[key]!;
    const { xShape, wShape, x, w, bias } = operands(window);
    const { result } = await runLowered({
      type: 'tpu.Conv3D',
      attributes: { ...window, withBias: true, doRelu: false, reluLimit: -1 },
      inputs: [
        {
          type: {
            shape: xShape,
            dtype: 'i8',
            quantization: { kind: 'uniform', expressed: 'f32', scale: 1, zeroPoint: 3 },
          },
          data: Int8Array.from(x),
        },
        { type: { shape: wShape, dtype: 'i8' }, data: Int8Array.from(w), weight: true },
        { type: { shape: [1, OC, 1, 1, 1], dtype: 'i32' }, data: Int32Array.from(bias), weight: true },
      ],
      output: { shape: [N, OC, ...outputsOf(window)], dtype: 'i32' },
    });
    expect(result).toEqual(convolve(x, w, bias, 3, key));
  });
});

describe('pooling in three dimensions', () => {
  const x = wave(N * C * size(spatial), 0);
  const pools: Record<string, Window> = {
    plain: { ...WINDOWS.plain!, strides: [2, 1, 2] },
    padded: { ...WINDOWS.padded!, kernelShape: [3, 2, 3], pads: [1, 1, 1, 1, 0, 1] },
    'in slices': { kernelShape: [1, 2, 2], strides: [1, 2, 2], pads: [0, 0, 0, 0, 0, 0], dilations: [1, 1, 1] },
  };
  const windowsOf = (window: Window): number[][] =>
    Array.from({ length: N * C }, (_, plane) =>
      cellsOf(window).map((cell) => cell.filter(({ at }) => at >= 0).map(({ at }) => x[plane * size(spatial) + at]!)),
    ).flat();

  test.each(Object.keys(pools))('%s: follows its definition', async (key) => {
    const { dilations: _none, ...window } = pools[key]!;
    const inputs = [tensor([N, C, ...spatial], x)];
    const windows = windowsOf(pools[key]!);
    expect(await dataOf({ type: 'top.MaxPool', attributes: window, inputs })).toEqual(
      windows.map((values) => Math.max(...values)),
    );
    for (const countIncludePad of [false, true]) {
      const cells = size(window.kernelShape);
      const got = await dataOf({ type: 'top.AvgPool', attributes: { ...window, countIncludePad }, inputs });
      expectClose(
        got,
        windows.map((values) => values.reduce((a, b) => a + b, 0) / (countIncludePad ? cells : values.length)),
      );
    }
  });

  test.each(Object.keys(pools))('%s: so do its codes', async (key) => {
    const { dilations: _none, ...window } = pools[key]!;
    const quantization = { kind: 'uniform', expressed: 'f32', scale: 1, zeroPoint: 0 } as const;
    const pool = { ...window, padValue: 0, isAdaptive: false, countIncludePad: true, doRelu: false, reluLimit: -1 };
    const run = async (attributes: object) => {
      const inputs = [
        { type: { shape: [N, C, ...spatial], dtype: 'i8' as const, quantization }, data: Int8Array.from(x) },
      ];
      const output = { shape: [N, C, ...outputsOf(pools[key]!)], dtype: 'i8' as const, quantization };
      return (await runLowered({ type: 'tpu.Pool3D', attributes: { ...pool, ...attributes }, inputs, output })).result;
    };
    const windows = windowsOf(pools[key]!);
    expect(await run({ poolMode: 'Max' })).toEqual(windows.map((values) => Math.max(...values)));
    const cells = size(window.kernelShape);
    const f = Math.fround;
    const averages = windows.map((values) => {
      const average = f(values.reduce((a, b) => a + b, 0) / cells);
      const sum = window.kernelShape.reduce((product, length) => f(product * length), average);
      const real = f(f(sum * 0.25) + 0.125);
      return Math.min(Math.max(Math.sign(real) * Math.floor(Math.abs(real) + 0.5), -128), 127);
    });
    expect(await run({ poolMode: 'Avg', scale: 0.25, offset: 0.125 })).toEqual(averages.map((v) => (v === 0 ? 0 : v)));
  });
});
