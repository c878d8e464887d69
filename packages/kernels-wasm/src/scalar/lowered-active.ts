import type { ActiveOpName } from '../op-codes.ts';
import { erf64, exp64, log64, tanh64 } from './double-math.ts';

type ActiveFunction = (x: number, p: number, q: number) => number;

const f = Math.fround;
const logistic = (x: number): number => 1 / (1 + exp64(-x));
const unit = (x: number): number => Math.min(Math.max(x, 0), 1);
const gelu = (x: number, t: number): number => 0.5 * x * (1 + t);

/** Every step in f32, as upstream has it. */
function mish(x: number): number {
  const softplus = f(log64(f(f(exp64(x)) + 1)));
  const ratio = f(2 / f(1 + f(exp64(f(-2 * softplus)))));
  return x * f(ratio - 1);
}

/** Half away from zero; what no int64 holds becomes the lowest one. */
function round(x: number): number {
  const whole = Math.trunc(x);
  const rounded = Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
  return Math.abs(rounded) < 2 ** 63 ? rounded + 0 : -(2 ** 63);
}

/** What lowered float graphs compute of every element: in f64, then narrowed (numerics.md 11). */
export const ACTIVE: Readonly<Record<ActiveOpName, ActiveFunction>> = {
  sigmoid: logistic,
  logSigmoid: (x) => log64(logistic(x)),
  silu: (x) => x / (1 + exp64(-x)),
  swish: (x, p) => x / (1 + exp64(-x * p)),
  tanh: tanh64,
  exp: exp64,
  log: log64,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  erf: erf64,
  gelu: (x) => gelu(x, erf64(x / Math.SQRT2)),
  geluTanh: (x) => gelu(x, tanh64(0.7978845608 * x * (1 + 0.044715 * x * x))),
  geluSigmoid: (x) => x * logistic(1.702 * x),
  hardSwish: (x) => x * unit((x + 3) / 6),
  hardSigmoid: (x, p, q) => unit(p * x + q),
  elu: (x, p) => (x > 0 ? x : p * (exp64(x) - 1)),
  mish,
  softplus: (x) => (x > 20 ? x : log64(exp64(x) + 1)),
  softsign: (x) => x / (1 + Math.abs(x)),
  sign: (x) => (x < 0 ? -1 : 1),
  abs: Math.abs,
  floor: Math.floor,
  ceil: Math.ceil,
  round,
};

/** `op` of every element: the definition of `lowered_active`. */
export function loweredActive(op: ActiveOpName, x: Float32Array, p = 0, q = 0): Float32Array {
  return x.map((value) => ACTIVE[op](value, p, q));
}
