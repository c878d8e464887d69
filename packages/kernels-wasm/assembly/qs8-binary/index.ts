// Element-wise sum and product of codes. Definition: src/scalar/qs8-binary.ts.

@inline
function extendLow(p: usize, signed: i32): v128 {
  const v = v128.load64_zero(p);
  return signed ? i16x8.extend_low_i8x16_s(v) : i16x8.extend_low_i8x16_u(v);
}

@inline
function code(p: usize, signed: i32): i32 {
  return signed ? <i32>load<i8>(p) : <i32>load<u8>(p);
}

@inline
function half(shift: i32): i32 {
  return shift > 0 ? 1 << (shift - 1) : 0;
}

@inline
function storeCodes(y: usize, a: v128, b: v128): void {
  v128.store64_lane(y, v128.shuffle<i8>(a, b, 0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28), 0);
}

@inline
function clamp4(v: v128, lo: v128, hi: v128): v128 {
  return i32x4.min_s(i32x4.max_s(v, lo), hi);
}

/** What is added to a code times `m` before its shift: the half, and its zero point's share. */
@inline
function addend(code0: i32, m: i32, shift: i32): i32 {
  return half(shift) - code0 * m;
}

@inline
function fitsWord(v: i32): bool {
  return v >= -32768 && v <= 32767;
}

/** A code beside a 1 in 32 bits: times (m, addend) it is a dot product of 16-bit words. */
@inline
function factors(m: i32, add: i32): v128 {
  return i32x4.splat((m & 0xffff) | (add << 16));
}

/** Four codes of eight, scaled. */
@inline
function scaledLow(v: v128, one: v128, by: v128, shift: i32): v128 {
  return i32x4.shr_s(i32x4.dot_i16x8_s(v128.shuffle<i16>(v, one, 0, 8, 1, 9, 2, 10, 3, 11), by), shift);
}

@inline
function scaledHigh(v: v128, one: v128, by: v128, shift: i32): v128 {
  return i32x4.shr_s(i32x4.dot_i16x8_s(v128.shuffle<i16>(v, one, 4, 12, 5, 13, 6, 14, 7, 15), by), shift);
}

@inline
function widenLow(v: v128, signed: i32): v128 {
  return signed ? i16x8.extend_low_i8x16_s(v) : i16x8.extend_low_i8x16_u(v);
}

@inline
function widenHigh(v: v128, signed: i32): v128 {
  return signed ? i16x8.extend_high_i8x16_s(v) : i16x8.extend_high_i8x16_u(v);
}

/** Eight sums as int16; what saturates is beyond any code, zero point included. */
@inline
function sums8(p: v128, byA: v128, sA: i32, q: v128, byB: v128, sB: i32, zero: v128): v128 {
  const one = i16x8.splat(1);
  const low = i32x4.add(scaledLow(p, one, byA, sA), scaledLow(q, one, byB, sB));
  const high = i32x4.add(scaledHigh(p, one, byA, sA), scaledHigh(q, one, byB, sB));
  return i16x8.add_sat_s(i16x8.narrow_i32x4_s(low, high), zero);
}

/** Whole groups of sixteen whose factors fit 16 bits; answers how many codes that were. */
function addSixteens(
  a: usize, aSigned: i32, byA: v128, sA: i32, b: usize, bSigned: i32, byB: v128, sB: i32, y: usize, n: i32,
  zero: i32, lo: i32, hi: i32,
): i32 {
  const zv = i16x8.splat(<i16>zero);
  const low = i8x16.splat(<i8>lo);
  const high = i8x16.splat(<i8>hi);
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    const p = v128.load(a + <usize>i);
    const q = v128.load(b + <usize>i);
    const c = sums8(widenLow(p, aSigned), byA, sA, widenLow(q, bSigned), byB, sB, zv);
    const d = sums8(widenHigh(p, aSigned), byA, sA, widenHigh(q, bSigned), byB, sB, zv);
    v128.store(
      y + <usize>i,
      lo >= 0
        ? i8x16.min_u(i8x16.max_u(i8x16.narrow_i16x8_u(c, d), low), high)
        : i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(c, d), low), high),
    );
  }
  return i;
}

