import { loadTail, pairTotal } from '../lanes';

/** float64 lanes throughout: the iteration of calibration.md 6.3 stops on a difference of 1e-6. */
export function stats_octav(x: usize, n: i32, s: f32, out: usize): void {
  const bound = f32x4.splat(s);
  let low = f64x2.splat(0), high = f64x2.splat(0);
  let above = i32x4.splat(0);
  const end = x + (<usize>(n & ~3) << 2);
  const rest = n & 3;
  for (; x < end; x += 16) {
    const a = f32x4.abs(v128.load(x));
    const mask = f32x4.gt(a, bound);
    const v = v128.and(a, mask);
    above = i32x4.sub(above, mask);
    low = f64x2.add(low, f64x2.promote_low_f32x4(v));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3)));
  }
  if (rest) {
    // Missing lanes read as zero, which is above no s >= 0.
    const a = f32x4.abs(loadTail(x, rest));
    const mask = f32x4.gt(a, bound);
    const v = v128.and(a, mask);
    above = i32x4.sub(above, mask);
    low = f64x2.add(low, f64x2.promote_low_f32x4(v));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3)));
  }
  store<f64>(out, pairTotal(low, high));
  const count = i32x4.extract_lane(above, 0) + i32x4.extract_lane(above, 1) +
    i32x4.extract_lane(above, 2) + i32x4.extract_lane(above, 3);
  store<f64>(out, <f64>count, 8);
}
