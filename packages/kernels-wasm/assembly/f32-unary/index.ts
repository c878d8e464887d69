import { clamp, copyFloats, loadTail, storeTail } from '../lanes';
import { UnaryOp } from '../op-codes';
import * as ops from './ops';
import { Arccos, Arctanh, Cos, Cosh, mapRare, PowScalar, ScalarPow, Sin, Sinh, Tan } from './rare';

function map<T extends ops.Unary>(x: usize, y: usize, n: i32, p: f32, q: f32): void {
  const op = changetype<T>(0);
  const vp = f32x4.splat(p);
  const vq = f32x4.splat(q);
  const end = x + (<usize>(n & ~3) << 2);
  for (; x < end; x += 16, y += 16) v128.store(y, op.of(v128.load(x), vp, vq));
  const rest = n & 3;
  if (rest) storeTail(y, op.of(loadTail(x, rest), vp, vq), rest);
}

const REST: usize = memory.data(64, 16);

/**
 * Four vectors at a time, for functions of dozens of dependent steps without a branch (erf's saves more): one chain after the other,
 * the core would wait for each. The last elements take the same way through a buffer, so that the function is compiled in once.
 */
function mapLong<T extends ops.Unary>(x: usize, y: usize, n: i32, p: f32, q: f32): void {
  const op = changetype<T>(0);
  const vp = f32x4.splat(p);
  const vq = f32x4.splat(q);
  for (; n > 0; n -= 16, x += 64, y += 64) {
    const isRest = n < 16;
    if (isRest) copyFloats(REST, x, n);
    const from = isRest ? REST : x;
    const to = isRest ? REST : y;
    const a = v128.load(from), b = v128.load(from, 16), c = v128.load(from, 32), d = v128.load(from, 48);
    const ya = op.of(a, vp, vq), yb = op.of(b, vp, vq), yc = op.of(c, vp, vq), yd = op.of(d, vp, vq);
    v128.store(to, ya);
    v128.store(to, yb, 16);
    v128.store(to, yc, 32);
    v128.store(to, yd, 48);
    if (isRest) copyFloats(y, REST, n);
  }
}

