import { describe, expect, test } from 'vitest';
import { ramp, type TensorLike, tensor } from '../graph-builder.ts';
import { dataOf, expectClose } from '../run-op.ts';

interface Geometry {
  readonly strides: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly dilations: readonly [number, number];
  readonly group: number;
}

/** Convolution by its definition, in float64. */
function convolve(x: TensorLike, w: TensorLike, bias: readonly number[], g: Geometry): number[] {
  const [N, C, H, W] = x.shape as [number, number, number, number];
  const [OC, CG, KH, KW] = w.shape as [number, number, number, number];
  const OH = Math.floor((H + g.pads[0] + g.pads[2] - g.dilations[0] * (KH - 1) - 1) / g.strides[0]) + 1;
  const OW = Math.floor((W + g.pads[1] + g.pads[3] - g.dilations[1] * (KW - 1) - 1) / g.strides[1]) + 1;
  const y: number[] = [];
  for (let n = 0; n < N; n++)
    for (let oc = 0; oc < OC; oc++)
      for (let oh = 0; oh < OH; oh++)
        for (let ow = 0; ow < OW; ow++) {
          let sum = bias[oc] ?? 0;
          const first = Math.floor(oc / (OC / g.group)) * CG;
          for (let c = 0; c < CG; c++)
            for (let i = 0; i < KH; i++)
              for (let j = 0; j < KW; j++) {
                const [h, v] = [
                  oh * g.strides[0] - g.pads[0] + i * g.dilations[0],
                  ow * g.strides[1] - g.pads[1] + j * g.dilations[1],
                ];
                if (h < 0 || h >= H || v < 0 || v >= W) continue;
                sum +=
                  Number(x.data[((n * C + first + c) * H + h) * W + v]) *
                  Number(w.data[((oc * CG + c) * KH + i) * KW + j]);
              }
          y.push(sum);
        }
  return y;
}

const plain: Geometry = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 };

describe('top.Conv', () => {
  const cases: [string, number[], number[], Partial<Geometry>][] = [
    ['3x3 padded', [2, 3, 7, 6], [5, 3, 3, 3], { pads: [1, 1, 1, 1] }],
    ['strided, uneven pads', [1, 4, 9, 8], [3, 4, 3, 2], { strides: [2, 3], pads: [0, 1, 2, 1] }],
    ['dilated', [1, 2, 9, 9], [4, 2, 3, 3], { dilations: [2, 3], pads: [2, 3, 2, 3] }],
    ['1x1', [2, 8, 5, 5], [9, 8, 1, 1], {}],
    ['grouped', [1, 6, 6, 6], [4, 3, 3, 3], { group: 2, pads: [1, 1, 1, 1] }],
    ['depthwise', [2, 5, 8, 7], [5, 1, 3, 3], { group: 5, pads: [1, 1, 1, 1] }],
    ['depthwise with two filters a channel, stride 2', [1, 3, 8, 8], [6, 1, 3, 3], { group: 3, strides: [2, 2] }],
  ];
  test.each(cases)('%s', async (_name, xShape, wShape, change) => {
    const g = { ...plain, ...change };
    const [x, w] = [ramp(xShape, 0.125), ramp(wShape, 0.25)];
    const bias = Array.from({ length: wShape[0]! }, (_, i) => i - 1.5);
    const attributes = { kernelShape: wShape.slice(2), ...g };
    const got = await dataOf({
      type: 'top.Conv',
      attributes,
      inputs: [x, w, tensor([bias.length], bias)],
      weightsFrom: 1,
    });
    expectClose(got, convolve(x, w, bias, g));
  });

  test('1-D, without bias, fused relu with a limit', async () => {
    const got = await dataOf({
      type: 'top.Conv',
      attributes: { kernelShape: [3], strides: [2], pads: [1, 0], doRelu: true, reluLimit: 6 },
      inputs: [tensor([1, 1, 6], [1, -2, 3, 4, -5, 6]), tensor([1, 1, 3], [1, 1, -1]), null],
      weightsFrom: 1,
    });
    // windows (0 1 -2) (-2 3 4) (4 -5 6): 1+2 = 3, 1-4 = -3 -> 0, -1-6 = -7 -> 0
    expect(got).toEqual([3, 0, 0]);
  });

  test('a filter that the graph computes', async () => {
    const [x, w] = [ramp([1, 2, 4, 4]), ramp([3, 2, 3, 3])];
    const attributes = { kernelShape: [3, 3], ...plain, weightIsCoeff: 0 };
    const got = await dataOf({ type: 'top.Conv', attributes, inputs: [x, w, null] });
    expectClose(got, convolve(x, w, [], plain));
  });

  test('three spatial dimensions, from the definition', async () => {
    const attributes = { kernelShape: [2, 1, 2], strides: [1, 2, 1], pads: [1, 0, 0, 0, 0, 0], dilations: [1, 1, 1] };
    const got = await dataOf({
      type: 'top.Conv',
      attributes,
      inputs: [tensor([1, 1, 2, 1, 2], [1, 2, 3, 4]), tensor([1, 1, 2, 1, 2], [1, 10, 100, 1000]), null],
      weightsFrom: 1,
    });
    // First output depth: padding above, then 1·100 + 2·1000; second: 1·1 + 2·10 + 3·100 + 4·1000.
    expect(got).toEqual([2100, 4321]);
  });
});

