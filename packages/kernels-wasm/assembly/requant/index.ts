// From int32 accumulators to codes: bias in float32, truncation, multiplier, rounding shift, zero point, clamp.
// The interpreter that is reproduced adds the bias in float32 and truncates (numerics.md 7.1); the product has 64 bits.
// Definition: src/scalar/qs8-conv.ts (finishAccumulator).
//
// A multiplier of at most 24 bits is applied in float64 (wide.ts). Channels whose table `qs8_finish_pack` made are finished in
// float32 where narrow.ts found that to be the same.

import { isNarrowReach, narrow16, narrowFactor, narrowRounder } from './narrow';
import { CENTRE, EXACT, isWideReach, wideFactor, wideRounder, wideTie, wideWords } from './wide';
import { foldLeftShift } from './words';

/** What happens to an accumulator. */
export const enum Finish {
  /** (t*M) >> rshift, half up. */
  multiplierShift = 0,
  /** (t*M) >> 31 half up, then >> rshift half away from zero. */
  qdm = 1,
  /** The accumulator itself, as int32. */
  none = 2,
  /** `multiplierShift` with the table of `qs8_finish_pack` in place of the bias. */
  packed = 3,
}

/** Bytes of a channel of a table: bias (float32), multiplier, rshift (int32), factor (float32, 0 where there is none). */
const ENTRY: i32 = 16;

/** Accumulators of a block of four rows by up to 256 columns, as tiles leave them: [panel][4][8]. */
export const LINES: usize = memory.data(4096, 16);
/** Four lanes of the largest |accumulator| since `openFinish`. */
const PEAK: usize = memory.data(16, 16);
/** Eight finished int32 of a row. */
const ROW: usize = memory.data(32, 16);
/**
 * For a block of four rows finished in registers: biases int32 [4], factors float32 [4] (0: the row needs float64), rounder,
 * low, high, and 1 for bytes without sign, 2 for all of them (16 bytes); of rows in float64 factors [4], ties [4], rounder.
 */
export const BLOCK: usize = memory.data(176, 16);
/** Ones for the columns of a last group that exist: `MASK + 4*(8 - count)` masks eight int32. */
const MASK: usize = memory.data<i32>([-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0], 16);

/** With larger shifts the number that breaks ties would be lost beside sums beyond `EXACT`. */
const EXACT_SHIFT: i32 = 41;

// What one call of a kernel does with its accumulators; set by `openFinish`.
let kind: i32 = 0;
let biases: usize = 0;
let multipliers: usize = 0;
let shifts: usize = 0;
let bytes: i32 = 1;
let zero: i32 = 0;
let lo: i32 = 0;
let hi: i32 = 0;

export function qs8_finish_pack(table: usize, n: i32, zeroPoint: i32, low: i32, high: i32): void {
  const end = table + <usize>(n * ENTRY);
  for (let entry = table; entry < end; entry += ENTRY) {
    const factor = narrowFactor(load<f32>(entry), load<i32>(entry, 4), load<i32>(entry, 8), zeroPoint, low, high);
    store<f32>(entry, factor, 12);
  }
}

/** One entry per channel in bias (float32), multiplier and rshift (int32), each may be 0; `size` is the bytes of a result. */
export function openFinish(
  finish: i32, bias: usize, multiplier: usize, rshift: usize, size: i32, zeroPoint: i32, low: i32, high: i32,
): void {
  v128.store(PEAK, i32x4.splat(0));
  kind = finish;
  biases = bias;
  multipliers = multiplier;
  shifts = rshift;
  bytes = size;
  zero = zeroPoint;
  lo = low;
  hi = high;
  v128.store(BLOCK, narrowRounder(zero), 32);
  v128.store(BLOCK, i8x16.splat(<i8>lo), 48);
  v128.store(BLOCK, i8x16.splat(<i8>hi), 64);
  store<i32>(BLOCK, lo >= 0 ? (lo == 0 && hi == 255 ? 2 : 1) : 0, 80);
  v128.store(BLOCK, f64x2.splat(wideRounder(zero)), 160);
}

