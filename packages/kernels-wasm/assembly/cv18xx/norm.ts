// LayerNorm of the CV18xx in bfloat16 steps, its reciprocal square root from tables (numerics.md 10). Definition:
// src/scalar/cv18xx-rows.ts.

import { loadSome, storeSome } from '../lanes';
import { cvRound } from './bf16';
import { mantissa } from './tables';

@inline
function round(v: f32): f32 {
  return f32x4.extract_lane(cvRound(f32x4.splat(v)), 0);
}

/** acc and the first `count` lanes, one after the other. */
@inline
function inOrder(acc: f32, v: v128, count: i32): f32 {
  acc += f32x4.extract_lane(v, 0);
  if (count > 1) acc += f32x4.extract_lane(v, 1);
  if (count > 2) acc += f32x4.extract_lane(v, 2);
  if (count > 3) acc += f32x4.extract_lane(v, 3);
  return acc;
}

/** Rows of `n`; weight and bias [n], or 0; `share` is the rounded 1/n, `eps` is rounded. In place. */
export function cv_layernorm(
  x: usize, y: usize, weight: usize, bias: usize, rows: i32, n: i32, share: f32, eps: f32, exponents: usize, mantissas: usize,
): void {
  const shares = f32x4.splat(share);
  for (; rows > 0; rows--) {
    let sum: f32 = 0;
    for (let i = 0; i < n; i += 4) {
      const count = min(4, n - i);
      sum = inOrder(sum, f32x4.mul(loadSome(x + (<usize>i << 2), count), shares), count);
    }
    const mean = f32x4.splat(round(sum));
    let squares: f32 = 0;
    for (let i = 0; i < n; i += 4) {
      const count = min(4, n - i);
      const d = cvRound(f32x4.sub(loadSome(x + (<usize>i << 2), count), mean));
      squares = inOrder(squares, cvRound(f32x4.mul(cvRound(f32x4.mul(d, d)), shares)), count);
    }
    const factor = f32x4.splat(mantissa(round(round(squares) + eps), exponents, mantissas, false));
    for (let i = 0; i < n; i += 4) {
      const count = min(4, n - i);
      const at = <usize>i << 2;
      let v = cvRound(f32x4.mul(cvRound(f32x4.sub(loadSome(x + at, count), mean)), factor));
      if (weight) v = cvRound(f32x4.mul(v, loadSome(weight + at, count)));
      if (bias) v = cvRound(f32x4.add(v, loadSome(bias + at, count)));
      storeSome(y + at, v, count);
    }
    x += <usize>n << 2;
    y += <usize>n << 2;
  }
}
