// Normalization of rows in lowered float graphs: sums run in order in float32; in bfloat16 every step is rounded.
// Definition: src/scalar/lowered-norm.ts.

import { bf16 } from '../f16/index';

/** How a row's numbers are rounded. */
export const enum NormSteps {
  /** float32 throughout; without centre the rows are divided by the deviation. */
  float = 0,
  /** bfloat16 after every step. */
  bf16 = 1,
  /** bfloat16, but the terms of the variance and the root stay float32 (group and instance norm). */
  bf16Plain = 2,
}

@inline
function at(p: usize, i: i32): f32 {
  return load<f32>(p + (<usize>i << 2));
}

/** y = (x - mean) / deviation of rows of `n`; the mean is 0 unless `centred`. `average` is the rounded 1/n. In place. */
export function lowered_normalize(
  x: usize, y: usize, rows: i32, n: i32, eps: f32, average: f32, centred: i32, steps: i32,
): void {
  for (let row = 0; row < rows; row++) {
    if (steps == NormSteps.float) floatRow(x, y, n, eps, centred);
    else bf16Row(x, y, n, eps, average, centred, steps == NormSteps.bf16);
    x += <usize>n << 2;
    y += <usize>n << 2;
  }
}

function floatRow(x: usize, y: usize, n: i32, eps: f32, centred: i32): void {
  let sum: f32 = 0;
  if (centred) for (let i = 0; i < n; i++) sum += at(x, i);
  const mean = sum / <f32>n;
  let squares: f32 = 0;
  for (let i = 0; i < n; i++) {
    const distance = at(x, i) - mean;
    squares += distance * distance;
  }
  const deviation = sqrt<f32>(squares / <f32>n + eps);
  const inverse: f32 = <f32>1 / deviation;
  for (let i = 0; i < n; i++) {
    const distance = at(x, i) - mean;
    store<f32>(y + (<usize>i << 2), centred ? distance * inverse : distance / deviation);
  }
}

function bf16Row(x: usize, y: usize, n: i32, eps: f32, average: f32, centred: i32, late: bool): void {
  let sum: f32 = 0;
  if (centred) for (let i = 0; i < n; i++) sum += at(x, i) * average;
  const mean = bf16(sum);
  let squares: f32 = 0;
  for (let i = 0; i < n; i++) {
    const distance = bf16(at(x, i) - mean);
    const term = bf16(distance * distance) * average;
    squares += late ? bf16(term) : term;
  }
  const root = sqrt<f32>(bf16(bf16(squares) + bf16(eps)));
  const quotient: f32 = <f32>1 / (late ? bf16(root) : root);
  const inverse = late ? bf16(quotient) : quotient;
  for (let i = 0; i < n; i++) store<f32>(y + (<usize>i << 2), bf16(bf16(at(x, i) - mean) * inverse));
}

/**
 * y = y * weight + bias over [rows, n, inner], weight and bias [n] or 0; with `narrow` the product and the sum are rounded
 * to bfloat16.
 */
export function lowered_affine(y: usize, weight: usize, bias: usize, rows: i32, n: i32, inner: i32, narrow: i32): void {
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < n; i++) {
      const w: f32 = weight ? at(weight, i) : 1;
      const b: f32 = bias ? at(bias, i) : 0;
      for (let j = 0; j < inner; j++) {
        let v = load<f32>(y);
        if (weight) v = narrow ? bf16(v * w) : v * w;
        if (bias) v = narrow ? bf16(v + b) : v + b;
        store<f32>(y, v);
        y += 4;
      }
    }
  }
}
