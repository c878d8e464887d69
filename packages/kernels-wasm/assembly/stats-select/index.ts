import { loadTail, pairTotal, tailMask } from '../lanes';
import { keepLanes, keepTail } from './compact';

// Written places never reach past those read, so that `kept` may be x itself.
export function stats_octav_keep(x: usize, n: i32, s: f32, out: usize, kept: usize): i32 {
  const bound = f32x4.splat(s);
  const first = kept;
  let low = f64x2.splat(0), high = f64x2.splat(0);
  const end = x + (<usize>(n & ~3) << 2);
  const rest = n & 3;
  for (; x < end; x += 16) {
    const a = f32x4.abs(v128.load(x));
    const mask = f32x4.gt(a, bound);
    const v = v128.and(a, mask);
    low = f64x2.add(low, f64x2.promote_low_f32x4(v));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3)));
    kept = keepLanes(kept, a, i32x4.bitmask(mask));
  }
  if (rest) {
    const a = f32x4.abs(loadTail(x, rest));
    const mask = f32x4.gt(a, bound);
    const v = v128.and(a, mask);
    low = f64x2.add(low, f64x2.promote_low_f32x4(v));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3)));
    kept = keepTail(kept, a, i32x4.bitmask(mask));
  }
  const count = <i32>((kept - first) >> 2);
  store<f64>(out, pairTotal(low, high));
  store<f64>(out, <f64>count, 8);
  return count;
}

/** Elements that are looked at together: one branch for each such block, which few values enter. */
const BLOCK: i32 = 16;

@inline
function outside(v: v128, low: v128, high: v128): v128 {
  return v128.or(f32x4.lt(v, low), f32x4.gt(v, high));
}

export function stats_outside(x: usize, n: i32, low: f32, high: f32, kept: usize, room: i32, out: usize): i32 {
  const lo = f32x4.splat(low), hi = f32x4.splat(high);
  const start = x, first = kept;
  const end = x + (<usize>(n & -BLOCK) << 2);
  const last = kept + (<usize>(room - BLOCK) << 2);
  for (; x < end && kept <= last; x += BLOCK << 2) {
    const a = v128.load(x), b = v128.load(x, 16), c = v128.load(x, 32), d = v128.load(x, 48);
    const inA = outside(a, lo, hi), inB = outside(b, lo, hi), inC = outside(c, lo, hi), inD = outside(d, lo, hi);
    if (!v128.any_true(v128.or(v128.or(inA, inB), v128.or(inC, inD)))) continue;
    kept = keepLanes(kept, a, i32x4.bitmask(inA));
    kept = keepLanes(kept, b, i32x4.bitmask(inB));
    kept = keepLanes(kept, c, i32x4.bitmask(inC));
    kept = keepLanes(kept, d, i32x4.bitmask(inD));
  }
  const rest = n & (BLOCK - 1);
  if (x == end && rest && kept <= last) {
    const stop = x + (<usize>(rest & ~3) << 2);
    for (; x < stop; x += 16) {
      const v = v128.load(x);
      kept = keepLanes(kept, v, i32x4.bitmask(outside(v, lo, hi)));
    }
    if (rest & 3) {
      const v = loadTail(x, rest & 3);
      kept = keepTail(kept, v, i32x4.bitmask(v128.and(outside(v, lo, hi), tailMask(rest & 3))));
      x += <usize>(rest & 3) << 2;
    }
  }
  store<i32>(out, <i32>((x - start) >> 2));
  return <i32>((kept - first) >> 2);
}
