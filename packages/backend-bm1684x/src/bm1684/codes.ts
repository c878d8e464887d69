import { saturate, toInt } from '@q/ir';
import { absMax } from '@q/ir/lowering';

const f = Math.fround;

/** 2^shift · input / output as the interpreter keeps it: an f32 (numerics.md 8). */
export function shiftedScale(rshift: number, inputScale: number, outputScale: number): number {
  return f((2 ** rshift * inputScale) / outputScale);
}

/** Codes of a filter by scale. A search lowers the same layer again and again with a few thresholds in front of and behind it. */
const known = new WeakMap<Float32Array, Map<number, Int8Array>>();
const magnitudes = new WeakMap<Float32Array, number>();

/** The largest magnitude in a filter, which nobody may change. */
export function magnitudeOf(values: Float32Array): number {
  const magnitude = magnitudes.get(values) ?? absMax(values);
  magnitudes.set(values, magnitude);
  return magnitude;
}

/** Scales per filter that are remembered. */
const REMEMBERED = 4;

/**
 * i8 codes of a filter at a scale that multiplies: the product in f32, half away. The same filter and scale may give the same
 * array again: nobody may change it.
 */
export function int8Codes(values: Float32Array, scale: number): Int8Array {
  const ofFilter = known.get(values) ?? new Map<number, Int8Array>();
  known.set(values, ofFilter);
  const codes = ofFilter.get(scale) ?? codesAt(values, scale);
  // The latest comes last, so that the first is the one to forget.
  ofFilter.delete(scale);
  ofFilter.set(scale, codes);
  if (ofFilter.size > REMEMBERED) ofFilter.delete(ofFilter.keys().next().value!);
  return codes;
}

function codesAt(values: Float32Array, scale: number): Int8Array {
  const codes = new Int8Array(values.length);
  for (let i = 0; i < codes.length; i++) codes[i] = int8OfProduct(f(values[i]! * scale));
  return codes;
}

/** `saturate` for an f32, which loses nothing when 0.5 is added in f64. */
function int8OfProduct(product: number): number {
  const magnitude = Math.floor(Math.abs(product) + 0.5);
  if (magnitude <= 127) return product < 0 ? -magnitude : magnitude;
  return saturate(product, 'i8');
}

export function int8Code(value: number, scale: number): number {
  return saturate(f(f(value) * scale), 'i8');
}

/** i16 codes of reals, and the part of them that did not fit. */
export function int16Codes(
  values: ArrayLike<number>,
  scale: number,
): { readonly codes: Int16Array; readonly overflow: number } {
  const factor = f(scale);
  let overflowed = 0;
  const codes = Int16Array.from(values, (value) => {
    const code = toInt(f(f(value) * factor));
    if (code > 32767 || code < -32768) overflowed += 1;
    return saturate(code, 'i16');
  });
  return { codes, overflow: f(overflowed / values.length) };
}

/** Biases of which more than this part overflows make the shift smaller. */
const TOLERATED_OVERFLOW = 0.03;

/**
 * The shift of a sum and its i16 bias codes: the shift shrinks, down to 0, until (nearly) all biases fit
 * (numerics.md 8).
 */
export function fitBias(
  bias: ArrayLike<number>,
  firstShift: number,
  outputScale: number,
): { readonly rshift: number; readonly codes: Int16Array } {
  let rshift = firstShift;
  let quantized = int16Codes(bias, 2 ** rshift / outputScale);
  while (quantized.overflow > TOLERATED_OVERFLOW && rshift > 0) {
    rshift -= 1;
    quantized = int16Codes(bias, 2 ** rshift / outputScale);
  }
  return { rshift, codes: quantized.codes };
}
