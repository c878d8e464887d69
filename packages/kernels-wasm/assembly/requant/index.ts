// From int32 accumulators to codes: bias in float32, truncation, multiplier, rounding shift, zero point, clamp.
// The interpreter that is reproduced adds the bias in float32 and truncates (numerics.md 7.1); the product has 64 bits.
// Definition: src/scalar/qs8-conv.ts (finishAccumulator).

/** What happens to an accumulator. */
export const enum Finish {
  /** (t*M) >> rshift, half up. */
  multiplierShift = 0,
  /** (t*M) >> 31 half up, then >> rshift half away from zero. */
  qdm = 1,
  /** The accumulator itself, as int32. */
  none = 2,
}

/** int32 columns of one line of `LINES`. */
export const LINE_COLUMNS: i32 = 64;
export const LINE_BYTES: usize = 256;
/** Accumulators of four rows by 64 columns: what tiles leave here is then finished line by line. */
export const LINES: usize = memory.data(1024, 16);
/** Four lanes of the largest |accumulator| since the last `resetPeak`. */
const PEAK: usize = memory.data(16, 16);
/** Eight finished int32 of a row. */
const ROW: usize = memory.data(32, 16);

export function resetPeak(): void {
  v128.store(PEAK, i32x4.splat(0));
}

/** The largest |accumulator| since `resetPeak`, as an unsigned number. */
export function peak(): u32 {
  return max(
    max(load<u32>(PEAK), load<u32>(PEAK, 4)),
    max(load<u32>(PEAK, 8), load<u32>(PEAK, 12)),
  );
}

/** A multiplier with its left shift folded in; what leaves 32 bits saturates, as the final clamp would anyway. */
@inline
function foldLeftShift(multiplier: i32, rshift: i32): i32 {
  if (rshift >= 0) return multiplier;
  const wide = <i64>multiplier << <i64>min(-rshift, 31);
  return wide > <i64>i32.MAX_VALUE ? i32.MAX_VALUE : wide < -(<i64>i32.MAX_VALUE) ? -i32.MAX_VALUE : <i32>wide;
}

@inline
function clamp64(v: v128, lo: v128, hi: v128): v128 {
  const raised = v128.bitselect(lo, v, i64x2.lt_s(v, lo));
  return v128.bitselect(hi, raised, i64x2.gt_s(raised, hi));
}

@inline
function scale64(product: v128, round1: v128, shift1: i32, round2: v128, shift2: i32, zero: v128, lo: v128, hi: v128): v128 {
  let v = i64x2.shr_s(i64x2.add(product, round1), shift1);
  // Half away from zero: a negative tie stays down, so negative values get half minus one.
  if (shift2) v = i64x2.shr_s(i64x2.add(i64x2.add(v, round2), i64x2.shr_s(v, 63)), shift2);
  return clamp64(i64x2.add(v, zero), lo, hi);
}

@inline
function finish4(
  acc: v128, bias: v128, m: v128, round1: v128, shift1: i32, round2: v128, shift2: i32, zero: v128, lo: v128, hi: v128,
): v128 {
  const t = i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.convert_i32x4_s(acc), bias));
  const low = scale64(i64x2.extmul_low_i32x4_s(t, m), round1, shift1, round2, shift2, zero, lo, hi);
  const high = scale64(i64x2.extmul_high_i32x4_s(t, m), round1, shift1, round2, shift2, zero, lo, hi);
  return v128.shuffle<i32>(low, high, 0, 2, 4, 6);
}

/**
 * The same for multipliers of at most 24 bits, half up, in float64: t has 24 significant bits because it came out of a
 * float32 sum, so the product is exact, and so is adding a half wherever it decides. `lo` and `hi` are relative to zero.
 */
@inline
function finishExact4(acc: v128, bias: v128, factor: v128, zero: v128, lo: v128, hi: v128): v128 {
  const half = f64x2.splat(0.5);
  const t = f32x4.trunc(f32x4.add(f32x4.convert_i32x4_s(acc), bias));
  const upper = v128.shuffle<i32>(t, t, 2, 3, 2, 3);
  const a = f64x2.floor(f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(t), factor), half));
  const b = f64x2.floor(f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(upper), factor), half));
  const v = v128.shuffle<i64>(i32x4.trunc_sat_f64x2_s_zero(a), i32x4.trunc_sat_f64x2_s_zero(b), 0, 2);
  return i32x4.add(i32x4.min_s(i32x4.max_s(v, lo), hi), zero);
}

/** Largest multiplier whose product with a 24-bit number float64 holds with room for the half. */
const EXACT_MULTIPLIER: i32 = 1 << 24;

/** Ones for the columns of a last group that exist: `MASK + 4*(8 - count)` masks eight int32. */
const MASK: usize = memory.data<i32>([-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0], 16);

