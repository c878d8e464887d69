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
  let found = v128.any_true(nan) ? NAN : 0;
  // An empty range is +Infinity..-Infinity without any infinity in the data.
  if (lo <= hi && (lo == -Infinity || hi == Infinity)) found |= INFINITY;
  return found;
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
