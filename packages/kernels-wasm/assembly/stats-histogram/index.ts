import { loadTail, tailMask } from '../lanes';
import { Binning, Halves, Magnitudes, Signed } from './binning';
import { COLUMN_SLOTS, COLUMN_VECTORS, countColumns, gatherColumns, takeSlot } from './columns';

/** Where a direct count puts everything outside the table: addresses are chosen without a branch. */
const OUTSIDE: usize = memory.data(16, 16);

/** 2^23 as a float32 and its bits: added to a whole number in 0..2^23 it leaves the number in the low bits. */
const MAGIC: f32 = 8388608;
const MAGIC_BITS: i32 = 0x4b000000;

@inline
function increment(at: usize): void {
  store<u32>(at, load<u32>(at) + 1);
}

/**
 * Counts four places straight into the caller's table. Places 0..gap-1 and gap+1..top-1 are its counts in order.
 */
@inline
function countDirect(counts: usize, place: v128, gap: v128, top: v128): void {
  const index = i32x4.sub(f32x4.add(place, f32x4.splat(MAGIC + 1)), i32x4.splat(MAGIC_BITS + 1));
  const behind = i32x4.add(index, f32x4.gt(place, gap));
  const inside = v128.and(v128.and(f32x4.ge(place, f32x4.splat(0)), f32x4.lt(place, top)), f32x4.ne(place, gap));
  const to = i32x4.add(i32x4.splat(<i32>counts), i32x4.shl(behind, 2));
  const at = v128.bitselect(to, i32x4.splat(<i32>OUTSIDE), inside);
  increment(i32x4.extract_lane(at, 0));
  increment(i32x4.extract_lane(at, 1));
  increment(i32x4.extract_lane(at, 2));
  increment(i32x4.extract_lane(at, 3));
}

@inline
function laneSum(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

/**
 * Counts x into `counts`. `a` and `b` are the rule's; `gap` is the place of the hole between two halves, or `top`. Returns how
 * many fell outside.
 */
function count<T extends Binning>(x: usize, n: i32, a: f32, b: f32, gap: i32, top: i32, counts: usize): i32 {
  const rule = changetype<T>(0);
  const va = f32x4.splat(a), vb = f32x4.splat(b), vTop = f32x4.splat(<f32>top), vGap = f32x4.splat(<f32>gap);
  const zero = f32x4.splat(0);
  let zeros = i32x4.splat(0);
  let outside = 0;
  let vectors = n >> 2;
  v128.store(OUTSIDE, i32x4.splat(0));
  // Few values do not pay for adding up the columns.
  if (top + 2 <= COLUMN_SLOTS && n > 2 * top) {
    while (vectors > 0) {
      const block = min(vectors, COLUMN_VECTORS);
      for (const end = x + (<usize>(block & ~1) << 4); x < end; x += 32) {
        const v = v128.load(x), w = v128.load(x, 16);
        if (rule.skipsZeros()) zeros = i32x4.sub(i32x4.sub(zeros, f32x4.eq(v, zero)), f32x4.eq(w, zero));
        countColumns(rule.place(v, va, vb, vTop));
        countColumns(rule.place(w, va, vb, vTop));
      }
      if (block & 1) {
        const v = v128.load(x);
        if (rule.skipsZeros()) zeros = i32x4.sub(zeros, f32x4.eq(v, zero));
        countColumns(rule.place(v, va, vb, vTop));
        x += 16;
      }
      vectors -= block;
      outside += takeSlot(0) + takeSlot(top + 1) + gatherHalves(gap, top, counts);
    }
  } else {
    for (const end = x + (<usize>vectors << 4); x < end; x += 16) {
      const v = v128.load(x);
      if (rule.skipsZeros()) zeros = i32x4.sub(zeros, f32x4.eq(v, zero));
      countDirect(counts, rule.place(v, va, vb, vTop), vGap, vTop);
    }
  }
  const rest = n & 3;
  if (rest) {
    // The missing lanes become NaN, which lies outside.
    const v = v128.or(loadTail(x, rest), v128.not(tailMask(rest)));
    if (rule.skipsZeros()) zeros = i32x4.sub(zeros, f32x4.eq(v, zero));
    countDirect(counts, rule.place(v, va, vb, vTop), vGap, vTop);
    outside -= 4 - rest;
  }
  if (rule.skipsZeros()) store<i32>(counts, load<i32>(counts) - laneSum(zeros));
  return outside + laneSum(v128.load(OUTSIDE));
}

/** Adds the columns to the counts; returns what the hole between two halves caught. */
@inline
function gatherHalves(gap: i32, top: i32, counts: usize): i32 {
  gatherColumns(1, gap, counts);
  if (gap == top) return 0;
  gatherColumns(gap + 2, top - gap - 1, counts + (<usize>gap << 2));
  return takeSlot(gap + 1);
}

export function stats_histogram(x: usize, n: i32, width: f32, bins: i32, counts: usize): i32 {
  return count<Magnitudes>(x, n, width, 0, bins, bins, counts);
}

export function stats_histogram_signed(x: usize, n: i32, lo: f32, width: f32, bins: i32, counts: usize): i32 {
  return count<Signed>(x, n, width, lo, bins, bins, counts);
}

export function stats_histogram_halves(x: usize, n: i32, inverse: f32, bins: i32, counts: usize): i32 {
  return count<Halves>(x, n, inverse, <f32>bins, bins, (bins << 1) + 1, counts);
}

export function stats_histogram_channels(
  x: usize, outer: i32, channels: i32, inner: i32, widths: usize, bins: i32, counts: usize,
): i32 {
  let outside = 0;
  for (let o = 0; o < outer; o++) {
    let to = counts;
    for (let c = 0; c < channels; c++, x += <usize>inner << 2, to += <usize>bins << 2) {
      outside += stats_histogram(x, inner, load<f32>(widths + (<usize>c << 2)), bins, to);
    }
  }
  return outside;
}
