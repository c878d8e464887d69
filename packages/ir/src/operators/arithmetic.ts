import { defaulted, optional, required } from '../attribute-schema.ts';
import { reluAttributes } from './convolution.ts';
import { row, type ShapeContext, type ShapeResult } from './row.ts';
import { broadcastShapes, f32, likeInput } from './shape-rules.ts';

/** Marks a scalar result; it does not change values. */
const isScalar = defaulted('bool', 'is_scalar', false);
const isReverse = defaulted('bool', 'is_reverse', false);
const constVal = required('f64', 'const_val');

function broadcast<A>({ inputs }: ShapeContext<A>): ShapeResult<A> {
  return { outputs: [f32(broadcastShapes(inputs.map((input) => input!.shape)))] };
}

const extremum = row({ attributes: {} as const, operands: ['inputs...'], inferShapes: broadcast });
const extremumConst = row({
  attributes: { constVal, isScalar } as const,
  operands: ['input'],
  inferShapes: likeInput,
});

export const arithmeticRows = {
  /** `coeff` multiplies each input. */
  'top.Add': row({
    attributes: { coeff: optional('f64[]', 'coeff'), isScalar, ...reluAttributes } as const,
    fusesRelu: true,
    operands: ['inputs...'],
    inferShapes: broadcast,
  }),
  'top.Sub': row({
    attributes: { coeff: optional('f64[]', 'coeff'), isReverse, isScalar, ...reluAttributes } as const,
    fusesRelu: true,
    operands: ['inputs...'],
    inferShapes: broadcast,
  }),
  'top.Mul': row({
    attributes: { isScalar, ...reluAttributes } as const,
    fusesRelu: true,
    operands: ['inputs...'],
    inferShapes: broadcast,
  }),
  /** Carries Relu attributes, but nothing is fused into it. */
  'top.Div': row({
    attributes: { isReverse, isScalar, ...reluAttributes } as const,
    operands: ['inputs...'],
    inferShapes: broadcast,
  }),
  'top.Min': extremum,
  'top.Max': extremum,
  'top.Mod': extremum,
  'top.Remainder': extremum,
  'top.AddConst': row({
    attributes: { constVal, isScalar, ...reluAttributes } as const,
    fusesRelu: true,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** x − c, or c − x when `is_reverse`. */
  'top.SubConst': row({
    attributes: { constVal, isReverse, isScalar, ...reluAttributes } as const,
    fusesRelu: true,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'top.MulConst': row({
    attributes: { constVal, isScalar, ...reluAttributes } as const,
    fusesRelu: true,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** x / c, or c / x when `is_reverse`. Carries Relu attributes, but nothing is fused into it. */
  'top.DivConst': row({
    attributes: { constVal, isReverse, isScalar, ...reluAttributes } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'top.MaxConst': extremumConst,
  'top.MinConst': extremumConst,
  /** c / x */
  'top.Reciprocal': row({
    attributes: { constVal: defaulted('f64', 'const_val', 1), ...reluAttributes } as const,
    fusesRelu: true,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** x^exponent */
  'top.Pow': row({
    attributes: { exponent: required('f64', 'exponent') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** const_val^x */
  'top.Pow2': row({ attributes: { constVal } as const, operands: ['input'], inferShapes: likeInput }),
  /** base^exponent of two operands. */
  'top.Pow3': row({ attributes: {} as const, operands: ['inputs...'], inferShapes: broadcast }),
} as const;
