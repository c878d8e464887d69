// Partial vectors and the one summation order that every long sum of this binary uses.

/** Elements per float32 chunk of a long sum. */
export const CHUNK: i32 = 1024;

/** The last 1..3 floats in the low lanes, zeros above. */
@inline
export function loadTail(p: usize, count: i32): v128 {
  if (count == 1) return v128.load32_zero(p);
  const two = v128.load64_zero(p);
  return count == 2 ? two : v128.load32_lane(p, two, 2, 8);
}

/** Stores the low 1..3 lanes. */
@inline
export function storeTail(p: usize, v: v128, count: i32): void {
  if (count == 1) {
    v128.store32_lane(p, v, 0);
    return;
  }
  v128.store64_lane(p, v, 0);
  if (count == 3) v128.store32_lane(p, v, 2, 8);
}

/** Four words, `stride` bytes from one to the next. */
@inline
export function storeLanes(p: usize, stride: usize, v: v128): void {
  v128.store32_lane(p, v, 0);
  v128.store32_lane(p + stride, v, 1);
  v128.store32_lane(p + 2 * stride, v, 2);
  v128.store32_lane(p + 3 * stride, v, 3);
}

/** A few floats: less than a call of memory.copy. */
@inline
export function copyFloats(to: usize, from: usize, count: i32): void {
  for (let i: usize = 0; i < <usize>count << 2; i += 4) store<f32>(to + i, load<f32>(from + i));
}

/** One to four floats. */
@inline
export function loadSome(p: usize, count: i32): v128 {
  return count == 4 ? v128.load(p) : loadTail(p, count);
}

@inline
export function storeSome(p: usize, v: v128, count: i32): void {
  if (count == 4) v128.store(p, v);
  else storeTail(p, v, count);
}

/**
 * acc + a*b, product and sum each rounded; in the fast binary rounded once where the machine has a fused instruction. For the
 * inner loops of convolutions and matrix products only: their budget in ABI.md allows it.
 */
@inline
export function madd(acc: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, acc);
  return f32x4.add(acc, f32x4.mul(a, b));
}

/** The larger; NaN if either is. Engines need eight instructions for f32x4.max, which also orders zeros; this is three. */
@inline
export function larger(a: v128, b: v128): v128 {
  return v128.or(f32x4.pmax(b, a), f32x4.ne(a, a));
}

/** The fused clamp: NaN passes through, because pmax(v, lo) is v < lo ? lo : v. */
@inline
export function clamp(v: v128, lo: v128, hi: v128): v128 {
  return f32x4.pmin(f32x4.pmax(v, lo), hi);
}

/**
 * To nearest, ties away from zero: trunc(v), and one unit more when the discarded part is at least a half. The subtraction is
 * exact, so a half is seen as a half.
 */
@inline
export function roundHalfAway(v: v128): v128 {
  const whole = f32x4.trunc(v);
  const part = f32x4.abs(f32x4.sub(v, whole));
  const unit = v128.or(f32x4.splat(1), v128.and(v, i32x4.splat(0x80000000)));
  return f32x4.add(whole, v128.and(unit, f32x4.ge(part, f32x4.splat(0.5))));
}

const TAIL_MASKS: usize = memory.data<i32>([0, 0, 0, 0, -1, 0, 0, 0, -1, -1, 0, 0, -1, -1, -1, 0], 16);

/** All ones in the low 0..3 lanes. */
@inline
export function tailMask(count: i32): v128 {
  return v128.load(TAIL_MASKS + (<usize>count << 4));
}

/** (0+1)+(2+3) in float64. */
@inline
export function laneTotal(v: v128): f64 {
  return (<f64>f32x4.extract_lane(v, 0) + <f64>f32x4.extract_lane(v, 1)) +
    (<f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3));
}

/** Four float64 lanes in two vectors: (0+1)+(2+3). */
@inline
export function pairTotal(low: v128, high: v128): f64 {
  return (f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1)) +
    (f64x2.extract_lane(high, 0) + f64x2.extract_lane(high, 1));
}

/** What a long sum adds up: a function of the element and one parameter. */
export abstract class Term {
  abstract of(v: v128, m: v128): v128;
}

@final
export class Plain extends Term {
  @inline of(v: v128, m: v128): v128 { return v; }
}

@final
export class Squared extends Term {
  @inline of(v: v128, m: v128): v128 { return f32x4.mul(v, v); }
}

@final
export class Magnitude extends Term {
  @inline of(v: v128, m: v128): v128 { return f32x4.abs(v); }
}

@final
export class SquaredFrom extends Term {
  @inline of(v: v128, m: v128): v128 {
    const d = f32x4.sub(v, m);
    return f32x4.mul(d, d);
  }
}

@final
export class DistanceFrom extends Term {
  @inline of(v: v128, m: v128): v128 { return f32x4.abs(f32x4.sub(v, m)); }
}

/**
 * Sum of term(x[i], m) "in chunks": float32 lane i mod 4 over chunks of 1024 elements, lanes added as (0+1)+(2+3) in
 * float64, chunk totals added in float64 in order.
 */
export function sumChunked<T extends Term>(x: usize, n: i32, parameter: f32): f64 {
  const term = changetype<T>(0);
  const m = f32x4.splat(parameter);
  let total: f64 = 0;
  for (let done = 0; done < n; done += CHUNK) {
    const count = min(CHUNK, n - done);
    let acc = f32x4.splat(0);
    const end = x + (<usize>(count & ~3) << 2);
    for (; x < end; x += 16) acc = f32x4.add(acc, term.of(v128.load(x), m));
    const rest = count & 3;
    if (rest) acc = f32x4.add(acc, v128.and(term.of(loadTail(x, rest), m), tailMask(rest)));
    total += laneTotal(acc);
  }
  return total;
}
