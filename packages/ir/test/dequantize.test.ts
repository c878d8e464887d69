import { expect, it } from 'vitest';
import { dequantize } from '../src/index.ts';

it('turns stored integers into reals per tensor and per axis, and copies floats', () => {
  const uniform = { kind: 'uniform', expressed: 'f32', scale: 0.5, zeroPoint: -3 } as const;
  expect([...dequantize(Int8Array.of(-128, -3, 1), { shape: [3], dtype: 'i8', quantization: uniform })]).toEqual([
    -62.5, 0, 2,
  ]);
  const perAxis = { kind: 'uniformPerAxis', expressed: 'f32', axis: 1, scales: [1, 0.25], zeroPoints: [0, 2] } as const;
  const codes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  expect([...dequantize(codes, { shape: [2, 2, 2], dtype: 'u8', quantization: perAxis })]).toEqual([
    1, 2, 0.25, 0.5, 5, 6, 1.25, 1.5,
  ]);
  expect([...dequantize(Float32Array.of(0.1), { shape: [1], dtype: 'f32' })]).toEqual([Math.fround(0.1)]);
});

it('multiplies by the scale narrowed to f32', () => {
  // numerics.md 6.2: S = 2.5/127, q = 50 gives 0.9842519760131836.
  const quantization = { kind: 'uniform', expressed: 'f32', scale: 2.5 / 127, zeroPoint: 0 } as const;
  expect(dequantize(Int8Array.of(1, 50, -128), { shape: [3], dtype: 'i8', quantization })).toEqual(
    Float32Array.of(0.019685039296746254, 0.9842519760131836, -2.5196850299835205),
  );
});
