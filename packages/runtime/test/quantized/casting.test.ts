import { f32FromBf16Bits, roundToBf16, roundToF16, type TensorType } from '@q/ir';
import { roundBf16, roundF16 } from '@q/kernels-wasm';
import { describe, expect, it } from 'vitest';
import { codes, floats, runLowered } from './lowered.ts';

const S = 2.5 / 127;

/** numerics.md 6.2, vectors: x, BM f32, BM f16-expressed, CV18xx cast, CV18xx input quantization. */
const VECTORS = [
  [1.0, 51, 51, 51, 51],
  [0.0098425, 0, 1, 0, 0],
  [0.00984252, 1, 1, 0, 1],
  [-0.5, -25, -25, -25, -25],
  [3.0, 127, 127, 127, 127],
  [-3.0, -128, -128, -128, -128],
] as const;
const x = Float32Array.from(VECTORS, ([value]) => value);
const shape = [VECTORS.length];
const cast = { withScale: true, roundMode: 'HalfAwayFromZero' };

describe('quantizing casts (numerics.md 6.2)', () => {
  it('with an f32 scale', async () => {
    const { result } = await runLowered({
      type: 'tpu.Cast',
      attributes: cast,
      inputs: [{ type: floats(shape), data: x }],
      output: codes(shape, 'i8', S),
    });
    expect(result).toEqual(VECTORS.map((row) => row[1]));
  });
  it('with a binary16 scale', async () => {
    const { result } = await runLowered({
      type: 'tpu.Cast',
      attributes: cast,
      inputs: [{ type: floats(shape, 'f16'), data: x }],
      output: codes(shape, 'i8', S, 0, 'f16'),
    });
    expect(result).toEqual(VECTORS.map((row) => row[2]));
  });
  it.each([
    // A bfloat16 operand is rounded before the product, an f32 one is not.
    ['bf16', [51, 0, 0, -25, 127, -128]],
    ['f32', [51, 1, 1, -25, 127, -128]],
  ] as const)('with a bfloat16 scale, from %s', async (dtype, expected) => {
    const { result } = await runLowered({
      type: 'tpu.Cast',
      attributes: cast,
      inputs: [{ type: floats(shape, dtype), data: x }],
      output: codes(shape, 'i8', S, 0, 'bf16'),
    });
    expect(result).toEqual(expected);
  });
  it('to four bits, and with zero points', async () => {
    const data = Float32Array.of(-9, -1, 0, 0.49, 0.5, 6, 9);
    const request = { type: 'tpu.Cast', attributes: cast, inputs: [{ type: floats([7]), data }] } as const;
    const found = async (output: TensorType) => (await runLowered({ ...request, output })).result;
    expect(await found(codes([7], 'i4', 1))).toEqual([-8, -1, 0, 0, 1, 6, 7]);
    expect(await found(codes([7], 'u4', 0.5))).toEqual([0, 0, 0, 1, 1, 12, 15]);
    expect(await found(codes([7], 'i8', 0.5, -120))).toEqual([-128, -122, -120, -119, -119, -108, -102]);
  });
  it('copies codes that become narrower without a scale', async () => {
    const { result } = await runLowered({
      type: 'tpu.Cast',
      attributes: cast,
      inputs: [{ type: codes([3], 'u8', S), data: Uint8Array.of(3, 58, 200) }],
      output: { shape: [3], dtype: 'u4' },
    });
    expect(result).toEqual([3, 58, 200]);
  });
  it('of a CV18xx', async () => {
    const request = {
      inputs: [{ type: floats(shape), data: x }],
      output: codes(shape, 'i8', S),
      chip: 'cv183x',
    } as const;
    expect((await runLowered({ ...request, type: 'tpu.Cast', attributes: cast })).result).toEqual(
      VECTORS.map((row) => row[3]),
    );
    const quant = await runLowered({ ...request, type: 'tpu.GenericCpu', attributes: { cpuOpName: 'quant' } });
    expect(quant.result).toEqual(VECTORS.map((row) => row[4]));
  });
});

