// Element-wise sum and product of int8 codes as the CV18xx have them. Definition: src/scalar/qs8-binary.ts.

import { qdm4 } from '../requant/index';

@inline
function clamp4(v: v128, lo: v128, hi: v128): v128 {
  return i32x4.min_s(i32x4.max_s(v, lo), hi);
}

@inline
function bytesOf(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
}

/** `n` (1…8) codes. */
@inline
function storeSome(y: usize, v: v128, n: i32): void {
  if (n >= 8) {
    v128.store64_lane(y, v, 0);
    return;
  }
  let rest = i64x2.extract_lane(v, 0);
  for (let i = 0; i < n; i++) {
    store<u8>(y + <usize>i, <u8>rest);
    rest >>= 8;
  }
}

/** `n` (1…8) codes as int16. */
@inline
function loadSome(x: usize, n: i32): v128 {
  if (n >= 8) return v128.load8x8_s(x);
  let bits: u64 = 0;
  for (let i = 0; i < n; i++) bits |= <u64>load<u8>(x + <usize>i) << (<u64>i << 3);
  return i16x8.extend_low_i8x16_s(i64x2.splat(<i64>bits));
}

/** y = clamp((a*mA + b*mB) >> shift), half up; |m| <= 255, 0 <= shift <= 30. In place. */
export function qs8_add_shared(a: usize, mA: i32, b: usize, mB: i32, shift: i32, y: usize, n: i32, lo: i32, hi: i32): void {
  const factors = i32x4.splat((mA & 0xffff) | (mB << 16));
  const half = i32x4.splat(shift > 0 ? 1 << (shift - 1) : 0);
  const low = i32x4.splat(lo);
  const high = i32x4.splat(hi);
  for (; n > 0; n -= 8) {
    const p = loadSome(a, n);
    const q = loadSome(b, n);
    const s = i32x4.dot_i16x8_s(v128.shuffle<i16>(p, q, 0, 8, 1, 9, 2, 10, 3, 11), factors);
    const t = i32x4.dot_i16x8_s(v128.shuffle<i16>(p, q, 4, 12, 5, 13, 6, 14, 7, 15), factors);
    const u = clamp4(i32x4.shr_s(i32x4.add(s, half), shift), low, high);
    const v = clamp4(i32x4.shr_s(i32x4.add(t, half), shift), low, high);
    storeSome(y, bytesOf(u, v), n);
    a += 8;
    b += 8;
    y += 8;
  }
}

/** y = clamp((a*b*m >> 31, half up) >> rshift, half away); m >= 0, rshift -30…31. In place. */
export function qs8_mul_qdm(a: usize, b: usize, y: usize, n: i32, m: i32, rshift: i32, lo: i32, hi: i32): void {
  const factor = i32x4.splat(m);
  const shift1 = 31 + min(rshift, 0);
  const shift2 = min(max(rshift, 0), 32);
  const round = i64x2.splat(<i64>1 << <i64>(shift1 - 1));
  const none = f32x4.splat(0);
  const low = i32x4.splat(lo);
  const high = i32x4.splat(hi);
  for (; n > 0; n -= 8) {
    const p = loadSome(a, n);
    const q = loadSome(b, n);
    const u = clamp4(qdm4(i32x4.extmul_low_i16x8_s(p, q), none, factor, round, shift1, shift2), low, high);
    const v = clamp4(qdm4(i32x4.extmul_high_i16x8_s(p, q), none, factor, round, shift1, shift2), low, high);
    storeSome(y, bytesOf(u, v), n);
    a += 8;
    b += 8;
    y += 8;
  }
}
