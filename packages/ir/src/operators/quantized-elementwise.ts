import { defaulted, enumeration, optional, required } from '../attribute-schema.ts';
import { arithmeticRows } from './arithmetic.ts';
import { comparisonRows } from './comparison.ts';
import { reluAttributes } from './convolution.ts';
import { quantMode, roundModeAttribute, shapedAs } from './quantized-rule.ts';
import { row } from './row.ts';
import { likeInput } from './shape-rules.ts';

const constVal = required('f64', 'const_val');
const isReverse = defaulted('bool', 'is_reverse', false);

/** One multiplier and one shift for the whole tensor; 1 and 0 when the operator runs in float. */
const requant = {
  multiplier: defaulted('si32', 'multiplier', 1),
  rshift: defaulted('si32', 'rshift', 0),
} as const;

/** One multiplier and one shift per operand; absent when the operator runs in float. */
const requantPerOperand = {
  multipliers: optional('i64[]', 'multipliers'),
  rshifts: optional('i64[]', 'rshifts'),
} as const;

const broadcast = shapedAs(arithmeticRows['top.Add']);

const extremum = row({
  attributes: { ...reluAttributes, coeff: optional('f64[]', 'coeff'), ...requantPerOperand } as const,
  operands: ['inputs...'],
  inferShapes: broadcast,
});

const extremumConst = row({
  attributes: { constVal, ...reluAttributes, ...requant } as const,
  operands: ['input'],
  inferShapes: likeInput,
});

export const quantizedElementwiseRows = {
  'tpu.Add': row({
    attributes: { ...reluAttributes, coeff: optional('f64[]', 'coeff'), ...requantPerOperand } as const,
    operands: ['inputs...'],
    inferShapes: broadcast,
  }),
  'tpu.Sub': row({
    attributes: { isReverse, ...reluAttributes, coeff: optional('f64[]', 'coeff'), ...requantPerOperand } as const,
    operands: ['inputs...'],
    inferShapes: broadcast,
  }),
  'tpu.Mul': row({
    attributes: { ...reluAttributes, ...requant, quantMode } as const,
    operands: ['inputs...'],
    inferShapes: broadcast,
  }),
  'tpu.Div': row({
    attributes: { isReverse, ...reluAttributes, ...requant } as const,
    operands: ['inputs...'],
    inferShapes: broadcast,
  }),
  'tpu.Max': extremum,
  'tpu.Min': extremum,
  'tpu.AddConst': row({
    attributes: { constVal, ...reluAttributes, ...requant } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** x − c, or c − x when `is_reverse`. */
  'tpu.SubConst': row({
    attributes: { constVal, isReverse, ...reluAttributes, ...requant } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'tpu.MulConst': row({
    attributes: { constVal, ...reluAttributes, ...requant } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'tpu.MaxConst': extremumConst,
  'tpu.MinConst': extremumConst,
  'tpu.Reciprocal': row({
    attributes: { constVal: defaulted('f64', 'const_val', 1), ...reluAttributes } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'tpu.Pow': row({
    attributes: { exponent: required('f64', 'exponent') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'tpu.Pow2': row({ attributes: { constVal } as const, operands: ['input'], inferShapes: likeInput }),
  'tpu.Pow3': row({ attributes: {} as const, operands: ['inputs...'], inferShapes: broadcast }),
  /** ((x − zx) · multiplier >> rshift) + zy */
  'tpu.MulShift': row({
    attributes: { multiplier: required('si32', 'multiplier'), rshift: required('si32', 'rshift') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** A function of one operand, in float; `mode` is its upper-case name. */
  'tpu.Active': row({
    attributes: { mode: enumeration('mode', 'active_mode'), coeffs: optional('f64[]', 'coeffs') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** A function of one 8-bit operand as a table of 256 codes (or floats). */
  'tpu.Lut': row({ attributes: {} as const, operands: ['input', 'table'], inferShapes: likeInput }),
  /** A table of 256 codes per channel (the first step of a network that takes pixels); the other attributes say what it was made of. */
  'tpu.ScaleLut': row({
    attributes: {
      scale: required('f64[]', 'scale'),
      bias: required('f64[]', 'bias'),
      sign: defaulted('bool', 'sign', true),
    } as const,
    operands: ['input', 'table'],
    inferShapes: likeInput,
  }),
  /** A function of one bfloat16 operand by two tables of 256 bfloat16: CV18xx (numerics.md 10). */
  'tpu.LutBF16': row({
    attributes: {
      lutMode: enumeration('lut_mode', 'lut_mode'),
      minRange: required('f64', 'min_range'),
      maxRange: required('f64', 'max_range'),
    } as const,
    operands: ['input', 'table', 'mantissa'],
    inferShapes: likeInput,
  }),
  'tpu.Relu': row({
    attributes: {
      reluLimit: defaulted('f64', 'relu_limit', -1),
      /** For the compiler of bm1684; the interpreter does not read them. */
      multiplier: optional('si32', 'multiplier'),
      rshift: optional('i64', 'rshift'),
    } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'tpu.LeakyRelu': row({
    attributes: {
      alpha: optional('f64', 'alpha'),
      multiplier: optional('si32', 'multiplier'),
      multiplierNeg: optional('si32', 'multiplier_neg'),
      rshift: optional('si32', 'rshift'),
      rshiftNeg: optional('si32', 'rshift_neg'),
      roundMode: roundModeAttribute('round_mode', 'HalfAwayFromZero'),
    } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** The dialect spells it with the "Op" (tpu-mlir: TpuOps.td). */
  'tpu.PReluOp': row({
    attributes: {
      rshift: defaulted('si32', 'rshift', 0),
      rshiftPos: optional('si32', 'rshift_pos'),
      multiplierPos: optional('si32', 'multiplier_pos'),
    } as const,
    operands: ['input', 'slope'],
    inferShapes: likeInput,
  }),
  'tpu.Clip': row({
    attributes: { min: required('f64', 'min'), max: required('f64', 'max') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'tpu.Softmax': row({
    attributes: {
      axis: required('si32', 'axis'),
      log: defaulted('bool', 'log', false),
      beta: defaulted('f64', 'beta', 1),
      roundMode: roundModeAttribute('round_mode', 'HalfAwayFromZero'),
    } as const,
    operands: ['input', 'table?', 'slope_table?', 'reciprocal_table?', 'reciprocal_mantissa_table?', 'buffer?'],
    inferShapes: likeInput,
  }),
  'tpu.Compare': row({
    attributes: { mode: required('string', 'mode') } as const,
    operands: ['lhs', 'rhs'],
    inferShapes: shapedAs(comparisonRows['top.Compare']),
  }),
  'tpu.CompareConst': row({
    attributes: { mode: required('string', 'mode'), constVal, inversed: required('bool', 'inversed') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'tpu.Where': row({
    attributes: {
      xIsConst: defaulted('bool', 'x_is_const', false),
      yIsConst: defaulted('bool', 'y_is_const', false),
      xConstVal: defaulted('f64', 'x_const_val', 0),
      yConstVal: defaulted('f64', 'y_const_val', 0),
    } as const,
    operands: ['cond', 'tbrn?', 'fbrn?', 'buffer?'],
    inferShapes: shapedAs({
      inferShapes: (context) =>
        comparisonRows['top.Where'].inferShapes({ ...context, inputs: context.inputs.slice(0, 3) } as never),
    }),
  }),
} as const;
