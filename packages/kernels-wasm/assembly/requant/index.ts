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

/** Eight int32 columns of four rows: what a tile leaves here is then finished row by row. */
export const TILE: usize = memory.data(128, 16);
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

@inline
function notePeak(acc: v128): void {
  v128.store(PEAK, i32x4.max_u(v128.load(PEAK), i32x4.abs(acc)));
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
 * Finishes `count` columns of one row of eight accumulators at `acc`. `rshift` < 0 is a left shift; `zero` is added
 * before the clamp to [lo, hi].
 */
export function finishRow(
  acc: usize, y: usize, stride: usize, count: i32, bytes: i32, finish: i32,
  bias: f32, multiplier: i32, rshift: i32, zero: i32, lo: i32, hi: i32,
): void {
  const a = v128.load(acc);
  const b = v128.load(acc, 16);
  notePeak(a);
  notePeak(b);
  if (finish == Finish.none) {
    storeRow(a, b, y, stride, count, bytes);
    return;
  }
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
  const mv = i32x4.splat(m);
  const bv = f32x4.splat(bias);
  const zv = i64x2.splat(zero);
  const lv = i64x2.splat(lo);
  const hv = i64x2.splat(hi);
  storeRow(
    finish4(a, bv, mv, round1, shift1, round2, shift2, zv, lv, hv),
    finish4(b, bv, mv, round1, shift1, round2, shift2, zv, lv, hv),
    y, stride, count, bytes,
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
