import { CHUNK, DistanceFrom, laneTotal, loadTail, pairTotal, sumChunked, tailMask } from '../lanes';

export function stats_moments(x: usize, n: i32, out: usize): void {
  let sum: f64 = 0, squares: f64 = 0, magnitudes: f64 = 0;
  for (let done = 0; done < n; done += CHUNK) {
    const count = min(CHUNK, n - done);
    let s = f32x4.splat(0), q = f32x4.splat(0), a = f32x4.splat(0);
    const end = x + (<usize>(count & ~3) << 2);
    for (; x < end; x += 16) {
      const v = v128.load(x);
      s = f32x4.add(s, v);
      q = f32x4.add(q, f32x4.mul(v, v));
      a = f32x4.add(a, f32x4.abs(v));
    }
    const rest = count & 3;
    if (rest) {
      // The missing lanes read as zeros and add nothing to any of the three.
      const v = loadTail(x, rest);
      s = f32x4.add(s, v);
      q = f32x4.add(q, f32x4.mul(v, v));
      a = f32x4.add(a, f32x4.abs(v));
    }
    sum += laneTotal(s);
    squares += laneTotal(q);
    magnitudes += laneTotal(a);
  }
  store<f64>(out, load<f64>(out) + sum);
  store<f64>(out, load<f64>(out, 8) + squares, 8);
  store<f64>(out, load<f64>(out, 16) + magnitudes, 16);
}

export function stats_moments_channels(x: usize, outer: i32, channels: i32, inner: i32, out: usize): void {
  for (let o = 0; o < outer; o++) {
    let to = out;
    for (let c = 0; c < channels; c++, x += <usize>inner << 2, to += 24) stats_moments(x, inner, to);
  }
}

export function stats_absdev(x: usize, n: i32, m: f32): f64 {
  return sumChunked<DistanceFrom>(x, n, m);
}

export function stats_central_moments(x: usize, n: i32, m: f64, out: usize): void {
  const mean = f64x2.splat(m);
  let second01 = f64x2.splat(0), second23 = f64x2.splat(0), fourth01 = f64x2.splat(0), fourth23 = f64x2.splat(0);
  const end = x + (<usize>(n & ~3) << 2);
  for (; x < end; x += 16) {
    const v = v128.load(x);
    let low = f64x2.sub(f64x2.promote_low_f32x4(v), mean);
    let high = f64x2.sub(f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3)), mean);
    low = f64x2.mul(low, low);
    high = f64x2.mul(high, high);
    second01 = f64x2.add(second01, low);
    second23 = f64x2.add(second23, high);
    fourth01 = f64x2.add(fourth01, f64x2.mul(low, low));
    fourth23 = f64x2.add(fourth23, f64x2.mul(high, high));
  }
  const rest = n & 3;
  if (rest) {
    const v = loadTail(x, rest);
    const mask = tailMask(rest);
    let low = f64x2.sub(f64x2.promote_low_f32x4(v), mean);
    let high = f64x2.sub(f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3)), mean);
    low = v128.and(f64x2.mul(low, low), v128.shuffle<i32>(mask, mask, 0, 0, 1, 1));
    high = v128.and(f64x2.mul(high, high), v128.shuffle<i32>(mask, mask, 2, 2, 3, 3));
    second01 = f64x2.add(second01, low);
    second23 = f64x2.add(second23, high);
    fourth01 = f64x2.add(fourth01, f64x2.mul(low, low));
    fourth23 = f64x2.add(fourth23, f64x2.mul(high, high));
  }
  store<f64>(out, pairTotal(second01, second23));
  store<f64>(out, pairTotal(fourth01, fourth23), 8);
}
