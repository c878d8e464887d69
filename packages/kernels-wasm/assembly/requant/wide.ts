// A finish in float64, where the product of a multiplier of 24 bits with a sum of 24 bits is exact. With x = t*M/2^rs, a
// multiple of 2^-rs, floor(x + 1/2) is the integer nearest to x + 2^-(rs+2): the small number breaks ties upwards and moves
// nothing else. Adding 1.5*2^52 rounds to that integer and leaves it in the low word.

/** float32 counts every integer up to here; no multiplier has more bits. */
export const EXACT: f64 = 16777216;
/** 1.5*2^52: what is added to it is rounded to an integer, whose low 32 bits are the sum's. */
const ROUNDER: f64 = 6755399441055744;
const INT32: f64 = 2147483648;
/** Half of the codes of a byte. */
export const CENTRE: i32 = 128;

/** 2^n for -1022 <= n <= 1023. */
@inline
function power2(n: i32): f64 {
  return reinterpret<f64>(<u64>(n + 1023) << 52);
}

/** M/2^rs, exact for shifts of -31 and more; others have no wide reach. */
@inline
export function wideFactor(m: i32, rshift: i32): f64 {
  return <f64>m * power2(max(-min(rshift, 63), -63));
}

/** What breaks ties upwards. */
@inline
export function wideTie(rshift: i32): f64 {
  return min(power2(-min(rshift, 63) - 2), 0.25);
}

@inline
export function wideRounder(zero: i32): f64 {
  return ROUNDER + <f64>zero;
}

/** Are the products of sums of up to this magnitude, bias included, exact, and their codes int32? */
@inline
export function isWideReach(magnitude: f64, m: i32, rshift: i32, factor: f64, zero: i32): bool {
  return abs(<f64>m) <= EXACT && rshift >= -31 && (magnitude + 1) * abs(factor) + abs(<f64>zero) + <f64>CENTRE < INT32;
}

/** float64 x*factor + addend, rounded to the nearest integers, which are the low words. */
@inline
export function wide2(x: v128, factor: v128, addend: v128, rounder: v128): v128 {
  return f64x2.add(f64x2.add(f64x2.mul(x, factor), addend), rounder);
}

/** The integers of two such vectors. */
@inline
export function wideWords(low: v128, high: v128, factor: v128, addend: v128, rounder: v128): v128 {
  return v128.shuffle<i32>(wide2(low, factor, addend, rounder), wide2(high, factor, addend, rounder), 0, 2, 4, 6);
}

/** Four sums, bias included, as integers. */
@inline
export function wideRound4(t: v128, factor: v128, tie: v128, rounder: v128): v128 {
  const upper = v128.shuffle<i32>(t, t, 2, 3, 2, 3);
  return wideWords(f64x2.convert_low_i32x4_s(t), f64x2.convert_low_i32x4_s(upper), factor, tie, rounder);
}