describe('dequantizing casts (numerics.md 6.2)', () => {
  const q = { type: codes([3], 'i8', S), data: Int8Array.of(1, 50, -128) };
  it.each([
    ['bm1684x', 'f32', [0.019685039296746254, 0.9842519760131836, -2.5196850299835205]],
    ['bm1684x', 'f16', [0.019683837890625, 0.984375, -2.51953125]],
    ['bm1684x', 'bf16', [0.0196533203125, 0.984375, -2.515625]],
    ['cv183x', 'bf16', [0.0196533203125, 0.984375, -2.515625]],
  ] as const)('%s to %s', async (chip, dtype, expected) => {
    const { result } = await runLowered({
      type: 'tpu.Cast',
      attributes: cast,
      inputs: [q],
      output: floats([3], dtype),
      chip,
    });
    expect(result).toEqual(expected);
  });
});

describe('casts between float types', () => {
  const data = Float32Array.of(0.1, 1.01171875, 65520);
  it.each([
    ['bm1684x', 'f16', [roundToF16(0.1), 1.01171875, Infinity]],
    ['bm1684x', 'bf16', [roundToBf16(0.1), 1.015625, 65536]],
    ['cv183x', 'bf16', [f32FromBf16Bits(0x3dcc), 1.0078125, 65280]],
  ] as const)('%s to %s', async (chip, dtype, expected) => {
    const { result } = await runLowered({
      type: 'tpu.Cast',
      attributes: cast,
      inputs: [{ type: floats([3]), data }],
      output: floats([3], dtype),
      chip,
    });
    expect(result).toEqual(expected);
  });
});

describe('the 16-bit roundings of @q/kernels-wasm', () => {
  it('are those of @q/ir on every upper half and every rounding boundary', () => {
    const word = new DataView(new ArrayBuffer(4));
    for (let upper = 0; upper < 0x10000; upper++) {
      for (const lower of [0, 1, 0x0fff, 0x1000, 0x1001, 0x7fff, 0x8000, 0x8001]) {
        word.setUint32(0, upper * 0x10000 + lower);
        const value = word.getFloat32(0);
        if (Number.isNaN(value)) continue;
        if (!Object.is(roundF16(value), roundToF16(value)) || !Object.is(roundBf16(value), roundToBf16(value))) {
          expect.fail(
            `${value}: ${roundF16(value)} and ${roundToF16(value)}, ${roundBf16(value)} and ${roundToBf16(value)}`,
          );
        }
      }
    }
  });
});

describe('requantization', () => {
  const sums = {
    type: { shape: [1, 2, 1, 4], dtype: 'i32' } as const,
    data: Int32Array.of(-1, -3, 1, 3, -127, 127, 1000, -1000),
  };
  const expected = [-1, -2, 1, 2, -64, 64, 127, -128];
  it.each([
    [3, [1, -1, 0, 1, -1, 0]],
    [2, [1, 0xffff, 1, 0xffff]],
  ])('per channel, %i columns, rounds half away', async (columns, data) => {
    const quant = {
      type: { shape: [1, 2, 1, columns], dtype: 'i32' } as const,
      data: Int32Array.from(data),
      weight: true,
    };
    const { result } = await runLowered({
      type: 'tpu.RequantIntAxis',
      attributes: { quantMode: 'MultiplierShift', roundMode: 'HalfAwayFromZero', rqAxis: 1, fuseRqAxis: false },
      inputs: [sums, quant],
      output: codes([1, 2, 1, 4], 'i8'),
    });
    expect(result).toEqual(expected);
  });
  it('per tensor adds the zero point and leaves vectors alone', async () => {
    const request = (shape: readonly number[]) => ({
      type: 'tpu.RequantInt',
      attributes: { multiplier: 85, rshift: 7, quantMode: 'MultiplierShift', roundMode: 'HalfAwayFromZero' },
      inputs: [{ type: codes(shape, 'i8', 1, 2), data: Int8Array.of(5, -1, 102, 127) }],
      output: codes(shape, 'i8', 1, -10),
    });
    expect((await runLowered(request([1, 4]))).result).toEqual([-8, -12, 56, 73]);
    expect((await runLowered(request([4]))).result).toEqual([5, -1, 102, 127]);
  });
});
