// Softmax of lowered float graphs: the exponentials of a row are added one after the other in float32, as the vendors'
// interpreter does. Definition: src/scalar/lowered-softmax.ts.

import { loadSome, storeSome } from '../lanes';
import { vexp } from '../vmath/exp';
import { vlog } from '../vmath/log';

/** Middle dimension of [outer, axis, inner]. In place. */
export function lowered_softmax(x: usize, y: usize, outer: i32, axis: i32, inner: i32, beta: f32, log: i32): void {
  const bytes = <usize>(axis * inner) << 2;
  for (let o = 0; o < outer; o++) {
    if (inner == 1) alongRow(x, y, axis, beta, log);
    else for (let i = 0; i < inner; i += 4) {
      const at = <usize>i << 2;
      downColumns(x + at, y + at, axis, <usize>inner << 2, min(4, inner - i), beta, log);
    }
    x += bytes;
    y += bytes;
  }
}

@inline
function share(e: v128, sum: v128, log: i32): v128 {
  const p = f32x4.div(e, sum);
  return log ? vlog(p) : p;
}

function alongRow(x: usize, y: usize, n: i32, beta: f32, log: i32): void {
  let top: f32 = load<f32>(x);
  for (let i = 1; i < n; i++) top = max<f32>(top, load<f32>(x + (<usize>i << 2)));
  const tops = f32x4.splat(top);
  const betas = f32x4.splat(beta);
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2;
    storeSome(y + at, vexp(f32x4.mul(f32x4.sub(loadSome(x + at, min(4, n - i)), tops), betas)), min(4, n - i));
  }
  let sum: f32 = 0;
  for (let i = 0; i < n; i++) sum += load<f32>(y + (<usize>i << 2));
  const sums = f32x4.splat(sum);
  for (let i = 0; i < n; i += 4) {
    const at = y + (<usize>i << 2);
    storeSome(at, share(loadSome(at, min(4, n - i)), sums, log), min(4, n - i));
  }
}

/** Up to four columns, elements `step` bytes apart. */
function downColumns(x: usize, y: usize, axis: i32, step: usize, count: i32, beta: f32, log: i32): void {
  const end = <usize>axis * step;
  let top = loadSome(x, count);
  for (let at = step; at < end; at += step) top = f32x4.max(top, loadSome(x + at, count));
  const betas = f32x4.splat(beta);
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < end; at += step) {
    const e = vexp(f32x4.mul(f32x4.sub(loadSome(x + at, count), top), betas));
    sum = f32x4.add(sum, e);
    storeSome(y + at, e, count);
  }
  for (let at: usize = 0; at < end; at += step) storeSome(y + at, share(loadSome(y + at, count), sum, log), count);
}
