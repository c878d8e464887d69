import { defaulted, required } from '../attribute-schema.ts';
import { row } from './row.ts';
import { f32, frontAxis } from './shape-rules.ts';

/** `shape` with the given (front-counted) axes reduced. */
function reducedShape(shape: readonly number[], axes: readonly number[], keepdims: boolean): number[] {
  return keepdims
    ? shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
    : shape.filter((_, axis) => !axes.includes(axis));
}

/** Of the index of an extremum, in both dialects. */
export const argAttributes = {
  axis: required('i64', 'axis'),
  keepdims: required('bool', 'keepdims'),
  mode: required('string', 'mode'),
  selectLastIndex: defaulted('bool', 'select_last_index', true),
} as const;

export const reductionRows = {
  /** Modes ReduceMin Max Mean Sum Prod L1 L2; shape inference sorts the axes and makes them ≥ 0, none means all. */
  'top.Reduce': row({
    attributes: {
      axes: required('i64[]', 'axes'),
      keepdims: required('bool', 'keepdims'),
      mode: required('string', 'mode'),
      isScalar: defaulted('bool', 'is_scalar', false),
    } as const,
    operands: ['input'],
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      const given = attributes.axes.length === 0 ? shape.map((_, axis) => axis) : attributes.axes;
      const axes = given.map((axis) => frontAxis(axis, shape.length)).sort((a, b) => a - b);
      const output = reducedShape(shape, axes, attributes.keepdims);
      return { outputs: [f32(output)], attributes: { ...attributes, axes, isScalar: output.length === 0 } };
    },
  }),
  /** Results: indices, values?. */
  'top.Arg': row({
    attributes: argAttributes,
    operands: ['input'],
    results: ['indices', 'values?'],
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      const axis = frontAxis(attributes.axis, shape.length);
      const type = f32(reducedShape(shape, [axis], attributes.keepdims));
      return { outputs: [type, type], attributes: { ...attributes, axis } };
    },
  }),
} as const;
