import { elementCount } from '@q/ir';
import { ReduceOp, type ReduceOpName } from '@q/kernels-wasm';
import type { Implementations, OpImplementation, PrepareContext } from '../implementation.ts';
import { inOrder } from '../in-order.ts';
import { aroundAxis } from '../shapes.ts';
import type { Slot } from '../slot.ts';
import { refuse } from './refuse.ts';

const MODES: Readonly<Record<string, ReduceOpName>> = {
  ReduceMean: 'mean',
  ReduceSum: 'sum',
  ReduceMax: 'max',
  ReduceMin: 'min',
  ReduceProd: 'prod',
  ReduceL1: 'l1',
  ReduceL2: 'l2',
};

const reduce: OpImplementation<'top.Reduce'> = {
  prepare(op, context) {
    const { axes, mode } = op.attributes;
    const operation = MODES[mode] ?? refuse(op, `the mode ${mode}`, Object.keys(MODES).join(', '));
    const { shape } = context.input(0);
    if (shape.includes(0)) return prepareEmpty(context, EMPTY[operation]);
    const given = axes.length === 0 ? shape.map((_, axis) => axis) : axes;
    const runs = adjacentRuns(given.map((axis) => (axis < 0 ? axis + shape.length : axis)).sort((a, b) => a - b));
    return prepareRuns(context, ReduceOp[operation], runs);
  },
};

/** Results over no elements at all. */
const EMPTY: Readonly<Record<ReduceOpName, number>> = {
  sum: 0,
  mean: Number.NaN,
  max: Number.NEGATIVE_INFINITY,
  min: Number.POSITIVE_INFINITY,
  prod: 1,
  l1: 0,
  l2: 0,
};

function prepareEmpty(context: PrepareContext, value: number): () => void {
  const y = context.output();
  return () => void y.f32().fill(value);
}

/** Axes grouped into runs of neighbours, each of which is one reduction. */
function adjacentRuns(axes: readonly number[]): number[][] {
  const runs: number[][] = [];
  for (const axis of axes) {
    const last = runs.at(-1);
    if (last !== undefined && last.at(-1) === axis - 1) last.push(axis);
    else runs.push([axis]);
  }
  return runs;
}

/** Reduces run by run, innermost first; all of these operations may be applied in stages. */
function prepareRuns(context: PrepareContext, code: number, runs: readonly (readonly number[])[]): () => void {
  const { kernels } = context;
  const y = context.output();
  let source: Slot = context.input(0);
  let shape = [...context.input(0).shape];
  const stages = [...runs].reverse().map((run, index) => {
    const first = run[0]!;
    const outer = elementCount(shape.slice(0, first));
    const axis = elementCount(shape.slice(first, first + run.length));
    const inner = elementCount(shape.slice(first + run.length));
    const from = source;
    const target = index === runs.length - 1 ? y : context.scratch(4 * outer * inner);
    source = target;
    shape = shape.map((dim, at) => (run.includes(at) ? 1 : dim));
    return () => kernels.f32_reduce(code, from.ptr, target.ptr, outer, axis, inner);
  });
  return inOrder(stages);
}

/** Indices are found as int32 and stored as float; the optional second result holds the extremes themselves. */
const arg: OpImplementation<'top.Arg'> = {
  prepare(op, context) {
    const { kernels } = context;
    const x = context.input(0);
    const [indices, values] = [context.output(0), context.optionalOutput(1)];
    const { outer, axis, inner } = aroundAxis(x.shape, op.attributes.axis);
    const isMin = op.attributes.mode === 'ArgMin';
    const last = op.attributes.selectLastIndex ? 1 : 0;
    const extreme = isMin ? ReduceOp.min : ReduceOp.max;
    return () => {
      kernels.f32_argmax(x.ptr, indices.ptr, outer, axis, inner, isMin ? 1 : 0, last);
      kernels.i32_to_f32(indices.ptr, indices.ptr, indices.length);
      if (values !== null) kernels.f32_reduce(extreme, x.ptr, values.ptr, outer, axis, inner);
    };
  },
};

export const reductionImplementations: Implementations = { 'top.Reduce': reduce, 'top.Arg': arg };