/** y = clamp(((a - zeroA)*mA >> sA) + ((b - zeroB)*mB >> sB) + zero), each shift half up; 0 <= s <= 30, |m| <= 127. */
export function qs8_add(
  a: usize, aSigned: i32, zeroA: i32, mA: i32, sA: i32, b: usize, bSigned: i32, zeroB: i32, mB: i32, sB: i32,
  y: usize, n: i32, zero: i32, lo: i32, hi: i32,
): void {
  const hA = half(sA);
  const hB = half(sB);
  const addA = addend(zeroA, mA, sA);
  const addB = addend(zeroB, mB, sB);
  let i = 0;
  if (fitsWord(addA) && fitsWord(addB) && abs(zero) <= 1024 && lo >= -128 && hi <= (lo < 0 ? 127 : 255)) {
    i = addSixteens(a, aSigned, factors(mA, addA), sA, b, bSigned, factors(mB, addB), sB, y, n, zero, lo, hi);
  }
  const zAv = i16x8.splat(<i16>zeroA);
  const zBv = i16x8.splat(<i16>zeroB);
  const mAv = i16x8.splat(<i16>mA);
  const mBv = i16x8.splat(<i16>mB);
  const hAv = i32x4.splat(hA);
  const hBv = i32x4.splat(hB);
  const zv = i32x4.splat(zero);
  const lv = i32x4.splat(lo);
  const hv = i32x4.splat(hi);
  for (; i + 8 <= n; i += 8) {
    const p = i16x8.sub(extendLow(a + <usize>i, aSigned), zAv);
    const q = i16x8.sub(extendLow(b + <usize>i, bSigned), zBv);
    const p0 = i32x4.shr_s(i32x4.add(i32x4.extmul_low_i16x8_s(p, mAv), hAv), sA);
    const p1 = i32x4.shr_s(i32x4.add(i32x4.extmul_high_i16x8_s(p, mAv), hAv), sA);
    const q0 = i32x4.shr_s(i32x4.add(i32x4.extmul_low_i16x8_s(q, mBv), hBv), sB);
    const q1 = i32x4.shr_s(i32x4.add(i32x4.extmul_high_i16x8_s(q, mBv), hBv), sB);
    storeCodes(
      y + <usize>i,
      clamp4(i32x4.add(i32x4.add(p0, q0), zv), lv, hv),
      clamp4(i32x4.add(i32x4.add(p1, q1), zv), lv, hv),
    );
  }
  for (; i < n; i++) {
    const p = ((code(a + <usize>i, aSigned) - zeroA) * mA + hA) >> sA;
    const q = ((code(b + <usize>i, bSigned) - zeroB) * mB + hB) >> sB;
    store<u8>(y + <usize>i, <u8>min(max(p + q + zero, lo), hi));
  }
}

/** y = clamp(((a - zeroA)*(b - zeroB)*m >> s) + zero), half up; 0 <= s <= 30, |m| <= 127. */
export function qs8_mul(
  a: usize, aSigned: i32, zeroA: i32, b: usize, bSigned: i32, zeroB: i32, y: usize, n: i32,
  m: i32, s: i32, zero: i32, lo: i32, hi: i32,
): void {
  const h = half(s);
  const zAv = i16x8.splat(<i16>zeroA);
  const zBv = i16x8.splat(<i16>zeroB);
  const mv = i32x4.splat(m);
  const hv = i32x4.splat(h);
  const zv = i32x4.splat(zero);
  const low = i32x4.splat(lo);
  const high = i32x4.splat(hi);
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const p = i16x8.sub(extendLow(a + <usize>i, aSigned), zAv);
    const q = i16x8.sub(extendLow(b + <usize>i, bSigned), zBv);
    const r0 = i32x4.shr_s(i32x4.add(i32x4.mul(i32x4.extmul_low_i16x8_s(p, q), mv), hv), s);
    const r1 = i32x4.shr_s(i32x4.add(i32x4.mul(i32x4.extmul_high_i16x8_s(p, q), mv), hv), s);
    storeCodes(y + <usize>i, clamp4(i32x4.add(r0, zv), low, high), clamp4(i32x4.add(r1, zv), low, high));
  }
  for (; i < n; i++) {
    const r = ((code(a + <usize>i, aSigned) - zeroA) * (code(b + <usize>i, bSigned) - zeroB) * m + h) >> s;
    store<u8>(y + <usize>i, <u8>min(max(r + zero, lo), hi));
  }
}
