// Reductions of lowered float graphs: sums in order in float32 (numerics.md 11). Definition: src/scalar/lowered-reduce.ts.

import { loadSome, storeSome } from '../lanes';
import { LoweredReduce } from '../op-codes';

/** Middle dimension of [outer, axis, inner]; `factor` multiplies the sum of a mean. */
export function lowered_reduce(op: i32, x: usize, y: usize, outer: i32, axis: i32, inner: i32, factor: f32): void {
  const bytes = <usize>(axis * inner) << 2;
  for (let o = 0; o < outer; o++) {
    if (op == LoweredReduce.l2) {
      for (let i = 0; i < inner; i++) store<f32>(y + (<usize>i << 2), root(x + (<usize>i << 2), axis, <usize>inner << 2));
    } else {
      for (let i = 0; i < inner; i += 4) {
        const count = min(4, inner - i);
        const at = <usize>i << 2;
        let sum = total(x + at, axis, <usize>inner << 2, count, op == LoweredReduce.l1);
        if (op == LoweredReduce.mean) sum = f32x4.mul(sum, f32x4.splat(factor));
        storeSome(y + at, sum, count);
      }
    }
    x += bytes;
    y += <usize>inner << 2;
  }
}

function total(x: usize, axis: i32, step: usize, count: i32, absolute: bool): v128 {
  let sum = f32x4.splat(0);
  if (count == 1) {
    let one: f32 = 0;
    for (; axis > 0; axis--) {
      const v = load<f32>(x);
      one += absolute ? abs(v) : v;
      x += step;
    }
    return f32x4.splat(one);
  }
  for (; axis > 0; axis--) {
    const v = loadSome(x, count);
    sum = f32x4.add(sum, absolute ? f32x4.abs(v) : v);
    x += step;
  }
  return sum;
}

/** Squares and each sum in float64, the sum narrowed every time. */
function root(x: usize, axis: i32, step: usize): f32 {
  let sum: f32 = 0;
  for (; axis > 0; axis--) {
    const v = <f64>load<f32>(x);
    sum = <f32>(<f64>sum + v * v);
    x += step;
  }
  return <f32>sqrt<f64>(<f64>sum);
}
