// Normalization over the channels of every position, in float64, rounded once. Definition: src/scalar/f32-channels.ts.

import { dexp, dlog } from '../vmath/double';

/** One or two neighbouring elements in float64. */
@inline
function wide(x: usize, count: i32): v128 {
  return f64x2.promote_low_f32x4(count == 1 ? v128.load32_zero(x) : v128.load64_zero(x));
}

@inline
function storeNarrow(y: usize, v: v128, count: i32): void {
  const r = f32x4.demote_f64x2_zero(v);
  if (count == 1) v128.store32_lane(y, r, 0);
  else v128.store64_lane(y, r, 0);
}

/** x / (bias + alpha/size * sum of squares)^beta over `size` neighbouring channels of [outer, channels, inner]. */
export function f32_lrn(
  x: usize, y: usize, outer: i32, channels: i32, inner: i32, size: i32, alpha: f64, beta: f64, bias: f64,
): void {
  const step = <usize>inner << 2;
  const share = f64x2.splat(alpha / <f64>size);
  for (; outer > 0; outer--) {
    for (let c = 0; c < channels; c++) {
      const first = max(0, c - (size - 1 >> 1));
      const last = min(channels - 1, c + (size >> 1));
      const own = x + <usize>c * step;
      for (let i = 0; i < inner; i += 2) {
        const count = min(2, inner - i);
        const at = <usize>i << 2;
        let squares = f64x2.splat(0);
        for (let k = first; k <= last; k++) {
          const v = wide(x + <usize>k * step + at, count);
          squares = f64x2.add(squares, f64x2.mul(v, v));
        }
        const base = f64x2.add(f64x2.splat(bias), f64x2.mul(share, squares));
        const power = dexp(f64x2.mul(f64x2.splat(beta), dlog(base)));
        storeNarrow(y + <usize>c * step + at, f64x2.div(wide(own + at, count), power), count);
      }
    }
    x += <usize>channels * step;
    y += <usize>channels * step;
  }
}

/** (x - mean) / sqrt(variance + eps) over the channels of every position, times weight, plus bias [channels], or 0. In place. */
export function f32_pixelnorm(
  x: usize, weight: usize, bias: usize, y: usize, outer: i32, channels: i32, inner: i32, eps: f64,
): void {
  const step = <usize>inner << 2;
  const n = f64x2.splat(<f64>channels);
  for (; outer > 0; outer--) {
    for (let i = 0; i < inner; i += 2) {
      const count = min(2, inner - i);
      const from = x + (<usize>i << 2);
      const to = y + (<usize>i << 2);
      let sum = f64x2.splat(0);
      for (let c = 0; c < channels; c++) sum = f64x2.add(sum, wide(from + <usize>c * step, count));
      const mean = f64x2.div(sum, n);
      let squares = f64x2.splat(0);
      for (let c = 0; c < channels; c++) {
        const d = f64x2.sub(wide(from + <usize>c * step, count), mean);
        squares = f64x2.add(squares, f64x2.mul(d, d));
      }
      const deviation = f64x2.sqrt(f64x2.add(f64x2.div(squares, n), f64x2.splat(eps)));
      const inverse = f64x2.div(f64x2.splat(1), deviation);
      for (let c = 0; c < channels; c++) {
        const at = <usize>c * step;
        let v = f64x2.mul(f64x2.sub(wide(from + at, count), mean), inverse);
        if (weight) v = f64x2.mul(v, f64x2.splat(<f64>load<f32>(weight + (<usize>c << 2))));
        if (bias) v = f64x2.add(v, f64x2.splat(<f64>load<f32>(bias + (<usize>c << 2))));
        storeNarrow(to + at, v, count);
      }
    }
    x += <usize>channels * step;
    y += <usize>channels * step;
  }
}
