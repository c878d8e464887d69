import { describe, expect, it } from 'vitest';
import { codes, floats, runLowered } from './lowered.ts';

describe('8-bit codes that become 4-bit ones (numerics.md 13)', () => {
  const S8 = 2 / 127;
  it.each([
    ['th 2 over (2, -16/7, 2)', 'i4', S8, 2 / 7, 0, [100, -100, 9, 10], [6, -6, 0, 1]],
    ['th 2 over (2, -2, 2)', 'i4', S8, 4 / 15, -1, [100, -100, 10, 0, -128], [5, -7, 0, -1, -8]],
    ['th 2.5 unsigned', 'u4', 2.5 / 255, 2.5 / 15, 0, [8, 9, 100, 255], [0, 1, 6, 15]],
  ] as const)('%s', async (_label, dtype, scale8, scale4, zero, input, expected) => {
    const isSigned = dtype === 'i4';
    const { result } = await runLowered({
      type: 'tpu.RequantFp',
      attributes: { scale: scale8 / scale4, offset: zero },
      inputs: [
        {
          type: codes([input.length], isSigned ? 'i8' : 'u8', scale8),
          data: isSigned ? Int8Array.from(input) : Uint8Array.from(input),
        },
      ],
      output: codes([input.length], dtype, scale4, zero),
    });
    expect(result).toEqual(expected);
  });
});

describe('averages with zero points (numerics.md 7.5)', () => {
  const window = { kernelShape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0], padValue: 0, isAdaptive: false };
  it('have a real factor and offset', async () => {
    const { result } = await runLowered({
      type: 'tpu.Pool2D',
      attributes: {
        ...window,
        poolMode: 'Avg',
        countIncludePad: true,
        doRelu: false,
        reluLimit: -1,
        scale: 0.2,
        offset: -7.5,
      },
      inputs: [{ type: codes([1, 1, 2, 4], 'i8', 1, 3), data: Int8Array.of(10, 20, -30, -40, 30, 41, -50, -128) }],
      output: codes([1, 1, 1, 2], 'i8', 1, -9),
    });
    // 101 · 0.2 − 7.5 = 12.7 and −248 · 0.2 − 7.5 = −57.1
    expect(result).toEqual([13, -57]);
  });
});

describe('sums and products of symmetric networks', () => {
  const request = {
    type: 'tpu.Add',
    attributes: { multipliers: [1, 1], rshifts: [0, 0], doRelu: false, reluLimit: -1 },
    inputs: [
      { type: codes([4], 'i8', 1, 10), data: Int8Array.of(1, 2, 3, 4) },
      { type: codes([4], 'i8', 1, -20), data: Int8Array.of(5, 6, 7, 8) },
    ],
    output: codes([4], 'i8', 1, 3),
  } as const;
  it('leave zero points out, asymmetric ones do not', async () => {
    expect((await runLowered({ ...request, asymmetric: false })).result).toEqual([6, 8, 10, 12]);
    expect((await runLowered({ ...request, asymmetric: true })).result).toEqual([19, 21, 23, 25]);
    const product = {
      ...request,
      type: 'tpu.Mul',
      attributes: { multiplier: 1, rshift: 2, quantMode: 'MultiplierShift' },
    };
    expect((await runLowered({ ...product, asymmetric: false })).result).toEqual([1, 3, 5, 8]);
  });
});

describe('three dimensions', () => {
  const window = { kernelShape: [2, 1, 1], strides: [1, 1, 1], pads: [0, 0, 0, 0, 0, 0] };
  const x = { type: codes([1, 1, 3, 1, 2], 'i8', 1, 2), data: Int8Array.of(1, -2, 3, 4, -5, 6) };
  it('convolution: i32 sums, padding reads the zero point', async () => {
    const { result } = await runLowered({
      type: 'tpu.Conv3D',
      attributes: {
        ...window,
        pads: [1, 0, 0, 0, 0, 0],
        dilations: [1, 1, 1],
        group: 1,
        withBias: true,
        doRelu: false,
        reluLimit: -1,
      },
      inputs: [
        x,
        { type: { shape: [1, 1, 2, 1, 1], dtype: 'i8' }, data: Int8Array.of(3, -1), weight: true },
        { type: { shape: [1, 1, 1, 1, 1], dtype: 'i32' }, data: Int32Array.of(100), weight: true },
      ],
      output: { shape: [1, 1, 3, 1, 2], dtype: 'i32' },
    });
    expect(result).toEqual([105, 108, 100, 90, 114, 106]);
  });
  it('maximum and average', async () => {
    const pool = { ...window, padValue: 0, isAdaptive: false, countIncludePad: true, doRelu: false, reluLimit: -1 };
    const output = codes([1, 1, 2, 1, 2], 'i8', 1, 2);
    const largest = await runLowered({
      type: 'tpu.Pool3D',
      attributes: { ...pool, poolMode: 'Max' },
      inputs: [x],
      output,
    });
    expect(largest.result).toEqual([3, 4, 3, 6]);
    const average = { ...pool, poolMode: 'Avg', scale: 0.5, offset: 0.25 };
    expect((await runLowered({ type: 'tpu.Pool3D', attributes: average, inputs: [x], output })).result).toEqual([
      2, 1, -1, 5,
    ]);
  });
});