/** Transposed convolution by scattering; `w` is indexed [input channel, output channel of its group, kh, kw]. */
function scatter(
  x: TensorLike,
  w: (ic: number, o: number, i: number, j: number) => number,
  shape: number[],
  k: number[],
  g: Geometry,
) {
  const [, C, H, W] = x.shape as [number, number, number, number];
  const [, OC, OH, OW] = shape as [number, number, number, number];
  const y = new Array<number>(OC * OH * OW).fill(0);
  const perGroup = OC / g.group;
  for (let c = 0; c < C; c++)
    for (let h = 0; h < H; h++)
      for (let v = 0; v < W; v++)
        for (let o = 0; o < perGroup; o++)
          for (let i = 0; i < k[0]!; i++)
            for (let j = 0; j < k[1]!; j++) {
              const [r, s] = [h * g.strides[0] - g.pads[0] + i, v * g.strides[1] - g.pads[1] + j];
              if (r < 0 || r >= OH || s < 0 || s >= OW) continue;
              const oc = Math.floor(c / (C / g.group)) * perGroup + o;
              y[(oc * OH + r) * OW + s]! += Number(x.data[(c * H + h) * W + v]) * w(c, o, i, j);
            }
  return y;
}

describe('top.Deconv', () => {
  test('stored as [oc, ic, kh, kw]', async () => {
    const [x, w] = [ramp([1, 3, 4, 5]), ramp([2, 3, 3, 2])];
    const g = { ...plain, strides: [2, 2] as const, pads: [1, 0, 1, 0] as const };
    const at = (c: number, o: number, i: number, j: number) => Number(w.data[((o * 3 + c) * 3 + i) * 2 + j]);
    const got = await dataOf({
      type: 'top.Deconv',
      attributes: { kernelShape: [3, 2], ...g },
      inputs: [x, w, null],
      weightsFrom: 1,
    });
    expectClose(got, scatter(x, at, [1, 2, 7, 10], [3, 2], g));
  });

  test('groups are stored (g, oc/g, ic/g, k…); output padding appends', async () => {
    const [x, w] = [ramp([1, 4, 3, 3]), ramp([3, 4, 2, 2])];
    const g = { ...plain, strides: [2, 2] as const, group: 2 };
    // Memory order (group, output in group, input in group): 2 x 3 x 2 matrices of taps.
    const at = (c: number, o: number, i: number, j: number) =>
      Number(w.data[(((Math.floor(c / 2) * 3 + o) * 2 + (c % 2)) * 2 + i) * 2 + j]);
    const attributes = { kernelShape: [2, 2], ...g, outputPadding: [1, 1] };
    const got = await dataOf({ type: 'top.Deconv', attributes, inputs: [x, w, null], weightsFrom: 1 });
    expectClose(got, scatter(x, at, [1, 6, 7, 7], [2, 2], g));
  });
});
