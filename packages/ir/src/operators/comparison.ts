import { defaulted, required } from '../attribute-schema.ts';
import { row } from './row.ts';
import { broadcastShapes, f32, likeInput } from './shape-rules.ts';

/** Equal Greater GreaterOrEqual Less LessOrEqual NotEqual And Not Xor; results are 0 or 1 as float. */
const mode = required('string', 'mode');
const isScalar = defaulted('bool', 'is_scalar', false);

export const comparisonRows = {
  'top.Compare': row({
    attributes: { mode } as const,
    operands: ['lhs', 'rhs'],
    inferShapes: ({ inputs }) => ({ outputs: [f32(broadcastShapes(inputs.map((input) => input!.shape)))] }),
  }),
  /** x mode c, or c mode x when `inversed`. */
  'top.CompareConst': row({
    attributes: {
      mode,
      constVal: required('f64', 'const_val'),
      inversed: required('bool', 'inversed'),
      isScalar,
    } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** Operands cond, x?, y?; a branch that is constant is an attribute instead. */
  'top.Where': row({
    attributes: {
      xIsConst: defaulted('bool', 'x_is_const', false),
      yIsConst: defaulted('bool', 'y_is_const', false),
      xConstVal: defaulted('f64', 'x_const_val', 0),
      yConstVal: defaulted('f64', 'y_const_val', 0),
    } as const,
    operands: ['cond', 'tbrn?', 'fbrn?'],
    inferShapes: ({ inputs }) => ({
      outputs: [f32(broadcastShapes(inputs.flatMap((input) => (input === null ? [] : [input.shape]))))],
    }),
  }),
  /** cond ? const_val : brn (the other way round when `inversed`). */
  'top.MaskedFill': row({
    attributes: { inversed: required('bool', 'inversed'), constVal: required('f64', 'const_val') } as const,
    operands: ['cond', 'brn'],
    inferShapes: ({ inputs }) => ({ outputs: [f32(broadcastShapes(inputs.map((input) => input!.shape)))] }),
  }),
} as const;
