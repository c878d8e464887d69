import { loadTail, tailMask } from '../lanes';

/** Where the counts of everything outside the table go: the address is chosen without a branch. */
const OUTSIDE: usize = memory.data(16, 16);

@inline
function count(counts: usize, bins: u32, bin: u32): void {
  const at = select<usize>(counts + (<usize>bin << 2), OUTSIDE, bin < bins);
  store<u32>(at, load<u32>(at) + 1);
}

@inline
function countFour(counts: usize, bins: u32, at: v128): void {
  count(counts, bins, i32x4.extract_lane(at, 0));
  count(counts, bins, i32x4.extract_lane(at, 1));
  count(counts, bins, i32x4.extract_lane(at, 2));
  count(counts, bins, i32x4.extract_lane(at, 3));
}

/** Bin of |v|, or all ones for zero and NaN; large values saturate, so both lie outside any table. */
@inline
function absBin(a: v128, width: v128): v128 {
  const bin = i32x4.trunc_sat_f32x4_u(f32x4.add(f32x4.div(a, width), f32x4.splat(0.5)));
  return v128.or(bin, v128.not(f32x4.gt(a, f32x4.splat(0))));
}

export function stats_histogram(x: usize, n: i32, width: f32, bins: i32, counts: usize): i32 {
  const w = f32x4.splat(width);
  const zero = f32x4.splat(0);
  let zeros = i32x4.splat(0);
  store<u32>(OUTSIDE, 0);
  const end = x + (<usize>(n & ~3) << 2);
  for (; x < end; x += 16) {
    const a = f32x4.abs(v128.load(x));
    zeros = i32x4.sub(zeros, f32x4.eq(a, zero));
    countFour(counts, bins, absBin(a, w));
  }
  const rest = n & 3;
  if (rest) {
    // The missing lanes read as zeros, which are not counted anyway.
    const a = f32x4.abs(loadTail(x, rest));
    zeros = i32x4.sub(zeros, f32x4.eq(a, zero));
    countFour(counts, bins, absBin(a, w));
  }
  const skipped = i32x4.extract_lane(zeros, 0) + i32x4.extract_lane(zeros, 1) +
    i32x4.extract_lane(zeros, 2) + i32x4.extract_lane(zeros, 3);
  return load<i32>(OUTSIDE) - skipped;
}

export function stats_histogram_signed(x: usize, n: i32, lo: f32, width: f32, bins: i32, counts: usize): i32 {
  const w = f32x4.splat(width), l = f32x4.splat(lo), top = f32x4.splat(<f32>bins);
  store<u32>(OUTSIDE, 0);
  let missing = 0;
  for (let i = 0; i < n; i += 4) {
    const rest = min(4, n - i);
    const v = rest == 4 ? v128.load(x) : loadTail(x, rest);
    const t = f32x4.div(f32x4.sub(v, l), w);
    let bin = i32x4.trunc_sat_f32x4_s(f32x4.floor(t));
    bin = i32x4.add(bin, f32x4.eq(t, top)); // the upper end belongs to the last bin: -1 where equal
    bin = v128.or(bin, f32x4.ne(t, t));
    if (rest < 4) {
      bin = v128.or(bin, v128.not(tailMask(rest)));
      missing = 4 - rest;
    }
    countFour(counts, bins, bin);
    x += 16;
  }
  return load<i32>(OUTSIDE) - missing;
}
