// A finish in float32. With |t| <= 2^24 and a multiplier of 24 bits, t and the factor M/2^rs are exact, and the product is
// rounded once; adding 1.5*2^23 rounds it to an integer in the low bits. Nearly always that is the exact code for every t:
// both are steps that rise with t, so they agree everywhere if they agree on the two sums around each step of the exact
// one, at most 255 pairs. `narrowFactor` compares those, and tries the neighbours of the factor before it gives up.

/** 1.5*2^23. */
const ROUNDER: f32 = 12582912;
const ROUNDER_BITS: i32 = 0x4b400000;
/** float32 counts every integer up to here. */
const EXACT: i32 = 16777216;
/** Products of this size keep the rounded sum positive, and positive floats are ordered as their bits are. */
const REACH: f64 = 8388608;
/** Up to here the thresholds of codes are exact in float64. */
const LONGEST_SHIFT: i32 = 40;

/**
 * More than what float32 may be wrong by in units of a code: half a unit in the last place of a product below 512, and one of
 * a neighbouring factor. Sums that are further from where a code begins need no look.
 */
const MARGIN: f64 = 0.0001220703125;

/** Is there a packed factor, and may it serve sums of up to this magnitude, bias included? */
@inline
export function isNarrowReach(magnitude: f64, factor: f32): bool {
  return factor != 0 && magnitude <= <f64>EXACT && magnitude * <f64>factor < REACH;
}

/** The code of `t` before the clamp, as `finishNarrow` computes it. */
@inline
function narrowCode(t: i32, factor: f32, zero: i32): i32 {
  return reinterpret<i32>(<f32>t * factor + (ROUNDER + <f32>zero)) - ROUNDER_BITS;
}

/** Does the factor give (t*m) >> rs, half up, plus `zero`, clamped to [lo, hi], for all |t| <= 2^24? */
function isFaithful(factor: f32, m: i32, rs: i32, zero: i32, lo: i32, hi: i32): bool {
  const unit = reinterpret<f64>(<u64>(rs + 1023) << 52);
  const sums = unit / <f64>m;
  for (let code = lo + 1; code <= hi; code++) {
    const about = (<f64>(code - zero) - 0.5) * sums;
    const over = ceil(about) - about;
    if (over > MARGIN * sums && 1 - over > MARGIN * sums) continue;
    // The least t of this code: the quotient lies 2^-24 or more from any integer that it is not.
    const first = ceil((<f64>(code - zero) - 0.5) * unit / <f64>m);
    const t = <i32>min(max(first, <f64>-EXACT), <f64>(EXACT + 1));
    if (t <= EXACT && narrowCode(t, factor, zero) < code) return false;
    if (t > -EXACT && narrowCode(t - 1, factor, zero) >= code) return false;
  }
  return true;
}

/** The float32 factor with which a channel can be finished, or 0 when there is none. */
export function narrowFactor(bias: f32, m: i32, rs: i32, zero: i32, lo: i32, hi: i32): f32 {
  if (m <= 0 || m > EXACT || rs < 0 || rs > LONGEST_SHIFT || abs(zero) > 255) return 0;
  if (lo < -128 || hi > 255 || (lo < 0 && hi > 127) || floor(bias) != bias || abs(bias) > <f32>EXACT) return 0;
  const exact = <f32>m * reinterpret<f32>((127 - rs) << 23);
  if (isFaithful(exact, m, rs, zero, lo, hi)) return exact;
  const above = reinterpret<f32>(reinterpret<i32>(exact) + 1);
  if (isFaithful(above, m, rs, zero, lo, hi)) return above;
  const below = reinterpret<f32>(reinterpret<i32>(exact) - 1);
  return isFaithful(below, m, rs, zero, lo, hi) ? below : 0;
}

/** Four sums as integers. */
@inline
export function round4(t: v128, factor: v128, rounder: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(t), factor), rounder), i32x4.splat(ROUNDER_BITS));
}

/** Eight sums, bias included, as int16. */
@inline
export function narrowSums(a: v128, b: v128, factor: v128, rounder: v128): v128 {
  return i16x8.narrow_i32x4_s(round4(a, factor, rounder), round4(b, factor, rounder));
}

/** Sixteen codes of two groups of eight accumulators. */
@inline
export function narrow16(
  acc: usize, next: usize, bias: v128, factor: v128, rounder: v128, unsigned: bool, low: v128, high: v128,
): v128 {
  const a = narrowSums(i32x4.add(v128.load(acc), bias), i32x4.add(v128.load(acc, 16), bias), factor, rounder);
  const b = narrowSums(i32x4.add(v128.load(next), bias), i32x4.add(v128.load(next, 16), bias), factor, rounder);
  if (unsigned) return i8x16.min_u(i8x16.max_u(i8x16.narrow_i16x8_u(a, b), low), high);
  return i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(a, b), low), high);
}

@inline
export function narrowRounder(zero: i32): v128 {
  return f32x4.splat(ROUNDER + <f32>zero);
}
