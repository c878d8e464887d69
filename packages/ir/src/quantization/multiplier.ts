import { QError } from '../errors.ts';
import { toInt } from './rounding.ts';

/**
 * Deriving the integer pair (multiplier, shift) that stands for a real factor (numerics.md 2.4). These are the only
 * definitions; applying a pair to integers is defined in `@q/kernels-wasm`.
 */
export interface MultiplierShift {
  /** Integer factor. */
  readonly multiplier: number;
  /** Bits of the rounding right shift that follows; negative means a left shift. */
  readonly rshift: number;
}

const FLT_MAX = 3.4028234663852886e38;

function searchShift(scale: number, bits: 8 | 32, firstShift: number): MultiplierShift {
  const narrowed = Math.fround(scale);
  const limit = bits === 32 ? 2 ** 31 - 1 : 127;
  let best = FLT_MAX;
  let found: MultiplierShift | undefined;
  for (let rshift = firstShift; rshift < 31; rshift++) {
    const multiplier = toInt(narrowed * 2 ** rshift);
    if (Math.abs(multiplier) >= limit) continue;
    const error = Math.fround(Math.abs(multiplier / 2 ** rshift - narrowed));
    if (error >= best) continue;
    best = error;
    found = { multiplier, rshift };
  }
  if (!found) {
    throw new QError(`The factor ${scale} has no ${bits}-bit multiplier.`, {
      code: 'quantization.factor-out-of-range',
      found: String(scale),
      expected: bits === 8 ? 'an absolute value below 126.5' : 'a finite number',
      hint: 'the ranges on both sides of this operator differ too much; check their thresholds',
    });
  }
  return found;
}

/**
 * `get_scale_and_shift` (A): the shift in −32…30 with the least error of `multiplier / 2^rshift` against f32(scale);
 * ties keep the smallest. With 8 bits |multiplier| ≤ 126; with 32 bits |multiplier| ≤ 2^24, so it survives an f32.
 */
export function getScaleAndShift(scale: number, bits: 8 | 32): MultiplierShift {
  return searchShift(scale, bits, -32);
}

/**
 * `get_scale_and_shift_positive` (A, shifts 0…30 only).
 *
 * @throws QError `quantization.factor-out-of-range` when |scale| ≥ 126.5 with 8 bits: upstream overflows there.
 */
export function getScaleAndShiftPositive(scale: number, bits: 8 | 32): MultiplierShift {
  return searchShift(scale, bits, 0);
}

/** `rs_mul` (B): the first shift that brings the factor to at least half of `max`, multiplier truncated. */
export function rsMul(scale: number, max = 127): MultiplierShift {
  if (scale > max) return { multiplier: max, rshift: 0 };
  for (let rshift = 0; rshift < 63; rshift++) {
    if (scale * 2 ** (rshift + 1) >= max) return { multiplier: Math.trunc(scale * 2 ** rshift), rshift };
  }
  return { multiplier: 0, rshift: 0 };
}

/** Companion of `rsMul`: the signed 8-bit code of one factor under a shared shift (truncated, two's complement). */
export function mulI8(scale: number, rshift: number): number {
  return (Math.trunc(scale * 2 ** rshift) << 24) >> 24;
}

/** Splits a positive finite number into f in [0.5, 1) and e with value = f · 2^e. */
function frexp(value: number): readonly [number, number] {
  if (value === 0) return [0, 0];
  let exponent = Math.floor(Math.log2(value)) + 1;
  let fraction = value / 2 ** exponent;
  // log2 is not exact next to powers of two.
  while (fraction >= 1) {
    fraction /= 2;
    exponent += 1;
  }
  while (fraction < 0.5) {
    fraction *= 2;
    exponent -= 1;
  }
  return [fraction, exponent];
}

/** `rs_mul_qdm` (C): a 31-bit multiplier; the pair stands for multiplier / 2^31 / 2^rshift. */
export function rsMulQdm(scale: number): MultiplierShift {
  const [fraction, power] = frexp(scale >= 1 ? 0.999999 : scale);
  let multiplier = toInt(fraction * 2 ** 31);
  let exponent = power;
  if (multiplier === 2 ** 31) {
    multiplier /= 2;
    exponent += 1;
  }
  if (exponent < -31) return { multiplier: 0, rshift: 0 };
  if (exponent > 30) return { multiplier: 2 ** 31 - 1, rshift: -30 };
  return { multiplier, rshift: 0 - exponent };
}

/** BM1684 `calRightShiftNum` (D) for 8-bit codes; may be −1. */
export function bm1684RightShift(maximum: number, inputScale: number, outputScale: number): number {
  let factor = (Math.fround(maximum) * inputScale) / outputScale;
  if (!(factor > 0)) return 0;
  let doublings = 0;
  while (factor < 127) {
    factor *= 2;
    doublings += 1;
  }
  return doublings > 32 ? 31 : doublings - 1;
}

/** BM1684 `calRightShiftNumUseCblas` (E) for 8-bit codes; may be negative, at most 31. */
export function bm1684RightShiftByLog(coefficient: number, inputScale: number, outputScale: number): number {
  const factor = (Math.fround(Math.abs(coefficient)) * inputScale) / outputScale;
  return Math.min(Math.floor(Math.log(127 / factor) / Math.log(2)), 31);
}