/** Can the four rows from `channel` be finished in registers, when the codes that meet `sums` of magnitudes reach `largest`? */
export function openBlock(channel: i32, sums: usize, largest: f64): bool {
  if (kind != Finish.packed || bytes != 1 || !isByteRange()) return false;
  let entry = biases + <usize>(channel * ENTRY);
  for (let r: usize = 0; r < 4; r++, entry += ENTRY) {
    const bias = load<f32>(entry);
    const factor = load<f32>(entry, 12);
    const magnitude = <f64>load<i32>(sums + (r << 2)) * largest + abs(<f64>bias);
    if (magnitude > EXACT || floor(bias) != bias) return false;
    store<i32>(BLOCK + (r << 2), <i32>bias);
    const isNarrow = isNarrowReach(magnitude, factor);
    store<f32>(BLOCK + (r << 2), isNarrow ? factor : 0, 16);
    if (!isNarrow && !openWideRow(r, load<i32>(entry, 4), load<i32>(entry, 8), magnitude)) return false;
  }
  return true;
}

function openWideRow(row: usize, m: i32, rshift: i32, magnitude: f64): bool {
  const factor = wideFactor(m, rshift);
  store<f64>(BLOCK + (row << 3), factor, 96);
  store<f64>(BLOCK + (row << 3), wideTie(rshift), 128);
  return isWideReach(magnitude, m, rshift, factor, zero);
}

/** The largest |accumulator| of those that could be beyond 2^24, as an unsigned number. */
export function peak(): u32 {
  return max(
    max(load<u32>(PEAK), load<u32>(PEAK, 4)),
    max(load<u32>(PEAK, 8), load<u32>(PEAK, 12)),
  );
}

/** Four accumulators whose sum with the bias float32 holds; `addend` has the bias in it. Two loads are cheaper than a shuffle. */
@inline
function scaleExact(acc: usize, factor: v128, addend: v128, rounder: v128): v128 {
  const low = f64x2.convert_low_i32x4_s(v128.load64_zero(acc));
  const high = f64x2.convert_low_i32x4_s(v128.load64_zero(acc, 8));
  return wideWords(low, high, factor, addend, rounder);
}

/** Four accumulators whose sum with the bias may lose bits. */
@inline
function scaleRounded(acc: v128, bias: v128, factor: v128, addend: v128, rounder: v128): v128 {
  const t = f32x4.trunc(f32x4.add(f32x4.convert_i32x4_s(acc), bias));
  const upper = v128.shuffle<i32>(t, t, 2, 3, 2, 3);
  return wideWords(f64x2.promote_low_f32x4(t), f64x2.promote_low_f32x4(upper), factor, addend, rounder);
}

@inline
function clamp4(v: v128, low: v128, high: v128): v128 {
  return i32x4.min_s(i32x4.max_s(v, low), high);
}

/**
 * Finishes `count` accumulators of `channel` into codes `stride` bytes apart. They lie in groups of eight, `step` bytes from
 * group to group, the last one readable to its end. No |accumulator| is beyond `reach`.
 */
export function finishLine(channel: i32, reach: f64, acc: usize, step: usize, y: usize, stride: usize, count: i32): void {
  if (kind == Finish.packed) {
    const entry = biases + <usize>(channel * ENTRY);
    const bias = load<f32>(entry);
    const factor = load<f32>(entry, 12);
    if (bytes == 1 && stride == 1 && isNarrowReach(reach + abs(<f64>bias), factor)) {
      finishNarrow(acc, step, y, count, i32x4.splat(<i32>bias), f32x4.splat(factor));
    } else {
      finishScaled(bias, load<i32>(entry, 4), load<i32>(entry, 8), reach, acc, step, y, stride, count);
    }
    return;
  }
  const o = <usize>channel << 2;
  finishScaled(
    biases ? load<f32>(biases + o) : 0, multipliers ? load<i32>(multipliers + o) : 1, shifts ? load<i32>(shifts + o) : 0,
    reach, acc, step, y, stride, count,
  );
}

function finishScaled(
  bias: f32, m: i32, rshift: i32, reach: f64, acc: usize, step: usize, y: usize, stride: usize, count: i32,
): void {
  const rs = min(rshift, 63);
  const magnitude = reach + abs(<f64>bias);
  const factor = wideFactor(m, rs);
  const isFine = (kind == Finish.multiplierShift || kind == Finish.packed) && isWideReach(magnitude, m, rs, factor, zero);
  const tie = wideTie(rs);
  const rounder = f64x2.splat(wideRounder(zero));
  if (reach > EXACT) watch(acc, step, count);
  if (isFine && magnitude <= EXACT && floor(bias) == bias) {
    const addend = f64x2.splat(<f64>bias * factor + tie);
    if (bytes == 1 && stride == 1 && isByteRange()) finishBytes(acc, step, y, count, f64x2.splat(factor), addend);
    else finishWords(acc, step, y, stride, count, f64x2.splat(factor), addend, rounder);
  } else if (isFine && (rs <= EXACT_SHIFT || magnitude <= EXACT)) {
    finishRounded(acc, step, y, stride, count, bias, f64x2.splat(factor), f64x2.splat(tie), rounder);
  } else if (kind == Finish.qdm) {
    finishQdm(acc, step, y, stride, count, bias, m, rs);
  } else {
    finishAny(acc, step, y, stride, count, bias, m, rs);
  }
}

