import type { KnownOp, OpOf } from '@q/ir';
import { ActiveOp, type ActiveOpName, UnaryOp, type UnaryOpName } from '@q/kernels-wasm';
import { refuse } from '../float/refuse.ts';
import type { Implementations, OpImplementation } from '../implementation.ts';
import { floatIn } from './codes.ts';
import { asTop, withRounding } from './float-form.ts';

const FUNCTIONS: Readonly<Record<string, ActiveOpName>> = {
  TANH: 'tanh',
  EXP: 'exp',
  SQRT: 'sqrt',
  RSQRT: 'rsqrt',
  ABSVAL: 'abs',
  LN: 'log',
  ROUND: 'round',
  CEIL: 'ceil',
  FLOOR: 'floor',
  MISH: 'mish',
  HSWISH: 'hardSwish',
  SILU: 'silu',
  // Upstream's operator answers 1 for 0, its INT8 table answers 0 (numerics.md 18.25).
  SIGN: 'sign',
  ERF: 'erf',
  SOFT_PLUS: 'softplus',
  SOFT_SIGN: 'softsign',
  SIGMOID: 'sigmoid',
  LOG_SIGMOID: 'logSigmoid',
  GELU: 'gelu',
  TGELU: 'geluTanh',
  QGELU: 'geluSigmoid',
  ELU: 'elu',
  SWISH: 'swish',
  HSIGMOID: 'hardSigmoid',
};

/** Functions that the float kernels evaluate in f64 as well. */
const IN_FLOAT64: Readonly<Record<string, UnaryOpName>> = {
  SIN: 'sin',
  COS: 'cos',
  TAN: 'tan',
  ARCCOS: 'arccos',
  ARCTANH: 'arctanh',
  SINH: 'sinh',
  COSH: 'cosh',
};

/** The kernel's two parameters. */
function parametersOf(op: OpOf<'tpu.Active'>): readonly [number, number] {
  const top = asTop(op as KnownOp);
  if (top.type === 'top.Elu') return [top.attributes.alpha, 0];
  if (top.type === 'top.Swish') return [top.attributes.beta, 0];
  return top.type === 'top.HardSigmoid' ? [top.attributes.alpha, top.attributes.beta] : [0, 0];
}

/**
 * A function of every element, evaluated in f64, narrowed to f32, then to the result's 16-bit type (numerics.md 11). Slower
 * than the float kernels, which are good to the last bits of f32 but not the interpreter's.
 */
const active: OpImplementation<'tpu.Active'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [floatIn(context.input(0)), context.output()];
    const { mode } = op.attributes;
    const [p, q] = parametersOf(op);
    const rare = IN_FLOAT64[mode];
    if (rare !== undefined) {
      return withRounding(op as KnownOp, context, () => kernels.f32_unary(UnaryOp[rare], x.ptr, y.ptr, y.length, 0, 0));
    }
    const code = ActiveOp[FUNCTIONS[mode] ?? refuse(op, `the mode ${mode}`, Object.keys(FUNCTIONS).join(', '))];
    return withRounding(op as KnownOp, context, () => kernels.lowered_active(code, x.ptr, y.ptr, y.length, p, q));
  },
};

export const activeImplementations: Implementations = { 'tpu.Active': active };
