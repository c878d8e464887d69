import type { Op } from '../graph.ts';
import { toInt } from './rounding.ts';

/**
 * Functions of one operand as look-up tables evaluate them: in f64 unless said otherwise (numerics.md 7.6). Float
 * execution has kernels of its own.
 */
export type ScalarFunction = (x: number) => number;

const logistic: ScalarFunction = (x) => 1 / (1 + Math.exp(-x));

/**
 * The error function, to a few units in the last place, and to half of one near ±1. Up to 1: 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·5…(2n+1)), all terms of
 * one sign, so nothing cancels. Beyond, where 1 + erf(−x) would lose what the sum rounds: 1 − erfc.
 */
export function erf(x: number): number {
  if (Math.abs(x) > 1) return Math.sign(x) * (1 - tailOfErf(Math.abs(x)));
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-18; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc(x) for x > 1, by its continued fraction: e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 3⁄2/(x + …)))). */
function tailOfErf(x: number): number {
  let fraction = x;
  for (let n = 200; n > 0; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}

/** x · tanh(softplus(x)), every step in f32 as upstream computes it. */
function mish(x: number): number {
  const f = Math.fround;
  const v = f(x);
  const softplus = f(Math.log(f(f(Math.exp(v)) + 1)));
  const ratio = f(2 / f(1 + f(Math.exp(f(-2 * softplus)))));
  return f(v * f(ratio - 1));
}

const GELU: Readonly<Record<string, ScalarFunction>> = {
  normal: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  tanh: (x) => 0.5 * x * (1 + Math.tanh(0.7978845608 * x * (1 + 0.044715 * x * x))),
  sigm: (x) => x * logistic(1.702 * x),
};

/** Functions without attributes. */
const PLAIN: Readonly<Record<string, ScalarFunction>> = {
  'top.SiLU': (x) => x / (1 + Math.exp(-x)),
  'top.Tanh': Math.tanh,
  'top.Mish': mish,
  'top.HardSwish': (x) => x * Math.min(Math.max((x + 3) / 6, 0), 1),
  'top.Erf': erf,
  'top.Exp': Math.exp,
  'top.Log': Math.log,
  'top.Sqrt': Math.sqrt,
  'top.Rsqrt': (x) => 1 / Math.sqrt(x),
  'top.Softplus': (x) => (x > 20 ? x : Math.log(Math.exp(x) + 1)),
  'top.Softsign': (x) => x / (1 + Math.abs(x)),
  'top.Sin': Math.sin,
  'top.Cos': Math.cos,
  'top.Tan': Math.tan,
  'top.Sinh': Math.sinh,
  'top.Cosh': Math.cosh,
  'top.Arccos': Math.acos,
  'top.Arctanh': Math.atanh,
  'top.Abs': Math.abs,
  'top.Floor': Math.floor,
  'top.Ceil': Math.ceil,
  'top.Round': (x) => toInt(x),
  'top.Sign': Math.sign,
};

/** The function that an element-wise `top.*` operator of one operand computes; undefined for other operators. */
export function scalarFunctionOf(op: Op): ScalarFunction | undefined {
  switch (op.type) {
    case 'top.Sigmoid':
      return op.attributes.log ? (x) => Math.log(logistic(x)) : logistic;
    case 'top.GELU':
      return GELU[op.attributes.approxMode] ?? GELU.normal;
    case 'top.Swish':
      return (x) => x / (1 + Math.exp(-x * op.attributes.beta));
    case 'top.HardSigmoid':
      return (x) => Math.min(Math.max(op.attributes.alpha * x + op.attributes.beta, 0), 1);
    case 'top.Elu':
      return (x) => (x > 0 ? x : op.attributes.alpha * (Math.exp(x) - 1));
    case 'top.Reciprocal':
      return (x) => op.attributes.constVal / x;
    case 'top.Pow':
      return (x) => x ** op.attributes.exponent;
    case 'top.Pow2':
      return (x) => op.attributes.constVal ** x;
    case 'top.LogB':
      return op.attributes.base === 2 ? Math.log2 : (x) => Math.log(x) / Math.log(op.attributes.base);
    default:
      return PLAIN[op.type];
  }
}

/** Scale, zero point and signedness of the codes on one side of a table. */
export interface TableSide {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly signed: boolean;
}

/**
 * The 256 codes of a function: entry `i & 255` is f((i − Zi)·Si)/So + Zo, rounded half away and saturated, for every
 * input code i. What is not a number or infinite becomes the lowest code (numerics.md 18.21).
 */
export function functionTable(f: ScalarFunction, input: TableSide, output: TableSide): Int8Array | Uint8Array {
  const table = output.signed ? new Int8Array(256) : new Uint8Array(256);
  const [low, high] = output.signed ? [-128, 127] : [0, 255];
  for (let index = 0; index < 256; index++) {
    const code = input.signed && index > 127 ? index - 256 : index;
    const real = f((code - input.zeroPoint) * input.scale) / output.scale + output.zeroPoint;
    table[index] = Math.min(Math.max(toInt(real), low), high);
  }
  return table;
}
