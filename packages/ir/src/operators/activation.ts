import { defaulted, optional, required } from '../attribute-schema.ts';
import { row } from './row.ts';
import { f32, frontAxis, likeInput } from './shape-rules.ts';

/** A function of one operand, element by element, without attributes. */
const unary = row({ attributes: {} as const, operands: ['input'], inferShapes: likeInput });

const roundMode = defaulted('string', 'round_mode', 'HalfAwayFromZero');

export const activationRows = {
  /** min(max(x, 0), limit); a limit ≤ 0 means none. */
  'top.Relu': row({
    attributes: { reluLimit: defaulted('f64', 'relu_limit', -1) } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'top.LeakyRelu': row({
    attributes: { alpha: required('f64', 'alpha') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'top.Elu': row({
    attributes: { alpha: required('f64', 'alpha') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** The slope broadcasts per channel. */
  'top.PRelu': row({ attributes: {} as const, operands: ['input', 'slope'], inferShapes: likeInput }),
  /** `log`: log-sigmoid. `scale` and `bias` do not enter Top inference. */
  'top.Sigmoid': row({
    attributes: {
      scale: defaulted('f64', 'scale', 1),
      bias: defaulted('f64', 'bias', 0),
      log: defaulted('bool', 'log', false),
      roundMode,
    } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'top.SiLU': unary,
  'top.Mish': unary,
  /** x · relu6(x + 3) / 6 */
  'top.HardSwish': unary,
  /** clip(alpha · x + beta, 0, 1) */
  'top.HardSigmoid': row({
    attributes: { alpha: required('f64', 'alpha'), beta: required('f64', 'beta') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** x · σ(beta · x) */
  'top.Swish': row({
    attributes: { beta: required('f64', 'beta'), roundMode } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** Top float is the erf form, whatever `approx_mode` says. */
  'top.GELU': row({
    attributes: {
      approxMode: defaulted('string', 'approx_mode', 'normal'),
      /**
       * Ours, and only for float: `tanh` where the model has that approximation. TPU-MLIR makes the same layer of it and computes
       * erf, at most 5e-4 away, and so do lowerings.
       */
      approximate: optional('string', 'approximate'),
      roundMode,
    } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'top.Softplus': unary,
  'top.Softsign': unary,
  'top.Tanh': row({ attributes: { roundMode } as const, operands: ['input'], inferShapes: likeInput }),
  'top.Erf': unary,
  'top.Exp': unary,
  'top.Log': unary,
  'top.Sqrt': unary,
  'top.Rsqrt': unary,
  'top.Abs': unary,
  'top.Sign': unary,
  'top.Ceil': unary,
  'top.Round': unary,
  'top.Floor': row({
    attributes: { isScalar: defaulted('bool', 'is_scalar', false) } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'top.Sin': unary,
  'top.Cos': unary,
  'top.Tan': unary,
  'top.Sinh': unary,
  'top.Cosh': unary,
  'top.Arccos': unary,
  // Ours: TPU-MLIR has no inverse sine and tangent, no inverse hyperbolic sine and cosine.
  'top.Arcsin': unary,
  'top.Arctan': unary,
  'top.Arcsinh': unary,
  'top.Arccosh': unary,
  'top.Arctanh': unary,
  /** Bounds may be infinite. */
  'top.Clip': row({
    attributes: { min: required('f64', 'min'), max: required('f64', 'max') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'top.LogB': row({
    attributes: { base: required('i64', 'base') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** Shape inference makes the axis ≥ 0. `log`: log-softmax. */
  'top.Softmax': row({
    attributes: {
      axis: required('si32', 'axis'),
      log: defaulted('bool', 'log', false),
      beta: defaulted('f64', 'beta', 1),
      roundMode,
    } as const,
    operands: ['input'],
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      return { outputs: [f32(shape)], attributes: { ...attributes, axis: frontAxis(attributes.axis, shape.length) } };
    },
  }),
} as const;
