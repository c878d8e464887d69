import { roundToF16 } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { planWalk } from '../../src/quantized/broadcast.ts';
import { codes, floats, runLowered } from './lowered.ts';

const relu = { doRelu: false, reluLimit: -1 };

describe('broadcasting', () => {
  it.each([
    [
      [
        [2, 3, 4],
        [2, 3, 4],
      ],
      [2, 3, 4],
    ],
    [
      [
        [2, 3, 4],
        [3, 1],
      ],
      [2, 3, 4],
    ],
    [
      [
        [1, 3, 1, 1],
        [2, 1, 4, 5],
      ],
      [2, 3, 4, 5],
    ],
    [
      [[1], [2, 2]],
      [2, 2],
    ],
    [
      [
        [1, 1],
        [1, 1],
      ],
      [1, 1],
    ],
    [
      [[4], [3, 4], [2, 1, 1]],
      [2, 3, 4],
    ],
  ])('%j to %j reads what NumPy reads', (shapes, target) => {
    const walk = planWalk(shapes, target);
    const total = target.reduce((product, dim) => product * dim, 1);
    const found = shapes.map(() => new Array<number>(total));
    walk.each((at, offsets) => {
      for (let i = 0; i < walk.count; i++)
        shapes.forEach((_, k) => {
          found[k]![at + i] = offsets[k]! + i * walk.steps[k]!;
        });
    });
    shapes.forEach((shape, k) => {
      const expected = Array.from({ length: total }, (_, flat) => {
        let rest = flat;
        let [offset, stride] = [0, 1];
        for (let axis = target.length - 1; axis >= 0; axis--) {
          const at = rest % target[axis]!;
          rest = Math.floor(rest / target[axis]!);
          const own = axis - target.length + shape.length;
          if (own < 0) continue;
          if (shape[own] !== 1) offset += at * stride;
          stride *= shape[own]!;
        }
        return offset;
      });
      expect(found[k]).toEqual(expected);
    });
  });

  it('gives one answer through tables, kernels and loops', async () => {
    const long = Int8Array.from({ length: 1200 }, (_, i) => ((i * 37) % 256) - 128);
    const mul = { multiplier: 81, rshift: 13, quantMode: 'MultiplierShift', ...relu };
    const pair = Int8Array.of(77, -50);
    const spread = Int8Array.from({ length: 1200 }, (_, i) => pair[Math.floor(i / 600)]!);
    const run = async (b: Int8Array, shape: readonly number[], type: string, attributes: object) =>
      (
        await runLowered({
          type,
          attributes,
          inputs: [
            { type: codes([1, 2, 600], 'i8'), data: long },
            { type: codes(shape, 'i8'), data: b },
          ],
          output: codes([1, 2, 600], 'i8'),
        })
      ).result;
    expect(await run(pair, [2, 1], 'tpu.Mul', mul)).toEqual(await run(spread, [1, 2, 600], 'tpu.Mul', mul));
    const add = { multipliers: [85, 107], rshifts: [8, 7], ...relu };
    expect(await run(pair, [2, 1], 'tpu.Add', add)).toEqual(await run(spread, [1, 2, 600], 'tpu.Add', add));
  });
});

describe('sums', () => {
  it('round each operand before they subtract', async () => {
    const { result } = await runLowered({
      type: 'tpu.Sub',
      attributes: { multipliers: [1, 1], rshifts: [1, 1], isReverse: false, ...relu },
      inputs: [
        { type: codes([1, 2], 'i8'), data: Int8Array.of(4, 4) },
        { type: codes([1, 2], 'i8'), data: Int8Array.of(3, -3) },
      ],
      output: codes([1, 2], 'i8'),
    });
    // 2 − half-up(1.5) and 2 − half-up(−1.5).
    expect(result).toEqual([0, 3]);
  });
});

describe('functions of one code', () => {
  it('PRelu has a slope per channel (numerics.md 7.6)', async () => {
    const { result } = await runLowered({
      type: 'tpu.PReluOp',
      attributes: { rshift: 8 },
      inputs: [
        { type: codes([1, 3, 2], 'i8'), data: Int8Array.of(-100, 100, -100, 5, -100, 0) },
        { type: { shape: [1, 3, 1], dtype: 'i8' }, data: Int8Array.of(64, -25, 8), weight: true },
      ],
      output: codes([1, 3, 2], 'i8'),
    });
    expect(result).toEqual([-25, 100, 10, 5, -3, 0]);
  });
  it('a table may hold floats', async () => {
    const table = Float32Array.from({ length: 256 }, (_, index) => index / 2);
    const { result } = await runLowered({
      type: 'tpu.Lut',
      inputs: [
        { type: codes([3], 'i8'), data: Int8Array.of(0, 127, -1) },
        { type: floats([256]), data: table, weight: true },
      ],
      output: floats([3]),
    });
    expect(result).toEqual([0, 63.5, 127.5]);
  });
});

