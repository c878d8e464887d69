import { clamp, loadTail, storeTail } from '../lanes';
import { BinaryOp } from '../op-codes';
import * as ops from './ops';

function map<T extends ops.Binary>(
  a: usize, aStep: i32, b: usize, bStep: i32, y: usize, n: i32, ca: f32, cb: f32, lo: f32, hi: f32,
): void {
  const op = changetype<T>(0);
  const p = f32x4.splat(ca), q = f32x4.splat(cb), l = f32x4.splat(lo), h = f32x4.splat(hi);
  const end = y + (<usize>(n & ~3) << 2);
  const rest = n & 3;
  if (aStep != 0 && bStep != 0) {
    for (; y < end; y += 16, a += 16, b += 16) v128.store(y, clamp(op.of(v128.load(a), v128.load(b), p, q), l, h));
    if (rest) storeTail(y, clamp(op.of(loadTail(a, rest), loadTail(b, rest), p, q), l, h), rest);
  } else if (aStep != 0) {
    const s = v128.load32_splat(b);
    for (; y < end; y += 16, a += 16) v128.store(y, clamp(op.of(v128.load(a), s, p, q), l, h));
    if (rest) storeTail(y, clamp(op.of(loadTail(a, rest), s, p, q), l, h), rest);
  } else {
    const s = v128.load32_splat(a);
    if (bStep == 0) {
      const v = clamp(op.of(s, v128.load32_splat(b), p, q), l, h);
      for (; y < end; y += 16) v128.store(y, v);
      if (rest) storeTail(y, v, rest);
      return;
    }
    for (; y < end; y += 16, b += 16) v128.store(y, clamp(op.of(s, v128.load(b), p, q), l, h));
    if (rest) storeTail(y, clamp(op.of(s, loadTail(b, rest), p, q), l, h), rest);
  }
}

export function f32_binary(
  op: i32, a: usize, aStep: i32, b: usize, bStep: i32, y: usize, n: i32, ca: f32, cb: f32, lo: f32, hi: f32,
): void {
  switch (op) {
    case BinaryOp.add: return map<ops.Add>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.sub: return map<ops.Sub>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.mul: return map<ops.Mul>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.div: return map<ops.Div>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.max: return map<ops.Max>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.min: return map<ops.Min>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.pow: return map<ops.Pow>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.addScaled: return map<ops.AddScaled>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.squaredDifference: return map<ops.SquaredDifference>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.fmod: return map<ops.Fmod>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.floorMod: return map<ops.FloorMod>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.equal: return map<ops.Equal>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.notEqual: return map<ops.NotEqual>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.less: return map<ops.Less>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.lessOrEqual: return map<ops.LessOrEqual>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.greater: return map<ops.Greater>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.greaterOrEqual: return map<ops.GreaterOrEqual>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.and: return map<ops.And>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.or: return map<ops.Or>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    case BinaryOp.xor: return map<ops.Xor>(a, aStep, b, bStep, y, n, ca, cb, lo, hi);
    default: unreachable();
  }
}

export function f32_binary_nd(
  op: i32, a: usize, b: usize, y: usize, rank: i32, plan: usize, ca: f32, cb: f32, lo: f32, hi: f32,
): void {
  walk(op, a, b, y, rank, plan, plan + (<usize>rank << 2), plan + (<usize>rank << 3), ca, cb, lo, hi);
}

/** One dimension: returns where the next output element goes. */
function walk(
  op: i32, a: usize, b: usize, y: usize, rank: i32, dims: usize, aStrides: usize, bStrides: usize,
  ca: f32, cb: f32, lo: f32, hi: f32,
): usize {
  const n = load<i32>(dims);
  const aStride = load<i32>(aStrides);
  const bStride = load<i32>(bStrides);
  const aBytes = <isize>aStride << 2;
  const bBytes = <isize>bStride << 2;
  if (rank > 1) {
    for (let i = 0; i < n; i++, a += aBytes, b += bBytes) {
      y = walk(op, a, b, y, rank - 1, dims + 4, aStrides + 4, bStrides + 4, ca, cb, lo, hi);
    }
    return y;
  }
  if (<u32>aStride <= 1 && <u32>bStride <= 1) {
    f32_binary(op, a, aStride, b, bStride, y, n, ca, cb, lo, hi);
    return y + (<usize>n << 2);
  }
  for (let i = 0; i < n; i++, a += aBytes, b += bBytes, y += 4) f32_binary(op, a, 0, b, 0, y, 1, ca, cb, lo, hi);
  return y;
}

export function f32_where(cond: usize, a: usize, aStep: i32, b: usize, bStep: i32, y: usize, n: i32): void {
  const aBytes = <usize>aStep << 2;
  const bBytes = <usize>bStep << 2;
  let i = 0;
  if (aStep == 1 && bStep == 1) {
    for (; i + 4 <= n; i += 4, cond += 16, a += 16, b += 16, y += 16) {
      v128.store(y, v128.bitselect(v128.load(a), v128.load(b), f32x4.ne(v128.load(cond), f32x4.splat(0))));
    }
  }
  for (; i < n; i++, cond += 4, a += aBytes, b += bBytes, y += 4) {
    store<u32>(y, load<f32>(cond) != 0 ? load<u32>(a) : load<u32>(b));
  }
}
