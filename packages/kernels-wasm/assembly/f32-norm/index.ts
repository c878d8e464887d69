// Layer, instance and RMS normalisation of contiguous rows. Mean and variance are long sums in chunks, rounded to float32.
import { loadTail, Plain, Squared, SquaredFrom, storeTail, sumChunked } from '../lanes';

export function f32_layernorm(x: usize, weight: usize, bias: usize, y: usize, outer: i32, inner: i32, eps: f32): void {
  const bytes = <usize>inner << 2;
  for (let o = 0; o < outer; o++, x += bytes, y += bytes) {
    const mean = <f32>(sumChunked<Plain>(x, inner, 0) / inner);
    perElement(x, weight, bias, y, inner, mean, invStd(x, inner, mean, eps));
  }
}

export function f32_instancenorm(
  x: usize, weight: usize, bias: usize, y: usize, outer: i32, channels: i32, inner: i32, eps: f32,
): void {
  const bytes = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, x += bytes, y += bytes) {
      const at = <usize>c << 2;
      const mean = <f32>(sumChunked<Plain>(x, inner, 0) / inner);
      const inv = invStd(x, inner, mean, eps);
      const m = f32x4.splat(mean), r = f32x4.splat(inv);
      const w = weight ? v128.load32_splat(weight + at) : f32x4.splat(1);
      const b = bias ? v128.load32_splat(bias + at) : f32x4.splat(-0.0);
      let i: usize = 0;
      const whole = <usize>(inner & ~3) << 2;
      for (; i < whole; i += 16) {
        v128.store(y + i, f32x4.add(f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x + i), m), r), w), b));
      }
      const rest = inner & 3;
      if (rest) storeTail(y + i, f32x4.add(f32x4.mul(f32x4.mul(f32x4.sub(loadTail(x + i, rest), m), r), w), b), rest);
    }
  }
}

export function f32_rmsnorm(x: usize, weight: usize, y: usize, outer: i32, inner: i32, eps: f32): void {
  const bytes = <usize>inner << 2;
  for (let o = 0; o < outer; o++, x += bytes, y += bytes) {
    const meanSquare = <f32>(sumChunked<Squared>(x, inner, 0) / inner);
    perElement(x, weight, 0, y, inner, 0, 1 / sqrt<f32>(meanSquare + eps));
  }
}

@inline
function invStd(x: usize, n: i32, mean: f32, eps: f32): f32 {
  const variance = <f32>(sumChunked<SquaredFrom>(x, n, mean) / n);
  return 1 / sqrt<f32>(variance + eps);
}

/** y = (x - mean)*inv, then *weight[i] and +bias[i] where given. */
function perElement(x: usize, weight: usize, bias: usize, y: usize, n: i32, mean: f32, inv: f32): void {
  const m = f32x4.splat(mean), r = f32x4.splat(inv);
  let i: usize = 0;
  const whole = <usize>(n & ~3) << 2;
  for (; i < whole; i += 16) {
    let v = f32x4.mul(f32x4.sub(v128.load(x + i), m), r);
    if (weight) v = f32x4.mul(v, v128.load(weight + i));
    if (bias) v = f32x4.add(v, v128.load(bias + i));
    v128.store(y + i, v);
  }
  const rest = n & 3;
  if (rest) {
    let v = f32x4.mul(f32x4.sub(loadTail(x + i, rest), m), r);
    if (weight) v = f32x4.mul(v, loadTail(weight + i, rest));
    if (bias) v = f32x4.add(v, loadTail(bias + i, rest));
    storeTail(y + i, v, rest);
  }
}