function watch(acc: usize, step: usize, count: i32): void {
  let peaks = v128.load(PEAK);
  for (; count > 0; count -= 8) {
    const mask = MASK + (<usize>max(8 - count, 0) << 2);
    peaks = i32x4.max_u(peaks, v128.and(i32x4.abs(v128.load(acc)), v128.load(mask)));
    peaks = i32x4.max_u(peaks, v128.and(i32x4.abs(v128.load(acc, 16)), v128.load(mask, 16)));
    acc += step;
  }
  v128.store(PEAK, peaks);
}

/** What brings codes between `lo` and `hi` into the range of int8. */
@inline
function centre(): i32 {
  return hi > 127 ? CENTRE : 0;
}

@inline
function isByteRange(): bool {
  return lo - centre() >= -128 && hi - centre() <= 127;
}

/** Codes next to each other, sixteen at a time, in float32. */
function finishNarrow(acc: usize, step: usize, y: usize, count: i32, bias: v128, factor: v128): void {
  const rounder = narrowRounder(zero);
  const low = i8x16.splat(<i8>lo);
  const high = i8x16.splat(<i8>hi);
  const unsigned = lo >= 0;
  for (; count >= 16; count -= 16) {
    const next = acc + step;
    v128.store(
      y,
      unsigned
        ? narrow16(acc, next, bias, factor, rounder, true, low, high)
        : narrow16(acc, next, bias, factor, rounder, false, low, high),
    );
    acc = next + step;
    y += 16;
  }
  if (count == 0) return;
  const next = count > 8 ? acc + step : acc;
  const codes = unsigned
    ? narrow16(acc, next, bias, factor, rounder, true, low, high)
    : narrow16(acc, next, bias, factor, rounder, false, low, high);
  storeSome(y, codes, count);
}

/** The same in float64, for all others. They saturate as int8, around 0. */
function finishBytes(acc: usize, step: usize, y: usize, count: i32, factor: v128, addend: v128): void {
  const middle = centre();
  const rounder = f64x2.splat(wideRounder(zero - middle));
  const low = i8x16.splat(<i8>(lo - middle));
  const high = i8x16.splat(<i8>(hi - middle));
  const back = i8x16.splat(<i8>middle);
  for (; count > 0; count -= 16) {
    const next = count > 8 ? acc + step : acc;
    const a = i16x8.narrow_i32x4_s(
      scaleExact(acc, factor, addend, rounder), scaleExact(acc + 16, factor, addend, rounder),
    );
    const b = i16x8.narrow_i32x4_s(
      scaleExact(next, factor, addend, rounder), scaleExact(next + 16, factor, addend, rounder),
    );
    const codes = v128.xor(i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(a, b), low), high), back);
    if (count < 16) {
      storeSome(y, codes, count);
      return;
    }
    v128.store(y, codes);
    acc = next + step;
    y += 16;
  }
}

/** The first `count` (1…15) bytes. */
@inline
function storeSome(y: usize, codes: v128, count: i32): void {
  if (count & 8) {
    v128.store64_lane(y, codes, 0);
    codes = v128.shuffle<i64>(codes, codes, 1, 1);
    y += 8;
  }
  if (count & 4) {
    v128.store32_lane(y, codes, 0);
    codes = i64x2.shr_u(codes, 32);
    y += 4;
  }
  if (count & 2) {
    v128.store16_lane(y, codes, 0);
    codes = i64x2.shr_u(codes, 16);
    y += 2;
  }
  if (count & 1) v128.store8_lane(y, codes, 0);
}

function finishWords(
  acc: usize, step: usize, y: usize, stride: usize, count: i32, factor: v128, addend: v128, rounder: v128,
): void {
  const low = i32x4.splat(lo);
  const high = i32x4.splat(hi);
  for (; count > 0; count -= 8) {
    const a = clamp4(scaleExact(acc, factor, addend, rounder), low, high);
    const b = clamp4(scaleExact(acc + 16, factor, addend, rounder), low, high);
    storeRow(a, b, y, stride, min(count, 8));
    acc += step;
    y += stride << 3;
  }
}

