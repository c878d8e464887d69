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

@inline
function widenLow(v: v128, signed: i32): v128 {
  return signed ? i16x8.extend_low_i8x16_s(v) : i16x8.extend_low_i8x16_u(v);
}

@inline
function widenHigh(v: v128, signed: i32): v128 {
  return signed ? i16x8.extend_high_i8x16_s(v) : i16x8.extend_high_i8x16_u(v);
}

/** Then no code is further than 511 from its zero point. */
@inline
function isCode(zero: i32): bool {
  return zero >= -256 && zero <= 256;
}

/** Shifts that 15 fractional bits hold, when a code's distance from its zero point has 9 bits and a sign. */
@inline
function hasFraction(s: i32): bool {
  return s >= 1 && s <= 15;
}

/** Bits by which codes are shifted up, at most 6; their multiplier takes the rest of 15 - s, at most 8. */
@inline
function codeBits(s: i32): i32 {
  return min(6, 15 - s);
}

/** Eight codes times m >> s, half up: the engine's product of fractions rounds just so. Shifts by a variable cost it more. */
@inline
function scaled8(v: v128, up: v128, zero: v128, m: v128): v128 {
  return i16x8.q15mulr_sat_s(i16x8.sub(i16x8.mul(v, up), zero), m);
}

/**
 * Constants of `addSixteens`, a vector each. Its loop branches, and an engine makes splats anew behind a branch; loads have
 * ports to spare.
 */
const SUM: usize = memory.data(144, 16);

/** Whole groups of sixteen whose shifts have fractions; what saturates is beyond any code. Answers how many codes that were. */
function addSixteens(
  a: usize, aSigned: i32, zeroA: i32, mA: i32, sA: i32, b: usize, bSigned: i32, zeroB: i32, mB: i32, sB: i32,
  y: usize, n: i32, zero: i32, lo: i32, hi: i32,
): i32 {
  const kA = codeBits(sA), kB = codeBits(sB);
  v128.store(SUM, i16x8.splat(<i16>(<i32>1 << kA)));
  v128.store(SUM, i16x8.splat(<i16>(zeroA << kA)), 16);
  v128.store(SUM, i16x8.splat(<i16>(mA << (15 - sA - kA))), 32);
  v128.store(SUM, i16x8.splat(<i16>(<i32>1 << kB)), 48);
  v128.store(SUM, i16x8.splat(<i16>(zeroB << kB)), 64);
  v128.store(SUM, i16x8.splat(<i16>(mB << (15 - sB - kB))), 80);
  v128.store(SUM, i16x8.splat(<i16>zero), 96);
  v128.store(SUM, i8x16.splat(<i8>lo), 112);
  v128.store(SUM, i8x16.splat(<i8>hi), 128);
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    const p = v128.load(a + <usize>i);
    const q = v128.load(b + <usize>i);
    const upA = v128.load(SUM), zeroA8 = v128.load(SUM, 16), factorA = v128.load(SUM, 32);
    const upB = v128.load(SUM, 48), zeroB8 = v128.load(SUM, 64), factorB = v128.load(SUM, 80);
    const zv = v128.load(SUM, 96), low = v128.load(SUM, 112), high = v128.load(SUM, 128);
    const c = i16x8.add_sat_s(
      scaled8(widenLow(p, aSigned), upA, zeroA8, factorA), scaled8(widenLow(q, bSigned), upB, zeroB8, factorB),
    );
    const d = i16x8.add_sat_s(
      scaled8(widenHigh(p, aSigned), upA, zeroA8, factorA), scaled8(widenHigh(q, bSigned), upB, zeroB8, factorB),
    );
    const e = i16x8.add_sat_s(c, zv), f = i16x8.add_sat_s(d, zv);
    v128.store(
      y + <usize>i,
      lo >= 0
        ? i8x16.min_u(i8x16.max_u(i8x16.narrow_i16x8_u(e, f), low), high)
        : i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(e, f), low), high),
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
  let i = 0;
  if (
    hasFraction(sA) && hasFraction(sB) && isCode(zeroA) && isCode(zeroB) && abs(zero) <= 1024 && lo >= -128 &&
    hi <= (lo < 0 ? 127 : 255)
  ) {
    i = addSixteens(a, aSigned, zeroA, mA, sA, b, bSigned, zeroB, mB, sB, y, n, zero, lo, hi);
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
