import { elementCount, type KnownOp, type OpOf, roundToBf16, roundToF16 } from '@q/ir';
import { LoweredReduce, type LoweredReduceName } from '@q/kernels-wasm';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { floatIn } from './codes.ts';
import { floatSharing, prepareFloat, withRounding } from './float-form.ts';

const KERNELS: Readonly<Record<string, LoweredReduceName>> = {
  ReduceSum: 'sum',
  ReduceMean: 'mean',
  ReduceL1: 'l1',
  ReduceL2: 'l2',
};

/** 1/n as the type of a result rounds it. */
function shareOf(count: number, dtype: string): number {
  return dtype === 'f16' ? roundToF16(1 / count) : dtype === 'bf16' ? roundToBf16(1 / count) : Math.fround(1 / count);
}

/** Axes that lie side by side, as the dimensions before, in and after them. */
function neighbours(axes: readonly number[], shape: readonly number[]): readonly [number, number, number] | undefined {
  const sorted = [...axes].map((axis) => (axis < 0 ? axis + shape.length : axis)).sort((a, b) => a - b);
  const first = sorted[0] ?? 0;
  if (sorted.some((axis, index) => axis !== first + index)) return undefined;
  const end = first + sorted.length;
  return [elementCount(shape.slice(0, first)), elementCount(shape.slice(first, end)), elementCount(shape.slice(end))];
}

/** Reductions that add up, in the interpreter's order; others are exact and have the float kernels. */
function prepareInOrder(op: OpOf<'tpu.Reduce'>, context: PrepareContext): RunOp | undefined {
  const [x, y] = [context.input(0), context.output()];
  const extents = neighbours(op.attributes.axes, x.shape);
  const operation = KERNELS[op.attributes.mode];
  if (operation === undefined || extents === undefined || op.attributes.axes.length === 0) return undefined;
  const { kernels } = context;
  const [outer, count, inner] = extents;
  floatIn(x);
  const [code, share] = [LoweredReduce[operation], shareOf(count, y.type.dtype)];
  return withRounding(op as KnownOp, context, () =>
    kernels.lowered_reduce(code, x.ptr, y.ptr, outer, count, inner, share),
  );
}

/** A float reduction; sums run in order, in f32 (numerics.md 11). */
const reduce: OpImplementation<'tpu.Reduce'> = {
  sharing: (op, types) => floatSharing(op as KnownOp, types),
  prepare: (op, context) => prepareInOrder(op, context) ?? prepareFloat(op as KnownOp, context),
};

export const reductionImplementations: Implementations = { 'tpu.Reduce': reduce };
