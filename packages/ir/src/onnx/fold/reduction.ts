import { elementCount } from '../../dtype.ts';
import { frontAxis } from '../../operators/shape-rules.ts';
import { intAttribute, type OnnxNode } from '../onnx-graph.ts';
import type { Constant } from '../tensor-data.ts';
import { allocateElements, gatherStrided, int64Vector, isInt64, stridesOf, writeElement } from './constant-array.ts';
import type { Evaluator } from './evaluate.ts';
import { axesOf } from './movement.ts';

interface Reduction {
  readonly real: (values: readonly number[]) => number;
  readonly exact: (values: readonly bigint[]) => bigint;
}

/** `x` with the reduced axes moved to the end, as rows of what is reduced together. */
function reducedRows(x: Constant, axes: readonly number[]): { rows: Constant; count: number } {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const order = [...kept, ...axes];
  const strides = stridesOf(x.shape);
  const rows = gatherStrided(
    x,
    order.map((axis) => x.shape[axis]!),
    order.map((axis) => strides[axis]!),
  );
  return { rows, count: elementCount(axes.map((axis) => x.shape[axis]!)) };
}

function reduce(x: Constant, node: OnnxNode, axesInput: Constant | undefined, { real, exact }: Reduction): Constant {
  const given = axesOf(node, axesInput);
  const none = given === undefined || given.length === 0;
  if (none && intAttribute(node, 'noop_with_empty_axes', 0) !== 0) return x;
  const axes = none ? x.shape.map((_, axis) => axis) : given.map((axis) => frontAxis(axis, x.shape.length));
  const { rows, count } = reducedRows(x, axes);
  const keepdims = intAttribute(node, 'keepdims', 1) !== 0;
  const shape = x.shape.flatMap((dim, axis) => (axes.includes(axis) ? (keepdims ? [1] : []) : [dim]));
  const data = allocateElements(x.elementType, elementCount(shape));
  for (let index = 0; index < data.length; index++) {
    const row = Array.from({ length: count }, (_, column) => rows.data[index * count + column]!);
    writeElement(data, x.elementType, index, isInt64(x.elementType) ? exact(row.map(BigInt)) : real(row.map(Number)));
  }
  return { shape, elementType: x.elementType, data };
}

const reduction =
  (rules: Reduction): Evaluator =>
  ([x, axes], node) => [reduce(x!, node, axes, rules)];

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const exactSum = (values: readonly bigint[]) => values.reduce((total, value) => total + value, 0n);

/** Constant evaluation of reductions. */
export const reductionEvaluators: Readonly<Record<string, Evaluator>> = {
  ReduceSum: reduction({ real: sum, exact: exactSum }),
  ReduceMean: reduction({
    real: (values) => sum(values) / values.length,
    exact: (values) => exactSum(values) / BigInt(values.length),
  }),
  ReduceProd: reduction({
    real: (values) => values.reduce((product, value) => product * value, 1),
    exact: (values) => values.reduce((product, value) => product * value, 1n),
  }),
  ReduceMax: reduction({
    real: (values) => values.reduce((a, b) => Math.max(a, b)),
    exact: (values) => values.reduce((a, b) => (a - b > 0n ? a : b)),
  }),
  ReduceMin: reduction({
    real: (values) => values.reduce((a, b) => Math.min(a, b)),
    exact: (values) => values.reduce((a, b) => (a - b < 0n ? a : b)),
  }),
  Size: ([x]) => [{ ...int64Vector([elementCount(x!.shape)]), shape: [] }],
};
