// float32 to codes: the quantizing cast (numerics.md 6.2). Definition: src/scalar/quantize.ts.

import { roundF16 } from '../f16/index';

/** Half away from zero, exact: adding 0.5 first would round 0.49999997 up. */
@inline
function roundHalfAway(v: v128): v128 {
  const whole = f32x4.trunc(v);
  const rest = f32x4.abs(f32x4.sub(v, whole));
  const away = v128.or(f32x4.splat(1), v128.and(v, i32x4.splat(0x80000000)));
  return f32x4.add(whole, v128.and(away, f32x4.ge(rest, f32x4.splat(0.5))));
}

@inline
function quantize4(x: v128, inverse: v128, half: i32, zero: v128, lo: v128, hi: v128): v128 {
  let t = f32x4.mul(x, inverse);
  if (half) t = roundF16(t);
  // What no int64 holds becomes its lowest value, NaN and +infinity included.
  const fits = f32x4.lt(f32x4.abs(t), f32x4.splat(9223372036854775808.0));
  const r = f32x4.min(f32x4.max(f32x4.add(roundHalfAway(t), zero), lo), hi);
  return i32x4.trunc_sat_f32x4_s(v128.bitselect(r, lo, fits));
}

/** y = clamp(round(x*inverse) + zero), bytes; `half` 1 rounds x*inverse to binary16 first. */
export function f32_to_q8(x: usize, y: usize, n: i32, inverse: f32, half: i32, zero: i32, lo: i32, hi: i32): void {
  const iv = f32x4.splat(inverse);
  const zv = f32x4.splat(<f32>zero);
  const lv = f32x4.splat(<f32>lo);
  const hv = f32x4.splat(<f32>hi);
  let i = 0;
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