export function f32_unary(op: i32, x: usize, y: usize, n: i32, p: f32, q: f32): void {
  switch (op) {
    case UnaryOp.clip: return map<ops.Clip>(x, y, n, p, q);
    case UnaryOp.leakyRelu:
      if (p > 0 && p <= 1) return map<ops.LeakyReluBelowOne>(x, y, n, p, q);
      return map<ops.LeakyRelu>(x, y, n, p, q);
    case UnaryOp.sigmoid: return mapLong<ops.Sigmoid>(x, y, n, p, q);
    case UnaryOp.logSigmoid: return mapLong<ops.LogSigmoid>(x, y, n, p, q);
    case UnaryOp.tanh: return mapLong<ops.Tanh>(x, y, n, p, q);
    case UnaryOp.exp: return mapLong<ops.Exp>(x, y, n, p, q);
    case UnaryOp.log: return mapLong<ops.Log>(x, y, n, p, q);
    case UnaryOp.sqrt: return map<ops.Sqrt>(x, y, n, p, q);
    case UnaryOp.rsqrt: return map<ops.Rsqrt>(x, y, n, p, q);
    case UnaryOp.reciprocal: return map<ops.Reciprocal>(x, y, n, p, q);
    case UnaryOp.abs: return map<ops.Abs>(x, y, n, p, q);
    case UnaryOp.neg: return map<ops.Neg>(x, y, n, p, q);
    case UnaryOp.sign: return map<ops.Sign>(x, y, n, p, q);
    case UnaryOp.floor: return map<ops.Floor>(x, y, n, p, q);
    case UnaryOp.ceil: return map<ops.Ceil>(x, y, n, p, q);
    case UnaryOp.round: return map<ops.Round>(x, y, n, p, q);
    case UnaryOp.erf: return map<ops.Erf>(x, y, n, p, q);
    case UnaryOp.gelu: return map<ops.Gelu>(x, y, n, p, q);
    case UnaryOp.silu: return mapLong<ops.Silu>(x, y, n, p, q);
    case UnaryOp.hardSwish: return map<ops.HardSwish>(x, y, n, p, q);
    case UnaryOp.hardSigmoid: return map<ops.HardSigmoid>(x, y, n, p, q);
    case UnaryOp.softplus: return mapLong<ops.Softplus>(x, y, n, p, q);
    case UnaryOp.softsign: return map<ops.Softsign>(x, y, n, p, q);
    case UnaryOp.mish: return mapLong<ops.Mish>(x, y, n, p, q);
    case UnaryOp.elu: return mapLong<ops.Elu>(x, y, n, p, q);
    case UnaryOp.sin: return mapRare<Sin>(x, y, n, p);
    case UnaryOp.cos: return mapRare<Cos>(x, y, n, p);
    case UnaryOp.tan: return mapRare<Tan>(x, y, n, p);
    case UnaryOp.arccos: return mapRare<Arccos>(x, y, n, p);
    case UnaryOp.arctanh: return mapRare<Arctanh>(x, y, n, p);
    case UnaryOp.sinh: return mapRare<Sinh>(x, y, n, p);
    case UnaryOp.cosh: return mapRare<Cosh>(x, y, n, p);
    case UnaryOp.affine: return map<ops.Affine>(x, y, n, p, q);
    case UnaryOp.square: return map<ops.Square>(x, y, n, p, q);
    case UnaryOp.powScalar:
      // x^2 through float64 and x*x round alike, so the common case may take the fast road.
      if (p == 2) return map<ops.Square>(x, y, n, p, q);
      return mapRare<PowScalar>(x, y, n, p);
    case UnaryOp.scalarPow: return mapRare<ScalarPow>(x, y, n, p);
    case UnaryOp.swish: return mapLong<ops.Swish>(x, y, n, p, q);
    case UnaryOp.roundHalfAway: return map<ops.RoundHalfAway>(x, y, n, p, q);
    case UnaryOp.trunc: return map<ops.Trunc>(x, y, n, p, q);
    case UnaryOp.not: return map<ops.Not>(x, y, n, p, q);
    case UnaryOp.geluTanh: return mapLong<ops.GeluTanh>(x, y, n, p, q);
    default: unreachable();
  }
}

export function f32_prelu(x: usize, slope: usize, y: usize, outer: i32, channels: i32, inner: i32): void {
  const bytes = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, x += bytes, y += bytes) {
      map<ops.LeakyRelu>(x, y, inner, load<f32>(slope + (<usize>c << 2)), 0);
    }
  }
}

export function f32_scale(
  x: usize, scale: usize, bias: usize, y: usize, outer: i32, channels: i32, inner: i32, lo: f32, hi: f32,
): void {
  const l = f32x4.splat(lo);
  const h = f32x4.splat(hi);
  const bytes = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const s = v128.load32_splat(scale + (<usize>c << 2));
      const b = bias ? v128.load32_splat(bias + (<usize>c << 2)) : f32x4.splat(-0.0); // v + -0 = v, whatever v
      let p = x;
      let q = y;
      const end = x + (<usize>(inner & ~3) << 2);
      for (; p < end; p += 16, q += 16) {
        v128.store(q, clamp(f32x4.add(f32x4.mul(v128.load(p), s), b), l, h));
      }
      const rest = inner & 3;
      if (rest) storeTail(q, clamp(f32x4.add(f32x4.mul(loadTail(p, rest), s), b), l, h), rest);
      x += bytes;
      y += bytes;
    }
  }
}

export function f32_to_i32(x: usize, y: usize, n: i32): void {
  const end = x + (<usize>(n & ~3) << 2);
  for (; x < end; x += 16, y += 16) v128.store(y, i32x4.trunc_sat_f32x4_s(v128.load(x)));
  const rest = n & 3;
  if (rest) storeTail(y, i32x4.trunc_sat_f32x4_s(loadTail(x, rest)), rest);
}

export function i32_to_f32(x: usize, y: usize, n: i32): void {
  const end = x + (<usize>(n & ~3) << 2);
  for (; x < end; x += 16, y += 16) v128.store(y, f32x4.convert_i32x4_s(v128.load(x)));
  const rest = n & 3;
  if (rest) storeTail(y, f32x4.convert_i32x4_s(loadTail(x, rest)), rest);
}
