// Functions of one operand in lowered float graphs: evaluated in float64, narrowed once to float32 (numerics.md 11).
// Definition: src/scalar/lowered-active.ts.

import { ActiveOp } from '../op-codes';
import { derf, dexp, dlog, dtanh } from '../vmath/double';

/** y = f(x) by `op`; p and q are its coefficients. In place. */
export function lowered_active(op: i32, x: usize, y: usize, n: i32, p: f64, q: f64): void {
  for (; n > 0; n -= 2) {
    const v = n == 1 ? v128.load32_zero(x) : v128.load64_zero(x);
    const r = f32x4.demote_f64x2_zero(two(op, f64x2.promote_low_f32x4(v), p, q));
    if (n == 1) v128.store32_lane(y, r, 0);
    else v128.store64_lane(y, r, 0);
    x += 8;
    y += 8;
  }
}

// One copy of each in the binary.

function exp(x: v128): v128 {
  return dexp(x);
}

function log(x: v128): v128 {
  return dlog(x);
}

function tanh(x: v128): v128 {
  return dtanh(x);
}

function erf(x: v128): v128 {
  return derf(x);
}

@inline
function one(): v128 {
  return f64x2.splat(1);
}

@inline
function logistic(x: v128): v128 {
  return f64x2.div(one(), f64x2.add(one(), exp(f64x2.neg(x))));
}

@inline
function unit(x: v128): v128 {
  return f64x2.min(f64x2.max(x, f64x2.splat(0)), one());
}

/** To float32 and back. */
@inline
function narrow(x: v128): v128 {
  return f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(x));
}

/** Every step in float32, as upstream has it. */
@inline
function mish(x: v128): v128 {
  const softplus = narrow(log(narrow(f64x2.add(narrow(exp(x)), one()))));
  const e = narrow(exp(narrow(f64x2.mul(f64x2.splat(-2), softplus))));
  const ratio = narrow(f64x2.div(f64x2.splat(2), narrow(f64x2.add(one(), e))));
  return f64x2.mul(x, narrow(f64x2.sub(ratio, one())));
}

/** x/2 * (1 + t). */
@inline
function gelu(x: v128, t: v128): v128 {
  return f64x2.mul(f64x2.mul(f64x2.splat(0.5), x), f64x2.add(one(), t));
}

@inline
function geluTanh(x: v128): v128 {
  const cube = f64x2.mul(f64x2.mul(f64x2.splat(0.044715), x), x);
  return gelu(x, tanh(f64x2.mul(f64x2.mul(f64x2.splat(0.7978845608), x), f64x2.add(one(), cube))));
}

/** Half away from zero; what no int64 holds becomes the lowest one. */
@inline
function round(x: v128): v128 {
  const whole = f64x2.trunc(x);
  const part = f64x2.abs(f64x2.sub(x, whole));
  const away = v128.or(one(), v128.and(x, i64x2.splat(i64.MIN_VALUE)));
  const r = f64x2.add(whole, v128.and(away, f64x2.ge(part, f64x2.splat(0.5))));
  const fits = f64x2.lt(f64x2.abs(r), f64x2.splat(9223372036854775808.0));
  return f64x2.add(v128.bitselect(r, f64x2.splat(-9223372036854775808.0), fits), f64x2.splat(0));
}

function two(op: i32, x: v128, p: f64, q: f64): v128 {
  switch (op) {
    case ActiveOp.sigmoid: return logistic(x);
    case ActiveOp.logSigmoid: return log(logistic(x));
    case ActiveOp.silu: return f64x2.div(x, f64x2.add(one(), exp(f64x2.neg(x))));
    case ActiveOp.swish: return f64x2.div(x, f64x2.add(one(), exp(f64x2.mul(f64x2.neg(x), f64x2.splat(p)))));
    case ActiveOp.tanh: return tanh(x);
    case ActiveOp.exp: return exp(x);
    case ActiveOp.log: return log(x);
    case ActiveOp.sqrt: return f64x2.sqrt(x);
    case ActiveOp.rsqrt: return f64x2.div(one(), f64x2.sqrt(x));
    case ActiveOp.erf: return erf(x);
    case ActiveOp.gelu: return gelu(x, erf(f64x2.div(x, f64x2.splat(1.4142135623730951))));
    case ActiveOp.geluTanh: return geluTanh(x);
    case ActiveOp.geluSigmoid: return f64x2.mul(x, logistic(f64x2.mul(f64x2.splat(1.702), x)));
    case ActiveOp.hardSwish:
      return f64x2.mul(x, unit(f64x2.div(f64x2.add(x, f64x2.splat(3)), f64x2.splat(6))));
    case ActiveOp.hardSigmoid: return unit(f64x2.add(f64x2.mul(f64x2.splat(p), x), f64x2.splat(q)));
    case ActiveOp.elu: {
      const below = f64x2.mul(f64x2.splat(p), f64x2.sub(exp(x), one()));
      return v128.bitselect(x, below, f64x2.gt(x, f64x2.splat(0)));
    }
    case ActiveOp.mish: return mish(x);
    case ActiveOp.softplus: {
      const soft = log(f64x2.add(exp(x), one()));
      return v128.bitselect(x, soft, f64x2.gt(x, f64x2.splat(20)));
    }
    case ActiveOp.softsign: return f64x2.div(x, f64x2.add(one(), f64x2.abs(x)));
    case ActiveOp.sign: return v128.bitselect(f64x2.splat(-1), one(), f64x2.lt(x, f64x2.splat(0)));
    case ActiveOp.abs: return f64x2.abs(x);
    case ActiveOp.floor: return f64x2.floor(x);
    case ActiveOp.ceil: return f64x2.ceil(x);
    case ActiveOp.round: return round(x);
    default: unreachable();
  }
  return x;
}
