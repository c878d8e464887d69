import { type KnownOp, type OpOf, type OpType, operatorTable, roundToBf16, roundToF16 } from '@q/ir';
import { UnaryOp } from '@q/kernels-wasm';
import { floatImplementations } from '../float/index.ts';
import { refuse } from '../float/refuse.ts';
import { FRESH, type OpImplementation, type PrepareContext, type RunOp, type Sharing } from '../implementation.ts';
import { isCv18xx, roundedToBf16 } from './cv18xx/rounding.ts';

/**
 * Operators that run in float, or only move codes, are executed by the `top.*` operator that computes the same, on the
 * same slots; the result is then rounded to its 16-bit type where the vendor's interpreter does so (numerics.md 11).
 */

/** Operators whose float result is *not* rounded to the 16-bit type: they move values, or upstream leaves it out. */
const NOT_ROUNDED: ReadonlySet<string> = new Set(
  [
    'Clip',
    'LayerNorm',
    'RMSNorm',
    'GroupNorm',
    'InstanceNorm',
    'PixelNorm',
    'Scale',
    'Interp',
    'Upsample',
    'Pad',
    'Concat',
    'Permute',
    'Slice',
    'Max',
    'Min',
    'Relu',
    'Where',
    'Gather',
    'Reshape',
    'Squeeze',
    'Unsqueeze',
    'Tile',
    'Depth2Space',
    'ShuffleChannel',
    'SwapChannel',
    'SwapDimInner',
    'Reverse',
    'TopK',
    'GatherElements',
    'GatherND',
    'MaskedFill',
    'ScatterElements',
    'ScatterND',
    'Trilu',
    'Arg',
    'Compare',
    'CompareConst',
  ].map((name) => `tpu.${name}`),
);

/** `tpu.Active` modes and their operators; coefficients become attributes. */
const ACTIVE: Readonly<Record<string, string>> = {
  TANH: 'Tanh',
  EXP: 'Exp',
  SQRT: 'Sqrt',
  RSQRT: 'Rsqrt',
  ABSVAL: 'Abs',
  LN: 'Log',
  ROUND: 'Round',
  CEIL: 'Ceil',
  FLOOR: 'Floor',
  SIN: 'Sin',
  COS: 'Cos',
  MISH: 'Mish',
  HSWISH: 'HardSwish',
  SILU: 'SiLU',
  ARCCOS: 'Arccos',
  ARCTANH: 'Arctanh',
  SINH: 'Sinh',
  COSH: 'Cosh',
  TAN: 'Tan',
  SIGN: 'Sign',
  ERF: 'Erf',
  SOFT_PLUS: 'Softplus',
  SOFT_SIGN: 'Softsign',
  SIGMOID: 'Sigmoid',
  LOG_SIGMOID: 'Sigmoid',
  GELU: 'GELU',
  TGELU: 'GELU',
  QGELU: 'GELU',
  ELU: 'Elu',
  SWISH: 'Swish',
  HSIGMOID: 'HardSigmoid',
};

const GELU_FORMS: Readonly<Record<string, string>> = { TGELU: 'tanh', QGELU: 'sigm' };

function activeForm(op: OpOf<'tpu.Active'>): { readonly type: string; readonly attributes: object } {
  const { mode, coeffs = [] } = op.attributes;
  const name = ACTIVE[mode] ?? refuse(op, `the mode ${mode}`, Object.keys(ACTIVE).join(', '));
  const [first, second] = coeffs;
  const attributes =
    mode === 'HSIGMOID'
      ? { beta: first, alpha: second }
      : mode === 'ELU'
        ? { alpha: first }
        : mode === 'SWISH'
          ? { beta: first }
          : { log: mode === 'LOG_SIGMOID', approxMode: GELU_FORMS[mode] ?? 'normal' };
  return { type: `top.${name}`, attributes };
}

/** Type of the `top.*` operator of a `tpu.*` one, where it is not the same name, and what its attributes differ in. */
function topForm(op: KnownOp): { readonly type: string; readonly attributes: object } {
  switch (op.type) {
    case 'tpu.Active':
      return activeForm(op);
    case 'tpu.Conv2D':
    case 'tpu.Conv3D':
      return { type: 'top.Conv', attributes: op.attributes };
    case 'tpu.PReluOp':
      return { type: 'top.PRelu', attributes: {} };
    case 'tpu.Pool1D':
    case 'tpu.Pool2D':
    case 'tpu.Pool3D':
      return { type: op.attributes.poolMode === 'Max' ? 'top.MaxPool' : 'top.AvgPool', attributes: op.attributes };
    default:
      return { type: op.type.replace('tpu.', 'top.'), attributes: op.attributes };
  }
}

