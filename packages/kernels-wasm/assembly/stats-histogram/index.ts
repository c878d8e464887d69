import { loadSome, loadTail, tailMask } from '../lanes';

/**
 * Where everything outside the table is counted, one word per lane: addresses are chosen without a branch, and a tensor full
 * of zeros does not wait for one word.
 */
const OUTSIDE: usize = memory.data(16, 16);

/** Tables of this size and less are counted lane by lane, so that four equal values do not wait for one another. */
const LANE_BINS: i32 = 4096;
/** Four counts per bin, one per lane. All zeros between calls. */
const LANES: usize = memory.data(65536, 16);

@inline
function increment(at: usize): void {
  store<u32>(at, load<u32>(at) + 1);
}

@inline
function countFour(counts: v128, bins: v128, bin: v128): void {
  const outside = i32x4.add(i32x4.splat(<i32>OUTSIDE), i32x4(0, 4, 8, 12));
  const at = v128.bitselect(i32x4.add(counts, i32x4.shl(bin, 2)), outside, i32x4.lt_u(bin, bins));
  increment(i32x4.extract_lane(at, 0));
  increment(i32x4.extract_lane(at, 1));
  increment(i32x4.extract_lane(at, 2));
  increment(i32x4.extract_lane(at, 3));
}

/** As countFour, each lane into its own column of LANES. */
@inline
function countLanes(bins: v128, bin: v128): void {
  const columns = i32x4(0, 4, 8, 12);
  const inside = i32x4.add(i32x4.splat(<i32>LANES), i32x4.shl(bin, 4));
  const at = i32x4.add(v128.bitselect(inside, i32x4.splat(<i32>OUTSIDE), i32x4.lt_u(bin, bins)), columns);
  increment(i32x4.extract_lane(at, 0));
  increment(i32x4.extract_lane(at, 1));
  increment(i32x4.extract_lane(at, 2));
  increment(i32x4.extract_lane(at, 3));
}

/** Adds the columns of LANES to the counts, and leaves zeros. */
function gatherLanes(bins: i32, counts: usize): void {
  const none = i32x4.splat(0);
  for (let i = 0; i < bins; i++) {
    const at = LANES + (<usize>i << 4);
    const own = v128.load(at);
    v128.store(at, none);
    const to = counts + (<usize>i << 2);
    store<i32>(to, load<i32>(to) + laneSum(own));
  }
}

@inline
function laneSum(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

/** Bin of |v|, or all ones for zero and NaN; large values saturate, so both lie outside any table. */
@inline
function absBin(a: v128, width: v128): v128 {
  const bin = i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.div(a, width), f32x4.splat(0.5)));
  return v128.or(bin, v128.not(f32x4.gt(a, f32x4.splat(0))));
}

export function stats_histogram(x: usize, n: i32, width: f32, bins: i32, counts: usize): i32 {
  const table = i32x4.splat(<i32>counts), size = i32x4.splat(bins);
  const w = f32x4.splat(width);
  const zero = f32x4.splat(0);
  let zeros = i32x4.splat(0);
  v128.store(OUTSIDE, i32x4.splat(0));
  const end = x + (<usize>(n & ~3) << 2);
  // Few values do not pay for adding up the lanes.
  const byLanes = bins <= LANE_BINS && n > bins;
  if (byLanes) {
    for (; x < end; x += 16) {
      const a = f32x4.abs(v128.load(x));
      zeros = i32x4.sub(zeros, f32x4.eq(a, zero));
      countLanes(size, absBin(a, w));
    }
    gatherLanes(bins, counts);
  } else {
    for (; x < end; x += 16) {
      const a = f32x4.abs(v128.load(x));
      zeros = i32x4.sub(zeros, f32x4.eq(a, zero));
      countFour(table, size, absBin(a, w));
    }
  }
  const rest = n & 3;
  if (rest) {
    // The missing lanes read as zeros, which are not counted anyway.
    const a = f32x4.abs(loadTail(x, rest));
    zeros = i32x4.sub(zeros, f32x4.eq(a, zero));
    countFour(table, size, absBin(a, w));
  }
  return laneSum(v128.load(OUTSIDE)) - laneSum(zeros);
}

export function stats_histogram_signed(x: usize, n: i32, lo: f32, width: f32, bins: i32, counts: usize): i32 {
  const table = i32x4.splat(<i32>counts), size = i32x4.splat(bins);
  const w = f32x4.splat(width), l = f32x4.splat(lo), top = f32x4.splat(<f32>bins);
  v128.store(OUTSIDE, i32x4.splat(0));
  let missing = 0;
  for (let i = 0; i < n; i += 4) {
    const rest = min(4, n - i);
    const v = loadSome(x, rest);
    const t = f32x4.div(f32x4.sub(v, l), w);
    let bin = i32x4.trunc_sat_f32x4_s(f32x4.floor(t));
    bin = i32x4.add(bin, f32x4.eq(t, top)); // the upper end belongs to the last bin: -1 where equal
    bin = v128.or(bin, f32x4.ne(t, t));
    if (rest < 4) {
      bin = v128.or(bin, v128.not(tailMask(rest)));
      missing = 4 - rest;
    }
    countFour(table, size, bin);
    x += 16;
  }
  return laneSum(v128.load(OUTSIDE)) - missing;
}

/** Bin of |v| among the positive values, or among the negative ones behind them; all ones for zero, NaN and what is too large. */
@inline
function halfBin(v: v128, inverse: v128, bins: v128): v128 {
  const a = f32x4.abs(v);
  const bin = i32x4.trunc_sat_f32x4_s(f32x4.mul(a, inverse));
  const behind = v128.and(f32x4.lt(v, f32x4.splat(0)), bins);
  const outside = v128.or(v128.not(f32x4.gt(a, f32x4.splat(0))), i32x4.ge_u(bin, bins));
  return v128.or(i32x4.add(bin, behind), outside);
}

export function stats_histogram_halves(x: usize, n: i32, inverse: f32, bins: i32, counts: usize): i32 {
  const table = i32x4.splat(<i32>counts), half = i32x4.splat(bins), size = i32x4.splat(bins << 1);
  const factor = f32x4.splat(inverse), zero = f32x4.splat(0);
  let zeros = i32x4.splat(0);
  v128.store(OUTSIDE, i32x4.splat(0));
  const end = x + (<usize>(n & ~3) << 2);
  for (; x < end; x += 16) {
    const v = v128.load(x);
    zeros = i32x4.sub(zeros, f32x4.eq(v, zero));
    countFour(table, size, halfBin(v, factor, half));
  }
  const rest = n & 3;
  if (rest) {
    // The missing lanes read as zeros, which are not counted anyway.
    const v = loadTail(x, rest);
    zeros = i32x4.sub(zeros, f32x4.eq(v, zero));
    countFour(table, size, halfBin(v, factor, half));
  }
  return laneSum(v128.load(OUTSIDE)) - laneSum(zeros);
}
