import type { UnaryOpName } from '../op-codes.ts';
import { clamp } from './clamp.ts';
import { erf, exp, expm1Negative, log, log1pUnit, roundHalfAway, roundHalfEven, sigmoid, tanh } from './vmath.ts';

const f = Math.fround;

/** The definition of every `UnaryOp` on one float32; p and q are its parameters, already float32. */
export const UNARY: Readonly<Record<UnaryOpName, (x: number, p: number, q: number) => number>> = {
  clip: clamp,
  leakyRelu: (x, p) => (x < 0 ? f(x * p) : x),
  sigmoid,
  logSigmoid: (x) => f(Math.min(x, 0) - log1pUnit(exp(-Math.abs(x)))),
  tanh,
  exp,
  log,
  sqrt: (x) => f(Math.sqrt(x)),
  rsqrt: (x) => f(1 / f(Math.sqrt(x))),
  reciprocal: (x, p) => f(p / x),
  abs: Math.abs,
  neg: (x) => -x,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfEven,
  erf,
  gelu: (x) => f(f(x * 0.5) * f(1 + erf(f(x * f(Math.SQRT1_2))))),
  silu: (x) => f(x * sigmoid(x)),
  hardSwish: (x) => f(f(x * clamp(f(x + 3), 0, 6)) / 6),
  hardSigmoid: (x, p, q) => clamp(f(f(p * x) + q), 0, 1),
  softplus: (x) => f(Math.max(x, 0) + log1pUnit(exp(-Math.abs(x)))),
  softsign: (x) => f(x / f(1 + Math.abs(x))),
  mish: (x) => {
    const e = exp(Math.min(x, 20));
    const n = f(e * f(e + 2));
    return f(x * f(n / f(n + 2)));
  },
  elu: (x, p) => (x < 0 ? f(p * expm1Negative(x)) : x),
  // The rare ones: float64, rounded once. The binary carries its own float64 functions (musl's); here the engine's serve.
  sin: (x) => f(Math.sin(x)),
  cos: (x) => f(Math.cos(x)),
  tan: (x) => f(Math.tan(x)),
  arccos: (x) => f(Math.acos(x)),
  arctanh: (x) => f(Math.atanh(x)),
  sinh: (x) => f(Math.sinh(x)),
  cosh: (x) => f(Math.cosh(x)),
  affine: (x, p, q) => f(f(p * x) + q),
  square: (x) => f(x * x),
  powScalar: (x, p) => f(x ** p),
  scalarPow: (x, p) => f(p ** x),
  swish: (x, p) => f(x * sigmoid(f(p * x))),
  roundHalfAway,
  trunc: Math.trunc,
  not: (x) => (x === 0 ? 1 : 0),
  geluTanh: (x) => {
    const inner = f(x + f(f(0.044715) * f(f(x * x) * x)));
    return f(f(x * 0.5) * f(1 + tanh(f(f(0.7978845608028654) * inner))));
  },
};

export function unary(op: UnaryOpName, x: Float32Array, p = 0, q = 0): Float32Array {
  return x.map((v) => UNARY[op](v, f(p), f(q)));
}

/** y = x < 0 ? x*slope[c] : x over [outer, channels, inner]. */
export function prelu(x: Float32Array, slope: Float32Array, inner: number): Float32Array {
  return x.map((v, i) => (v < 0 ? f(v * slope[Math.floor(i / inner) % slope.length]!) : v));
}

/** y = clamp(x*scale[c] + bias[c]) over [outer, channels, inner]. */
export function scaleChannels(
  x: Float32Array,
  scale: Float32Array,
  bias: Float32Array | undefined,
  inner: number,
  lo = -Infinity,
  hi = Infinity,
): Float32Array {
  return x.map((v, i) => {
    const c = Math.floor(i / inner) % scale.length;
    const product = f(v * scale[c]!);
    return clamp(bias === undefined ? product : f(product + bias[c]!), lo, hi);
  });
}

/** Toward zero, saturating, NaN to 0. */
export function toInt32(x: Float32Array): Int32Array {
  return Int32Array.from(x, (v) => (Number.isNaN(v) ? 0 : Math.trunc(Math.min(Math.max(v, -(2 ** 31)), 2 ** 31 - 1))));
}