describe('a transposed convolution of codes with a zero point', () => {
  it('counts it for every weight, as the bias expects', async () => {
    const { result } = await runLowered({
      type: 'tpu.Deconv',
      attributes: {
        kernelShape: [1, 2],
        strides: [1, 2],
        pads: [0, 0, 0, 0],
        dilations: [1, 1],
        group: 1,
        withBias: true,
        doRelu: false,
        reluLimit: -1,
      },
      inputs: [
        { type: codes([1, 1, 1, 2], 'i8', 1, 5), data: Int8Array.of(7, 5) },
        { type: { shape: [1, 1, 1, 2], dtype: 'i8' }, data: Int8Array.of(2, 3), weight: true },
        // −5 · (2 + 3): what the lowering takes off.
        { type: { shape: [1, 1, 1, 1], dtype: 'i32' }, data: Int32Array.of(-25), weight: true },
      ],
      output: { shape: [1, 1, 1, 4], dtype: 'i32' },
    });
    // (7 − 5) · 2, (7 − 5) · 3, and nothing where the operand is its zero point.
    expect(result).toEqual([4, 6, 0, 0]);
  });
});

describe('integer weights of a float product (numerics.md 13)', () => {
  const product = { wTranspose: true, sign: true };
  const x = { type: floats([1, 4], 'f16'), data: Float32Array.of(1, 2, 3, 4) };
  it('8 bits: scaled back and rounded to the 16-bit type', async () => {
    const { result } = await runLowered({
      type: 'tpu.A16MatMul',
      attributes: { ...product, weightBits: 8, qGroupSize: 0 },
      inputs: [
        x,
        { type: { shape: [1, 4], dtype: 'i8' }, data: Int8Array.of(127, -1, 0, 5), weight: true },
        { type: { shape: [1, 1], dtype: 'f16' }, data: Uint16Array.of(0x3c00), weight: true },
        null,
        { type: { shape: [1], dtype: 'f16' }, data: Uint16Array.of(0x4000), weight: true },
      ],
      output: floats([1, 1], 'f16'),
    });
    expect(result).toEqual([127 - 2 + 20 + 2]);
  });
  it('4 bits: the even column in the low nibble, a zero point per group', async () => {
    const { result } = await runLowered({
      type: 'tpu.A16MatMul',
      attributes: { ...product, weightBits: 4, qGroupSize: 2 },
      inputs: [
        x,
        { type: { shape: [1, 2], dtype: 'u8' }, data: Uint8Array.of(0x3f, 0x80), weight: true },
        { type: { shape: [1, 2], dtype: 'f16' }, data: Uint16Array.of(0x3c00, 0x4000), weight: true },
        { type: { shape: [1, 2], dtype: 'u8' }, data: Uint8Array.of(6, 8), weight: true },
        null,
      ],
      output: floats([1, 1], 'f16'),
    });
    // (15 − 6) · 1 + (3 − 6) · 2 + (0 − 8) · 2 · 3 + (8 − 8) · 2 · 4
    expect(result).toEqual([9 - 6 - 48]);
  });
});

describe('sums beyond 2^24', () => {
  it('are told', async () => {
    const length = 1100;
    const { warnings, accumulators } = await runLowered({
      type: 'tpu.MatMul',
      attributes: {
        multipliers: [1],
        rshifts: [20],
        keepDims: true,
        doRelu: false,
        reluLimit: -1,
        quantMode: 'MultiplierShift',
      },
      inputs: [
        { type: codes([1, length], 'i8'), data: new Int8Array(length).fill(-128) },
        { type: { shape: [length, 1], dtype: 'i8' }, data: new Int8Array(length).fill(-128), weight: true },
        null,
        null,
        null,
      ],
      output: codes([1, 1], 'i8'),
    });
    expect(warnings).toEqual(['runtime.accumulator.inexact']);
    expect(accumulators).toEqual([['y', length * 128 * 128]]);
  });
});
