import { roundToF16 } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { codes, floats, runLowered } from './lowered.ts';

const relu = { doRelu: false, reluLimit: -1 };

describe('broadcasting', () => {
  /** A matrix, a row and a column of codes; the wholes are 4x6. */
  const matrix = Int8Array.from({ length: 24 }, (_, i) => ((i * 37) % 256) - 128);
  const row = Int8Array.of(-100, 5, 7, 127, 0, -1);
  const column = Int8Array.of(90, -3, 40, -128);
  const given = [
    { type: codes([4, 6], 'i8'), data: matrix },
    { type: codes([6], 'i8'), data: row },
    { type: codes([4, 1], 'i8'), data: column },
  ];
  const clamped = (value: number): number => Math.min(Math.max(value, -128), 127);
  const whole = (f: (x: number, r: number, c: number) => number): number[] =>
    Array.from(matrix, (x, i) => clamped(f(x, row[i % 6]!, column[Math.floor(i / 6)]!)));
  const run = async (type: string, attributes: object, inputs = given): Promise<number[]> =>
    (await runLowered({ type, attributes, inputs, output: codes([4, 6], 'i8') })).result as number[];
  const halfUp = (value: number, shift: number): number => Math.floor(value / 2 ** shift + 0.5);

  it('adds any number of operands, with any multipliers', async () => {
    const three = { multipliers: [3, 5, 7], rshifts: [2, 3, 4], ...relu };
    const sum = whole((x, r, c) => halfUp(3 * x, 2) + halfUp(5 * r, 3) + halfUp(7 * c, 4));
    expect(await run('tpu.Add', three)).toEqual(sum);
    const two = { multipliers: [70000, 5], rshifts: [18, 3], ...relu };
    const large = whole((x, r) => halfUp(70000 * x, 18) + halfUp(5 * r, 3));
    expect(await run('tpu.Add', two, given.slice(0, 2))).toEqual(large);
  });

  it('subtracts either way', async () => {
    const attributes = { multipliers: [3, 5], rshifts: [2, 3], isReverse: true, ...relu };
    const difference = whole((x, r) => halfUp(5 * r, 3) - halfUp(3 * x, 2));
    expect(await run('tpu.Sub', attributes, given.slice(0, 2))).toEqual(difference);
  });

  it('multiplies by large multipliers', async () => {
    const attributes = { multiplier: 123457, rshift: 24, quantMode: 'MultiplierShift', ...relu };
    const product = whole((x, r) => halfUp(x * r * 123457, 24));
    expect(await run('tpu.Mul', attributes, given.slice(0, 2))).toEqual(product);
  });

  it('chooses and compares', async () => {
    expect(await run('tpu.Max', relu)).toEqual(whole(Math.max));
    expect(await run('tpu.Min', relu, given.slice(0, 2))).toEqual(whole((x, r) => Math.min(x, r)));
    const greater = whole((x, r) => Number(x > r));
    expect(await run('tpu.Compare', { mode: 'Greater' }, given.slice(0, 2))).toEqual(greater);
  });

  it('selects by codes and by floats', async () => {
    const [x, r, c] = given as [(typeof given)[0], (typeof given)[0], (typeof given)[0]];
    const none = { xIsConst: false, yIsConst: false, xConstVal: 0, yConstVal: 0 };
    const constant = { ...none, yIsConst: true, yConstVal: -7 };
    expect(await run('tpu.Where', none, [r, x, c])).toEqual(whole((m, row, col) => (row !== 0 ? m : col)));
    const flags = { type: floats([4, 1]), data: Float32Array.of(0, -0.5, 1e-30, -0) };
    const expected = Array.from(matrix, (m, i) => (flags.data[Math.floor(i / 6)] !== 0 ? m : -7));
    const { result } = await runLowered({
      type: 'tpu.Where',
      attributes: constant,
      inputs: [flags, x, null],
      output: codes([4, 6], 'i8'),
    });
    expect(result).toEqual(expected);
  });

  it('gives one answer with and without broadcasting', async () => {
    const long = Int8Array.from({ length: 1200 }, (_, i) => ((i * 37) % 256) - 128);
    const mul = { multiplier: 81, rshift: 13, quantMode: 'MultiplierShift', ...relu };
    const pair = Int8Array.of(77, -50);
    const spread = Int8Array.from({ length: 1200 }, (_, i) => pair[Math.floor(i / 600)]!);
    const mixed = async (b: Int8Array, shape: readonly number[], type: string, attributes: object) =>
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
    expect(await mixed(pair, [2, 1], 'tpu.Mul', mul)).toEqual(await mixed(spread, [1, 2, 600], 'tpu.Mul', mul));
    const add = { multipliers: [85, 107], rshifts: [8, 7], ...relu };
    expect(await mixed(pair, [2, 1], 'tpu.Add', add)).toEqual(await mixed(spread, [1, 2, 600], 'tpu.Add', add));
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