/** The `top.*` operator that computes what the float form of `op` computes. */
export function asTop(op: KnownOp): KnownOp {
  const { type, attributes: given } = topForm(op);
  const row = operatorTable[type as OpType];
  if (row === undefined || floatImplementations[type as OpType] === undefined) {
    return refuse(op, 'no float operator of that kind', 'an operator of the documented list');
  }
  const attributes: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries(row.attributes)) {
    const value = (given as Record<string, unknown>)[key] ?? spec.fallback;
    if (value !== undefined) attributes[key] = value;
  }
  return { type, name: op.name, inputs: op.inputs, outputs: op.outputs, attributes } as unknown as KnownOp;
}

function implementationOf(top: KnownOp): OpImplementation {
  return floatImplementations[top.type] as OpImplementation;
}

/** Rounds the result of `op` to its float type after `run`. */
export function withRounding(op: KnownOp, context: PrepareContext, run: RunOp): RunOp {
  const y = context.optionalOutput(0);
  if (y === null || NOT_ROUNDED.has(op.type)) return run;
  const { kernels } = context;
  if (y.type.dtype === 'f16') {
    return () => {
      run();
      kernels.f16_round(y.ptr, y.ptr, y.length);
    };
  }
  if (y.type.dtype === 'bf16' && isCv18xx(context.chip)) return roundedToBf16(context, run);
  if (y.type.dtype === 'bf16') {
    return () => {
      run();
      kernels.bf16_round(y.ptr, y.ptr, y.length);
    };
  }
  return run;
}

/** Rounding to the 16-bit type of a result; undefined for other types. */
function narrowingOf(context: PrepareContext): ((value: number) => number) | undefined {
  const dtype = context.optionalOutput(0)?.type.dtype;
  return dtype === 'f16' ? roundToF16 : dtype === 'bf16' ? roundToBf16 : undefined;
}

/** ReduceMean of 16-bit floats multiplies the sum by the rounded 1/n. */
function prepareMean(op: OpOf<'tpu.Reduce'>, context: PrepareContext, narrow: (value: number) => number): RunOp {
  const { kernels } = context;
  const [x, y] = [context.input(0), context.output()];
  const sum = asTop({ ...op, attributes: { ...op.attributes, mode: 'ReduceSum' } });
  const run = implementationOf(sum).prepare(sum as never, context);
  const factor = narrow(y.length / x.length);
  return () => {
    run();
    kernels.f32_unary(UnaryOp.affine, y.ptr, y.ptr, y.length, factor, 0);
  };
}

/** Limits of a 16-bit Clip are rounded to its type. */
function roundedClip(op: OpOf<'tpu.Clip'>, narrow: (value: number) => number): KnownOp {
  const { min, max } = op.attributes;
  return { ...op, attributes: { min: narrow(min), max: narrow(max) } };
}

/** Prepares the float form of `op`. */
export function prepareFloat(op: KnownOp, context: PrepareContext): RunOp {
  const narrow = narrowingOf(context);
  if (narrow && op.type === 'tpu.Reduce' && op.attributes.mode === 'ReduceMean') {
    return withRounding(op, context, prepareMean(op, context, narrow));
  }
  const top = asTop(narrow && op.type === 'tpu.Clip' ? roundedClip(op, narrow) : op);
  return withRounding(op, context, implementationOf(top).prepare(top as never, context));
}

export function floatSharing(op: KnownOp, types: Parameters<NonNullable<OpImplementation['sharing']>>[1]): Sharing {
  const top = asTop(op);
  return implementationOf(top).sharing?.(top as never, types) ?? FRESH;
}

/** An operator that always runs as its `top.*` counterpart, on floats or on codes that it only moves. */
export function asFloat<T extends OpType>(): OpImplementation<T> {
  return {
    sharing: (op, types) => floatSharing(op as unknown as KnownOp, types),
    prepare: (op, context) => prepareFloat(op as unknown as KnownOp, context),
  };
}
