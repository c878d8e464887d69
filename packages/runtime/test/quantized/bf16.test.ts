import { roundToBf16, roundToF16 } from '@q/ir';
import { exp } from '@q/kernels-wasm/scalar';
import { describe, expect, it } from 'vitest';
import { floats, runLowered } from './lowered.ts';

const data = Float32Array.of(1.5, -2.25, 3.125, 0.3125, 7.75, -0.0625, 0.0078125, 4);
const x = (dtype: 'f16' | 'bf16' | 'f32') => ({ type: floats([2, 4], dtype), data });
const f = Math.fround;

describe('layer normalization (numerics.md 10, 11)', () => {
  const attributes = { normalizedShape: [], axis: 1, eps: 1e-5 };
  it('rounds every step to bfloat16', async () => {
    const r = roundToBf16;
    const { result } = await runLowered({
      type: 'tpu.LayerNorm',
      attributes,
      inputs: [x('bf16')],
      output: floats([2, 4], 'bf16'),
    });
    const expected = [data.subarray(0, 4), data.subarray(4)].flatMap((row) => {
      const mean = r(row.reduce((sum, v) => f(sum + f(v * 0.25)), 0));
      const variance = row.reduce((sum, v) => f(sum + r(f(r(f(r(f(v - mean)) * r(f(v - mean)))) * 0.25))), 0);
      const inverse = r(1 / r(Math.sqrt(r(f(r(variance) + r(1e-5))))));
      return Array.from(row, (v) => r(f(r(f(v - mean)) * inverse)));
    });
    expect(result).toEqual(expected);
  });
  it('rounds nothing in F16', async () => {
    const { result } = await runLowered({
      type: 'tpu.LayerNorm',
      attributes,
      inputs: [x('f16')],
      output: floats([2, 4], 'f16'),
    });
    expect(result.some((value) => value !== roundToF16(value))).toBe(true);
    // Mean 0.671875, variance of the first row 3.7…: close to the real numbers.
    const row = Array.from(data.subarray(0, 4));
    const mean = row.reduce((sum, v) => sum + v, 0) / 4;
    const deviation = Math.sqrt(row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 4 + 1e-5);
    row.forEach((v, i) => {
      expect(result[i]).toBeCloseTo((v - mean) / deviation, 5);
    });
  });
});

describe('reductions and functions', () => {
  it.each([
    ['f16', roundToF16],
    ['bf16', roundToBf16],
  ] as const)('a mean multiplies with the 1/n of %s', async (dtype, round) => {
    const values = Float32Array.of(1, 2, 4);
    const { result } = await runLowered({
      type: 'tpu.Reduce',
      attributes: { axes: [1], keepdims: true, mode: 'ReduceMean' },
      inputs: [{ type: floats([1, 3], dtype), data: values }, null, null],
      output: floats([1, 1], dtype),
    });
    expect(result).toEqual([round(f(7 * round(1 / 3)))]);
  });
  it.each([
    ['SIGMOID', undefined, (v: number) => 1 / (1 + Math.exp(-v))],
    ['SILU', undefined, (v: number) => v / (1 + Math.exp(-v))],
    ['ELU', [0.5], (v: number) => (v > 0 ? v : 0.5 * (Math.exp(v) - 1))],
    ['SIGN', undefined, (v: number) => (v < 0 ? -1 : 1)],
  ] as const)('%s in f64, narrowed to f32, rounded once', async (mode, coeffs, definition) => {
    const values = Float32Array.from({ length: 64 }, (_, i) => (i - 32) / 5);
    for (const [dtype, round] of [
      ['f32', f],
      ['f16', roundToF16],
      ['bf16', roundToBf16],
    ] as const) {
      const { result } = await runLowered({
        type: 'tpu.Active',
        attributes: { mode, ...(coeffs === undefined ? {} : { coeffs }) },
        inputs: [{ type: floats([64], dtype), data: values }],
        output: floats([64], dtype),
      });
      expect(result, dtype).toEqual(Array.from(values, (v) => round(f(definition(v)))));
    }
  });
  it('clips at limits of the type', async () => {
    const { result } = await runLowered({
      type: 'tpu.Clip',
      attributes: { min: -0.1, max: 0.1 },
      inputs: [{ type: floats([2], 'bf16'), data: Float32Array.of(-5, 5) }],
      output: floats([2], 'bf16'),
    });
    expect(result).toEqual([roundToBf16(-0.1), roundToBf16(0.1)]);
  });
  it('adds up a softmax in order', async () => {
    const values = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i) * 3);
    const { result } = await runLowered({
      type: 'tpu.Softmax',
      attributes: { axis: 1, log: false, beta: 1 },
      inputs: [{ type: floats([1, 40]), data: values }, null, null, null, null, null],
      output: floats([1, 40]),
    });
    const largest = Math.max(...values);
    const powers = Array.from(values, (v) => exp(f(v - largest)));
    const sum = powers.reduce((total, power) => f(total + power), 0);
    expect(result).toEqual(powers.map((power) => f(power / sum)));
  });
});