/** Stores `count` (1…8) of the eight int32 in `a`, `b` as codes of `bytes` bytes, `stride` bytes apart. */
@inline
function storeRow(a: v128, b: v128, y: usize, stride: usize, count: i32, bytes: i32): void {
  if (bytes == 1 && stride == 1 && count == 8) {
    v128.store64_lane(y, v128.shuffle<i8>(a, b, 0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28), 0);
    return;
  }
  v128.store(ROW, a);
  v128.store(ROW, b, 16);
  for (let i = 0; i < count; i++) {
    const q = load<i32>(ROW + (<usize>i << 2));
    if (bytes == 1) store<u8>(y, <u8>q);
    else if (bytes == 2) store<u16>(y, <u16>q);
    else store<i32>(y, q);
    y += stride;
  }
}

/**
 * Finishes `count` accumulators at `acc` (readable up to a multiple of eight) into codes `stride` bytes apart. `rshift` < 0
 * is a left shift; `zero` is added before the clamp to [lo, hi].
 */
export function finishLine(
  acc: usize, y: usize, stride: usize, count: i32, bytes: i32, finish: i32,
  bias: f32, multiplier: i32, rshift: i32, zero: i32, lo: i32, hi: i32,
): void {
  const exact = finish == Finish.multiplierShift && multiplier <= EXACT_MULTIPLIER && multiplier >= -EXACT_MULTIPLIER;
  const factor = f64x2.splat(<f64>multiplier * power2(-min(rshift, 63)));
  const bv = f32x4.splat(bias);
  const z32 = i32x4.splat(zero);
  const l32 = i32x4.splat(lo - zero);
  const h32 = i32x4.splat(hi - zero);
  let peaks = v128.load(PEAK);
  for (; count > 0; count -= 8) {
    let a = v128.load(acc);
    let b = v128.load(acc, 16);
    const mask = MASK + (<usize>max(8 - count, 0) << 2);
    peaks = i32x4.max_u(peaks, v128.and(i32x4.abs(a), v128.load(mask)));
    peaks = i32x4.max_u(peaks, v128.and(i32x4.abs(b), v128.load(mask, 16)));
    if (exact) {
      a = finishExact4(a, bv, factor, z32, l32, h32);
      b = finishExact4(b, bv, factor, z32, l32, h32);
    } else if (finish != Finish.none) {
      a = finishWide4(a, bv, finish, multiplier, rshift, zero, lo, hi);
      b = finishWide4(b, bv, finish, multiplier, rshift, zero, lo, hi);
    }
    storeRow(a, b, y, stride, min(count, 8), bytes);
    acc += 32;
    y += stride << 3;
  }
  v128.store(PEAK, peaks);
}

/** 2^n for -1022 <= n <= 1023. */
@inline
function power2(n: i32): f64 {
  return reinterpret<f64>(<u64>(n + 1023) << 52);
}

/** Four accumulators by 64-bit integer products: any multiplier, and the double rounding of `qdm`. */
function finishWide4(
  acc: v128, bias: v128, finish: i32, multiplier: i32, rshift: i32, zero: i32, lo: i32, hi: i32,
): v128 {
  let m = multiplier;
  let shift1 = min(rshift, 63);
  let shift2 = 0;
  if (finish == Finish.qdm) {
    shift1 = 31 + min(rshift, 0);
    shift2 = min(max(rshift, 0), 63);
  } else {
    m = foldLeftShift(multiplier, rshift);
    shift1 = max(shift1, 0);
  }
  const round1 = i64x2.splat(shift1 > 0 ? <i64>1 << <i64>(shift1 - 1) : 0);
  const round2 = i64x2.splat(shift2 > 0 ? <i64>1 << <i64>(shift2 - 1) : 0);
  return finish4(
    acc, bias, i32x4.splat(m), round1, shift1, round2, shift2, i64x2.splat(zero), i64x2.splat(lo), i64x2.splat(hi),
  );
}

/**
 * Codes of `n` int32: (x*multiplier) >> rshift + zero, clamped, stored with `bytes` bytes. `away` 1 rounds half away from
 * zero, 0 half up. `rshift` < 0 is a left shift.
 */
export function requant_x32(
  x: usize, y: usize, bytes: i32, n: i32, multiplier: i32, rshift: i32, away: i32, zero: i32, lo: i32, hi: i32,
): void {
  const m = <i64>foldLeftShift(multiplier, rshift);
  const shift = <i64>min(max(rshift, 0), 63);
  const half = shift > 0 ? <i64>1 << (shift - 1) : 0;
  const low = <i64>lo;
  const high = <i64>hi;
  for (let i: usize = 0; i < <usize>n; i++) {
    const product = <i64>load<i32>(x + (i << 2)) * m;
    // Shifting by nothing rounds nothing, so the sign must not be taken off either.
    const down = away && shift > 0 ? product >> 63 : 0;
    const q = <i32>min(max(((product + half + down) >> shift) + <i64>zero, low), high);
    if (bytes == 1) store<u8>(y + i, <u8>q);
    else if (bytes == 2) store<u16>(y + (i << 1), <u16>q);
    else store<i32>(y + (i << 2), q);
  }
}