function finishRounded(
  acc: usize, step: usize, y: usize, stride: usize, count: i32, bias: f32, factor: v128, addend: v128, rounder: v128,
): void {
  const b32 = f32x4.splat(bias);
  const low = i32x4.splat(lo);
  const high = i32x4.splat(hi);
  for (; count > 0; count -= 8) {
    const a = clamp4(scaleRounded(v128.load(acc), b32, factor, addend, rounder), low, high);
    const b = clamp4(scaleRounded(v128.load(acc, 16), b32, factor, addend, rounder), low, high);
    storeRow(a, b, y, stride, min(count, 8));
    acc += step;
    y += stride << 3;
  }
}

/** Stores `count` (1…8) of the eight int32 in `a`, `b`, `stride` bytes apart. */
@inline
function storeRow(a: v128, b: v128, y: usize, stride: usize, count: i32): void {
  if (bytes == 1 && stride == 1 && count == 8) {
    v128.store64_lane(y, v128.shuffle<i8>(a, b, 0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28), 0);
    return;
  }
  v128.store(ROW, a);
  v128.store(ROW, b, 16);
  for (let i = 0; i < count; i++) {
    storeCode(y, load<i32>(ROW + (<usize>i << 2)));
    y += stride;
  }
}

@inline
function storeCode(y: usize, code: i32): void {
  if (bytes == 1) store<u8>(y, <u8>code);
  else if (bytes == 2) store<u16>(y, <u16>code);
  else store<i32>(y, code);
}

/** Both roundings of `qdm`: the first leaves 32 bits, a half away from zero is a half up of what lies one lower below 0. */
@inline
export function qdm4(acc: v128, bias: v128, m: v128, round: v128, shift1: i32, shift2: i32): v128 {
  const t = i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.convert_i32x4_s(acc), bias));
  const a = i64x2.shr_u(i64x2.add(i64x2.extmul_low_i32x4_s(t, m), round), shift1);
  const b = i64x2.shr_u(i64x2.add(i64x2.extmul_high_i32x4_s(t, m), round), shift1);
  const v = v128.shuffle<i32>(a, b, 0, 2, 4, 6);
  if (shift2 == 0) return v;
  const half = i32x4.shr_s(i32x4.add(v, i32x4.shr_s(v, 31)), shift2 - 1);
  return i32x4.shr_s(i32x4.add(half, i32x4.splat(1)), 1);
}

function finishQdm(acc: usize, step: usize, y: usize, stride: usize, count: i32, bias: f32, m: i32, rs: i32): void {
  const b32 = f32x4.splat(bias);
  const m32 = i32x4.splat(m);
  const shift1 = 31 + min(rs, 0);
  const shift2 = min(max(rs, 0), 32);
  const round = i64x2.splat(<i64>1 << <i64>(shift1 - 1));
  const z32 = i32x4.splat(zero);
  const low = i32x4.splat(lo - zero);
  const high = i32x4.splat(hi - zero);
  for (; count > 0; count -= 8) {
    const a = clamp4(qdm4(v128.load(acc), b32, m32, round, shift1, shift2), low, high);
    const b = clamp4(qdm4(v128.load(acc, 16), b32, m32, round, shift1, shift2), low, high);
    storeRow(i32x4.add(a, z32), i32x4.add(b, z32), y, stride, min(count, 8));
    acc += step;
    y += stride << 3;
  }
}

/** Any multiplier and shift, and bare accumulators. */
function finishAny(acc: usize, step: usize, y: usize, stride: usize, count: i32, bias: f32, m: i32, rs: i32): void {
  for (let i = 0; i < count; i++) {
    const sum = load<i32>(acc + <usize>(i >> 3) * step + (<usize>(i & 7) << 2));
    if (kind == Finish.none) storeCode(y, sum);
    else storeCode(y, scaleCode(<i32>(<f32>sum + bias), m, rs, zero, lo, hi));
    y += stride;
  }
}

/** (x*multiplier) >> rshift + zero, half up, clamped. */
@inline
function scaleCode(x: i32, multiplier: i32, rshift: i32, zeroPoint: i32, low: i32, high: i32): i32 {
  const product = <i64>x * <i64>foldLeftShift(multiplier, rshift);
  const shift = <i64>min(max(rshift, 0), 63);
  const half = shift > 0 ? <i64>1 << (shift - 1) : 0;
  return <i32>min(max(((product + half) >> shift) + <i64>zeroPoint, <i64>low), <i64>high);
}
