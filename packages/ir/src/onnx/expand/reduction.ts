import { elementCount } from '../../dtype.ts';
import { axesOf } from '../fold/movement.ts';
import { floatAttribute, intAttribute, intsAttribute, type OnnxNode } from '../onnx-graph.ts';
import { type Expander, type Expansion, int, ints, isFloatType, notExpanded } from './expansion.ts';

/** Axes of a reduction, counted from the front; all of them when none are given. `null`: nothing is reduced. */
function reducedAxes(node: OnnxNode, to: Expansion): number[] | null {
  if (to.has(1) && to.constant(to.input(1)) === undefined) {
    throw notExpanded(node, 'axes computed at run time', 'constant axes');
  }
  const rank = to.shape(to.input(0)).length;
  const given = axesOf(node, to.constant(to.input(1))) ?? [];
  if (given.length > 0) return given.map((axis) => (axis < 0 ? axis + rank : axis));
  return intAttribute(node, 'noop_with_empty_axes', 0) !== 0 ? null : Array.from({ length: rank }, (_, axis) => axis);
}

const keeps = (node: OnnxNode) => intAttribute(node, 'keepdims', 1) !== 0;

/** A reduction of a function of x, and a function of the reduction. */
const composed =
  (reduction: string, before: ((x: string, to: Expansion) => string) | null, after: string | null): Expander =>
  (node, to) => {
    const axes = reducedAxes(node, to);
    const x = before === null ? to.input(0) : before(to.input(0), to);
    const attributes = { axes: ints(axes ?? []), keepdims: int(keeps(node) ? 1 : 0) };
    if (axes === null) to.finish(after ?? 'Identity', [x]);
    else if (after === null) to.finish(reduction, [x], attributes);
    else to.finish(after, [to.add(reduction, [x], attributes)]);
  };

/** max + ln Σ e^(x − max), the layers named as TPU-MLIR names them (ir.md 8.3). */
const logSumExp: Expander = (node, to) => {
  const axes = reducedAxes(node, to);
  if (axes === null) {
    to.finish('Identity', [to.input(0)]);
    return;
  }
  const base = `${node.outputs[0]}_ReduceLogSumExp`;
  const reduce = (layer: string, opType: string, x: string) =>
    to.named(`${base}_${layer}`, opType, [x], { axes: ints(axes), keepdims: int(1) });
  const max = reduce('reducemax', 'ReduceMax', to.input(0));
  const exp = to.named(`${base}_exp`, 'Exp', [to.named(`${base}_sub`, 'Sub', [to.input(0), max])]);
  const log = to.named(`${base}_log`, 'Log', [reduce('reducesum', 'ReduceSum', exp)]);
  if (keeps(node)) to.finish('Add', [log, max]);
  else {
    const sum = to.named(`${base}_log_add`, 'Add', [log, max]);
    const shape = to.shape(to.input(0)).filter((_, axis) => !axes.includes(axis));
    to.finish('Reshape', [sum, to.ints(shape)]);
  }
};

const square = (x: string, to: Expansion) => to.add('Mul', [x, x]);

/** Means and norms of integers are rounded towards zero. */
const ofIntegers: Expander = (node, to) => {
  const type = to.elementType(to.input(0));
  if (isFloatType(type)) return;
  const attributes = Object.fromEntries(node.attributes);
  const result = to.add(node.opType, [to.cast(to.input(0), 'f32'), ...node.inputs.slice(1)], attributes);
  to.finishCast(result, type);
};

/** (Σ |x|ᵖ)^(1/p) of the elements that a mean was taken of. */
function rootOfMean(to: Expansion, mean: string, count: number, p: number): void {
  const sum = to.add('Mul', [mean, to.floats(count)]);
  if (p === 2) to.finish('Sqrt', [sum]);
  else to.finish('Pow', [sum, to.floats(1 / p)]);
}

function powers(to: Expansion, p: number): string {
  return p === 2 ? square(to.input(0), to) : to.add('Pow', [to.add('Abs', [to.input(0)]), to.floats(p)]);
}

const lpPool: Expander = (node, to) => {
  const p = Math.trunc(floatAttribute(node, 'p', 2));
  const kernel = intsAttribute(node, 'kernel_shape')!;
  const { p: _p, ...rest } = Object.fromEntries(node.attributes);
  const mean = to.add('AveragePool', [powers(to, p)], { ...rest, count_include_pad: int(1), full_windows: int(1) });
  rootOfMean(to, mean, elementCount(kernel), p);
};

const globalLpPool: Expander = (node, to) => {
  const p = Math.trunc(floatAttribute(node, 'p', 2));
  const spatial = to.shape(to.input(0)).slice(2);
  const mean = to.add('GlobalAveragePool', [powers(to, p)]);
  rootOfMean(to, mean, elementCount(spatial), p);
};

export const reductionExpanders: Readonly<Record<string, Expander>> = {
  ReduceLogSum: composed('ReduceSum', null, 'Log'),
  ReduceSumSquare: composed('ReduceSum', square, null),
  ReduceLogSumExp: logSumExp,
  ReduceMean: ofIntegers,
  ReduceL2: ofIntegers,
  LpPool: lpPool,
  GlobalLpPool: globalLpPool,
};
