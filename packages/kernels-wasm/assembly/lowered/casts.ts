// Casts between floats and integers that are too rare for a vector form: 16-bit codes, bfloat16 scales, every rounding
// (numerics.md 2.1, 6.2). Definition: src/scalar/lowered-casts.ts.

import { cvMultiply } from '../cv18xx/bf16';
import { bf16, roundF16 } from '../f16/index';
import { CastFloat, CastRounding } from '../op-codes';

const INT64: f64 = 9223372036854775808.0;

@inline
function f16(v: f32): f32 {
  return f32x4.extract_lane(roundF16(f32x4.splat(v)), 0);
}

@inline
function narrow(v: f32, float: i32): f32 {
  return float == CastFloat.f16 ? f16(v) : float == CastFloat.bf16 ? bf16(v) : v;
}

function round(v: f64, mode: i32): f64 {
  switch (mode) {
    case CastRounding.halfAway: {
      const whole = trunc(v);
      return abs(v - whole) >= 0.5 ? whole + copysign<f64>(1, v) : whole;
    }
    case CastRounding.halfUp: return floor(v + 0.5);
    case CastRounding.halfDown: return ceil(v - 0.5);
    case CastRounding.halfEven: return nearest(v);
    case CastRounding.towardsZero: return trunc(v);
    case CastRounding.up: return ceil(v);
    case CastRounding.down: return floor(v);
    default: unreachable();
  }
  return v;
}

@inline
function storeInteger(y: usize, value: f64, size: i32): void {
  const whole = <i32><i64>value;
  if (size == 1) store<u8>(y, <u8>whole);
  else if (size == 2) store<u16>(y, <u16>whole);
  else store<i32>(y, whole);
}

/**
 * Integers of `size` bytes of n float32: clamp(round(narrow(read(x)*inverse)) + zero). What no int64 holds becomes -2^63;
 * with wider limits than the type, values wrap.
 */
export function lowered_quantize(
  x: usize, y: usize, size: i32, n: i32, inverse: f32, read: i32, product: i32, rounding: i32, zero: i32, lo: f64, hi: f64,
): void {
  for (; n > 0; n--) {
    const scaled = narrow(narrow(load<f32>(x), read) * inverse, product);
    let whole = round(<f64>scaled, rounding);
    if (!(whole >= -INT64 && whole < INT64)) whole = -INT64;
    storeInteger(y, min(max(whole + <f64>zero, lo), hi), size);
    x += 4;
    y += <usize>size;
  }
}

@inline
function integer(x: usize, size: i32): i32 {
  return size == 2 ? <i32>load<i16>(x) : load<i32>(x);
}

/** float32 of n integers of 2 or 4 bytes: (x - zero)*factor, rounded as `float` says. */
export function lowered_dequantize(x: usize, size: i32, y: usize, n: i32, factor: f32, zero: i32, float: i32): void {
  for (; n > 0; n--) {
    const q = integer(x, size);
    const distance = <f64>q - <f64>zero;
    if (float == CastFloat.f32) store<f32>(y, <f32>(<f64>factor * distance));
    else if (float == CastFloat.cv18xx) {
      const top = reinterpret<f32>(reinterpret<u32>(<f32>q) & 0xffff0000) - <f32>zero;
      store<f32>(y, f32x4.extract_lane(cvMultiply(f32x4.splat(top), f32x4.splat(factor)), 0));
    } else store<f32>(y, narrow(factor * narrow(<f32>distance, float), float));
    x += <usize>size;
    y += 4;
  }
}

/** Codes of n int32: x*scale + offset in float32, half away from zero, clamped. */
export function lowered_requant_real(x: usize, y: usize, size: i32, n: i32, scale: f32, offset: f32, lo: i32, hi: i32): void {
  for (; n > 0; n--) {
    const real = <f32>(<f64>load<i32>(x) * <f64>scale) + offset;
    storeInteger(y, min(max(round(<f64>real, CastRounding.halfAway), <f64>lo), <f64>hi), size);
    x += 4;
    y += <usize>size;
  }
}
