/** Bits of the answer. */
const NAN: i32 = 1;
const INFINITY: i32 = 2;

@inline
function lowest(v: v128): f32 {
  return min<f32>(min<f32>(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)), min<f32>(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)));
}

@inline
function highest(v: v128): f32 {
  return max<f32>(max<f32>(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)), max<f32>(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)));
}

// pmin(acc, v) keeps acc when v is NaN, so NaN never enters the range; a separate mask remembers that it was there.
export function stats_minmax(x: usize, n: i32, out: usize): i32 {
  let lo0 = f32x4.splat(Infinity), lo1 = lo0, hi0 = f32x4.splat(-Infinity), hi1 = hi0;
  let nan = i32x4.splat(0);
  const end = x + (<usize>(n & ~7) << 2);
  for (; x < end; x += 32) {
    const a = v128.load(x), b = v128.load(x, 16);
    lo0 = f32x4.pmin(lo0, a);
    hi0 = f32x4.pmax(hi0, a);
    lo1 = f32x4.pmin(lo1, b);
    hi1 = f32x4.pmax(hi1, b);
    nan = v128.or(nan, v128.or(f32x4.ne(a, a), f32x4.ne(b, b)));
  }
  for (let i = n & 7; i > 0; i--, x += 4) {
    const a = v128.load32_splat(x);
    lo0 = f32x4.pmin(lo0, a);
    hi0 = f32x4.pmax(hi0, a);
    nan = v128.or(nan, f32x4.ne(a, a));
  }
  const lo = lowest(f32x4.pmin(lo0, lo1));
  const hi = highest(f32x4.pmax(hi0, hi1));
  store<f32>(out, lo);
  store<f32>(out, hi, 4);
  return (v128.any_true(nan) ? NAN : 0) | infinityIn(lo, hi);
}

/** Whether a range shows an infinity. */
@inline
function infinityIn(lo: f32, hi: f32): i32 {
  // An empty range is +Infinity..-Infinity without any infinity in the data.
  return lo <= hi && (lo == -Infinity || hi == Infinity) ? INFINITY : 0;
}

export function stats_minmax_channels(x: usize, outer: i32, channels: i32, inner: i32, out: usize): i32 {
  const nothing = f32x4(Infinity, -Infinity, Infinity, -Infinity);
  for (let c = 0; c < channels; c++) v128.store64_lane(out + (<usize>c << 3), nothing, 0);
  if (inner == 1) return minmaxColumns(x, outer, channels, out);
  let found = 0;
  const own = ROW_RANGE;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, x += <usize>inner << 2) {
      found |= stats_minmax(x, inner, own);
      const to = out + (<usize>c << 3);
      store<f32>(to, min<f32>(load<f32>(to), load<f32>(own)));
      store<f32>(to, max<f32>(load<f32>(to, 4), load<f32>(own, 4)), 4);
    }
  }
  return found;
}

/** The range of one row. */
const ROW_RANGE: usize = memory.data(8, 8);

/** Channels side by side: four ranges per vector of data. */
function minmaxColumns(x: usize, outer: i32, channels: i32, out: usize): i32 {
  let nan = i32x4.splat(0);
  for (let o = 0; o < outer; o++) {
    let to = out;
    let c = 0;
    for (; c + 4 <= channels; c += 4, x += 16, to += 32) {
      const v = v128.load(x);
      nan = v128.or(nan, f32x4.ne(v, v));
      widen(to, v128.shuffle<f32>(v, v, 0, 0, 1, 1));
      widen(to + 16, v128.shuffle<f32>(v, v, 2, 2, 3, 3));
    }
    for (; c < channels; c++, x += 4, to += 8) {
      const v = v128.load32_splat(x);
      nan = v128.or(nan, f32x4.ne(v, v));
      const own = v128.load64_zero(to);
      v128.store64_lane(to, v128.shuffle<f32>(f32x4.pmin(own, v), f32x4.pmax(own, v), 0, 5, 2, 7), 0);
    }
  }
  let found = v128.any_true(nan) ? NAN : 0;
  for (let c = 0; c < channels; c++, out += 8) found |= infinityIn(load<f32>(out), load<f32>(out, 4));
  return found;
}

/** Two ranges (min, max, min, max) widened to hold v, which has every value twice. */
@inline
function widen(range: usize, v: v128): void {
  const own = v128.load(range);
  v128.store(range, v128.shuffle<f32>(f32x4.pmin(own, v), f32x4.pmax(own, v), 0, 5, 2, 7));
}

export function stats_find_nonfinite(x: usize, n: i32): i32 {
  let i = 0;
  const limit = i32x4.splat(0x7f800000);
  for (; i + 4 <= n; i += 4) {
    const v = v128.load(x + (<usize>i << 2));
    if (v128.any_true(i32x4.eq(v128.and(v, limit), limit))) break;
  }
  for (; i < n; i++) {
    if ((load<u32>(x + (<usize>i << 2)) & 0x7f800000) == 0x7f800000) return i;
  }
  return -1;
}
