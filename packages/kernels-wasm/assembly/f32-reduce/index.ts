// Reductions over the middle of [outer, axis, inner]. inner = 1: sums are long sums in chunks; otherwise float64 in axis
// order, four columns at a time. Products are float32 in axis order. NaN wins over every max and min.
import { larger, loadSome, Magnitude, Plain, Squared, storeSome, sumChunked } from '../lanes';
import { ReduceOp } from '../op-codes';

export function f32_reduce(op: i32, x: usize, y: usize, outer: i32, axis: i32, inner: i32): void {
  const bytes = <usize>(axis * inner) << 2;
  for (let o = 0; o < outer; o++, x += bytes) {
    if (inner == 1) {
      store<f32>(y, contiguous(op, x, axis));
      y += 4;
      continue;
    }
    for (let i = 0; i < inner; i += 4) {
      const count = min(4, inner - i);
      const v = columns(op, x + (<usize>i << 2), axis, <usize>inner << 2, count);
      storeSome(y, v, count);
      y += <usize>count << 2;
    }
  }
}

function contiguous(op: i32, x: usize, n: i32): f32 {
  switch (op) {
    case ReduceOp.sum: return <f32>sumChunked<Plain>(x, n, 0);
    case ReduceOp.mean: return <f32>(sumChunked<Plain>(x, n, 0) / n);
    case ReduceOp.l1: return <f32>sumChunked<Magnitude>(x, n, 0);
    case ReduceOp.l2: return <f32>sqrt<f64>(sumChunked<Squared>(x, n, 0));
    default: break;
  }
  let acc = load<f32>(x);
  if (op == ReduceOp.prod) {
    for (let i = 1; i < n; i++) acc *= load<f32>(x + (<usize>i << 2));
    return acc;
  }
  const isMax = op == ReduceOp.max;
  let lanes = f32x4.splat(acc);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const v = v128.load(x + (<usize>i << 2));
    lanes = isMax ? larger(lanes, v) : f32x4.min(lanes, v);
  }
  const a = f32x4.extract_lane(lanes, 0), b = f32x4.extract_lane(lanes, 1);
  const c = f32x4.extract_lane(lanes, 2), d = f32x4.extract_lane(lanes, 3);
  acc = isMax ? max<f32>(max<f32>(a, b), max<f32>(c, d)) : min<f32>(min<f32>(a, b), min<f32>(c, d));
  for (; i < n; i++) {
    const v = load<f32>(x + (<usize>i << 2));
    acc = isMax ? max<f32>(acc, v) : min<f32>(acc, v);
  }
  return acc;
}

function columns(op: i32, x: usize, axis: i32, step: usize, count: i32): v128 {
  const end = x + <usize>axis * step;
  if (op == ReduceOp.max || op == ReduceOp.min || op == ReduceOp.prod) {
    let acc = loadSome(x, count);
    for (x += step; x < end; x += step) {
      const v = loadSome(x, count);
      acc = op == ReduceOp.max ? larger(acc, v) : op == ReduceOp.min ? f32x4.min(acc, v) : f32x4.mul(acc, v);
    }
    return acc;
  }
  let low = f64x2.splat(0), high = f64x2.splat(0);
  for (; x < end; x += step) {
    let v = loadSome(x, count);
    if (op == ReduceOp.l1) v = f32x4.abs(v);
    else if (op == ReduceOp.l2) v = f32x4.mul(v, v);
    low = f64x2.add(low, f64x2.promote_low_f32x4(v));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3)));
  }
  if (op == ReduceOp.mean) {
    const n = f64x2.splat(<f64>axis);
    low = f64x2.div(low, n);
    high = f64x2.div(high, n);
  } else if (op == ReduceOp.l2) {
    low = f64x2.sqrt(low);
    high = f64x2.sqrt(high);
  }
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}

export function f32_argmax(x: usize, y: usize, outer: i32, axis: i32, inner: i32, min: i32, last: i32): void {
  const step = <usize>inner << 2;
  for (let o = 0; o < outer; o++, x += <usize>axis * step) {
    for (let i = 0; i < inner; i++, y += 4) {
      let p = x + (<usize>i << 2);
      let best = load<f32>(p);
      let at = 0;
      for (let k = 1; k < axis; k++) {
        p += step;
        const v = load<f32>(p);
        const better = min ? v < best : v > best;
        if (better || (last && v == best)) {
          best = v;
          at = k;
        }
      }
      store<i32>(y, at);
    }
  }
}
