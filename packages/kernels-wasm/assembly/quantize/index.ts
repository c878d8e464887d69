// float32 to codes: the quantizing cast (numerics.md 6.2). Definition: src/scalar/quantize.ts.

import { roundF16 } from '../f16/index';

/** Largest float32 below a half: adding a half would round 0.49999997 up. */
const HALF: f32 = 0.49999997;
/** 1.5*2^23: what is added to it lands in the low bits. */
const ROUNDER: f32 = 12582912;

/** Codes in the low bytes of four words. */
@inline
function quantize4(x: v128, inverse: v128, half: i32, zero: v128, lo: v128, hi: v128): v128 {
  let t = f32x4.mul(x, inverse);
  if (half) t = roundF16(t);
  // What no int64 holds becomes its lowest value, NaN and +infinity included.
  const fits = f32x4.lt(f32x4.abs(t), f32x4.splat(9223372036854775808.0));
  const away = v128.or(f32x4.splat(HALF), v128.and(t, i32x4.splat(0x80000000)));
  const r = f32x4.pmin(f32x4.pmax(f32x4.add(f32x4.trunc(f32x4.add(t, away)), zero), lo), hi);
  return f32x4.add(v128.bitselect(r, lo, fits), f32x4.splat(ROUNDER));
}

/** y = clamp(round(x*inverse) + zero), bytes; `half` 1 rounds x*inverse to binary16 first. */
export function f32_to_q8(x: usize, y: usize, n: i32, inverse: f32, half: i32, zero: i32, lo: i32, hi: i32): void {
  const iv = f32x4.splat(inverse);
  const zv = f32x4.splat(<f32>zero);
  const lv = f32x4.splat(<f32>lo);
  const hv = f32x4.splat(<f32>hi);
  const byte = i32x4.splat(255);
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    const a = v128.and(quantize4(v128.load(x), iv, half, zv, lv, hv), byte);
    const b = v128.and(quantize4(v128.load(x, 16), iv, half, zv, lv, hv), byte);
    const c = v128.and(quantize4(v128.load(x, 32), iv, half, zv, lv, hv), byte);
    const d = v128.and(quantize4(v128.load(x, 48), iv, half, zv, lv, hv), byte);
    v128.store(y, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_u(a, b), i16x8.narrow_i32x4_u(c, d)));
    x += 64;
    y += 16;
  }
  for (; i + 4 <= n; i += 4) {
    const q = quantize4(v128.load(x), iv, half, zv, lv, hv);
    v128.store32_lane(y, v128.shuffle<i8>(q, q, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12), 0);
    x += 16;
    y += 4;
  }
  for (; i < n; i++) {
    const q = quantize4(f32x4.splat(load<f32>(x)), iv, half, zv, lv, hv);
    store<u8>(y, <u8>i32x4.extract_lane(q, 0));
    x += 4;
    y += 1;
  }
}
