// bfloat16 of the CV18xx, kept as float32 (numerics.md 3). Definition: src/scalar/cv18xx-bf16.ts.

import { loadSome, storeSome } from '../lanes';

const MAX: f32 = 3.4028234663852886e38;
const MIN_NORMAL: f32 = 1.1754943508222875e-38;
/** The largest finite bfloat16: what is not finite becomes it, whatever its sign. */
const LARGEST: i32 = 0x7f7f0000;

/** Nearest even by a 32-bit add that may wrap; every result with exponent 255 becomes +0x7F7F. */
@inline
export function cvRound(v: v128): v128 {
  const lsb = v128.and(i32x4.shr_u(v, 16), i32x4.splat(1));
  const t = v128.and(i32x4.add(i32x4.add(v, i32x4.splat(0x7fff)), lsb), i32x4.splat(~0xffff));
  const exponent = i32x4.splat(0x7f800000);
  return v128.bitselect(i32x4.splat(LARGEST), t, i32x4.eq(v128.and(t, exponent), exponent));
}

@inline
export function cvTruncate(v: v128): v128 {
  return v128.and(v, i32x4.splat(~0xffff));
}

@inline
function flush(v: v128): v128 {
  return v128.and(v, f32x4.ge(f32x4.abs(v), f32x4.splat(MIN_NORMAL)));
}

@inline
function isFinite4(v: v128): v128 {
  return f32x4.lt(f32x4.abs(v), f32x4.splat(MAX));
}

/** Flushed, no negative zero, rounded; +0x7F7F unless everything is finite. */
@inline
function finish(a: v128, b: v128, r: v128): v128 {
  const finite = v128.and(v128.and(isFinite4(a), isFinite4(b)), isFinite4(r));
  return v128.bitselect(cvRound(flush(r)), i32x4.splat(LARGEST), finite);
}

@inline
export function cvMultiply(a: v128, b: v128): v128 {
  return finish(a, b, f32x4.mul(flush(a), flush(b)));
}

@inline
export function cvAdd(a: v128, b: v128): v128 {
  return finish(a, b, f32x4.add(flush(a), flush(b)));
}

/** y = x rounded. In place. */
export function cv_bf16_round(x: usize, y: usize, n: i32): void {
  for (; n > 0; n -= 4) {
    const count = min(n, 4);
    storeSome(y, cvRound(loadSome(x, count)), count);
    x += 16;
    y += 16;
  }
}

/** y = the upper halves of x. In place. */
export function cv_bf16_truncate(x: usize, y: usize, n: i32): void {
  for (; n > 0; n -= 4) {
    const count = min(n, 4);
    storeSome(y, cvTruncate(loadSome(x, count)), count);
    x += 16;
    y += 16;
  }
}

/** Four int8 codes in the low bytes of words: the truncated operand times `inverse`, half to even, saturated. */
function quantize4(v: v128, inverse: v128): v128 {
  const t = cvMultiply(cvTruncate(v), inverse);
  const r = f32x4.min(f32x4.max(f32x4.nearest(t), f32x4.splat(-128)), f32x4.splat(127));
  // What no int64 holds becomes its lowest value.
  const fits = f32x4.lt(f32x4.abs(t), f32x4.splat(9223372036854775808.0));
  return i32x4.trunc_sat_f32x4_s(v128.bitselect(r, f32x4.splat(-128), fits));
}

/** int8 codes of float32: the cast of the CV18xx. */
export function cv_quantize(x: usize, y: usize, n: i32, inverse: f32): void {
  const iv = f32x4.splat(inverse);
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    const a = i16x8.narrow_i32x4_s(quantize4(v128.load(x), iv), quantize4(v128.load(x, 16), iv));
    const b = i16x8.narrow_i32x4_s(quantize4(v128.load(x, 32), iv), quantize4(v128.load(x, 48), iv));
    v128.store(y, i8x16.narrow_i16x8_s(a, b));
    x += 64;
    y += 16;
  }
  for (; i < n; i++) {
    store<u8>(y, <u8>i32x4.extract_lane(quantize4(v128.load32_zero(x), iv), 0));
    x += 4;
    y += 1;
  }
}

/** int8 codes of float32 sums: x*multiplier / 2^rshift, product in float32, half up, clamped (numerics.md 2.3). */
export function cv_requant_f32(x: usize, y: usize, n: i32, multiplier: f32, rshift: i32, lo: i32, hi: i32): void {
  const divisor = <f64>(<i64>1 << <i64>rshift);
  for (let i: usize = 0; i < <usize>n; i++) {
    const scaled = <f64><f32>(load<f32>(x + (i << 2)) * multiplier) / divisor;
    store<u8>(y + i, <u8><i32>min(max(floor(scaled + 0.5), <f64>lo), <f64>hi));
  }
}