describe('a Relu fused into an operator that moves codes', () => {
  const x = { type: codes([1, 1, 1, 4], 'i8'), data: Int8Array.of(-5, 7, -9, -2) };
  const fused = { doRelu: true, reluLimit: -1 };
  const window = {
    kernelShape: [1, 2],
    strides: [1, 2],
    pads: [0, 0, 0, 0],
    poolMode: 'Max',
    isAdaptive: false,
    countIncludePad: false,
    padValue: 0,
  };
  it.each([
    ['tpu.Pool2D', { ...window, ...fused }, [1, 1, 1, 2], [7, 0]],
    ['tpu.Upsample', { scaleH: 1, scaleW: 1, ...fused }, [1, 1, 1, 4], [0, 7, 0, 0]],
    ['tpu.Concat', { axis: 1, onlyMerge: false, ...fused }, [1, 1, 1, 4], [0, 7, 0, 0]],
  ] as const)('%s', async (type, attributes, shape, expected) => {
    const { result } = await runLowered({ type, attributes, inputs: [x], output: codes(shape, 'i8') });
    expect(result).toEqual(expected);
  });
});

describe('16-bit operators', () => {
  const half = (values: readonly number[], shape: readonly number[]) => ({
    type: floats(shape, 'f16'),
    data: Float32Array.from(values, roundToF16),
  });
  it('round their result once', async () => {
    const { result } = await runLowered({
      type: 'tpu.Add',
      attributes: relu,
      inputs: [half([2048, 0.1], [1, 2]), half([1, 0.2], [1, 2])],
      output: floats([1, 2], 'f16'),
    });
    expect(result).toEqual([2048, roundToF16(roundToF16(0.1) + roundToF16(0.2))]);
  });
  it('multiply a mean by the rounded 1/n', async () => {
    const { result } = await runLowered({
      type: 'tpu.Reduce',
      attributes: { axes: [1], keepdims: true, mode: 'ReduceMean' },
      inputs: [half([100, 100, 100], [1, 3])],
      output: floats([1, 1], 'f16'),
    });
    expect(result).toEqual([roundToF16(300 * roundToF16(1 / 3))]);
  });
  it('do not round a layer norm', async () => {
    const { result } = await runLowered({
      type: 'tpu.LayerNorm',
      attributes: { normalizedShape: [3], axis: 1, eps: 1e-5 },
      inputs: [half([1, 2, 4], [1, 3]), null, null],
      output: floats([1, 3], 'f16'),
    });
    expect(result.some((value) => roundToF16(value) !== value)).toBe(true);
  });
  it('round the limits of a clip, and nothing else', async () => {
    const { result } = await runLowered({
      type: 'tpu.Clip',
      attributes: { min: -0.1, max: 0.1 },
      inputs: [{ type: floats([2], 'f16'), data: Float32Array.of(5, 0.0123456) }],
      output: floats([2], 'f16'),
    });
    expect(result).toEqual([roundToF16(0.1), Math.fround(0.0123456)]);
  });
});

describe('accumulators', () => {
  const convolution = (channels: number) =>
    runLowered({
      type: 'tpu.Conv2D',
      attributes: {
        kernelShape: [1, 1],
        strides: [1, 1],
        pads: [0, 0, 0, 0],
        dilations: [1, 1],
        group: 1,
        withBias: false,
        multiplier: [1],
        rshift: [20],
        quantMode: 'MultiplierShift',
        ...relu,
      },
      inputs: [
        { type: codes([1, channels, 1, 1], 'u8'), data: new Uint8Array(channels).fill(255) },
        { type: { shape: [1, channels, 1, 1], dtype: 'u8' }, data: new Uint8Array(channels).fill(255), weight: true },
        null,
      ],
      output: codes([1, 1, 1, 1], 'u8'),
    });
  it('beyond 2^24 are reported', async () => {
    expect(await convolution(258)).toEqual({ result: [16], accumulators: [], warnings: [] });
    expect(await convolution(259)).toMatchObject({
      accumulators: [['y', 259 * 255 * 255]],
      warnings: ['runtime.accumulator.inexact'],
    });
  });
});

it('refuses an unknown mode by name', async () => {
  const request = {
    type: 'tpu.Active',
    attributes: { mode: 'IS_FINITE' },
    inputs: [{ type: floats([1]), data: Float32Array.of(1) }],
    output: floats([1]),
  };
  await expect(runLowered(request)).rejects.toMatchObject({ code: 'runtime.attribute.unsupported', where: 'y' });
});
