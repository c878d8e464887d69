import { elementCount, type KnownOp, type OpOf, roundToBf16, roundToF16 } from '@q/ir';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { floatSharing, prepareFloat, withRounding } from './float-form.ts';

const f = Math.fround;

/** How a row of elements becomes one: where it starts, each step in f32, what is done at the end. */
interface Fold {
  readonly step: (sum: number, value: number) => number;
  readonly finish: (sum: number) => number;
}

const plus = (sum: number, value: number): number => f(sum + value);

/** Reductions that add up, in the interpreter's order; others are exact and have kernels. */
function foldOf(mode: string, count: number, dtype: string): Fold | undefined {
  const inverse = dtype === 'f16' ? roundToF16(1 / count) : dtype === 'bf16' ? roundToBf16(1 / count) : f(1 / count);
  switch (mode) {
    case 'ReduceSum':
      return { step: plus, finish: (sum) => sum };
    case 'ReduceMean':
      return { step: plus, finish: (sum) => f(sum * inverse) };
    case 'ReduceL1':
      return { step: (sum, value) => f(sum + Math.abs(value)), finish: (sum) => sum };
    case 'ReduceL2':
      return { step: (sum, value) => f(sum + value * value), finish: (sum) => f(Math.sqrt(sum)) };
    default:
      return undefined;
  }
}

/** Axes that lie side by side, as the dimensions before, in and after them. */
function neighbours(axes: readonly number[], shape: readonly number[]): readonly [number, number, number] | undefined {
  const sorted = [...axes].map((axis) => (axis < 0 ? axis + shape.length : axis)).sort((a, b) => a - b);
  const first = sorted[0] ?? 0;
  if (sorted.some((axis, index) => axis !== first + index)) return undefined;
  const end = first + sorted.length;
  return [elementCount(shape.slice(0, first)), elementCount(shape.slice(first, end)), elementCount(shape.slice(end))];
}

function prepareFold(op: OpOf<'tpu.Reduce'>, context: PrepareContext): RunOp | undefined {
  const [x, y] = [context.input(0), context.output()];
  const extents = neighbours(op.attributes.axes, x.shape);
  if (extents === undefined || op.attributes.axes.length === 0) return undefined;
  const [outer, count, inner] = extents;
  const fold = foldOf(op.attributes.mode, count, y.type.dtype);
  if (fold === undefined) return undefined;
  const { step, finish } = fold;
  return withRounding(op as KnownOp, context, () => {
    const [from, to] = [x.f32(), y.f32()];
    for (let row = 0; row < outer; row++) {
      for (let column = 0; column < inner; column++) {
        let sum = 0;
        const first = row * count * inner + column;
        for (let i = 0; i < count; i++) sum = step(sum, from[first + i * inner]!);
        to[row * inner + column] = finish(sum);
      }
    }
  });
}

/** A float reduction; sums run in order, in f32 (numerics.md 11). */
const reduce: OpImplementation<'tpu.Reduce'> = {
  sharing: (op, types) => floatSharing(op as KnownOp, types),
  prepare: (op, context) => prepareFold(op, context) ?? prepareFloat(op as KnownOp, context),
};

export const reductionImplementations: Implementations = { 'tpu.Reduce': reduce };
