import { elementCount, type OpOf, roundToCvBf16 } from '@q/ir';
import { LoweredReduce, type LoweredReduceName, ReduceOp, type ReduceOpName } from '@q/kernels-wasm';
import { refuse } from '../../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../../implementation.ts';
import type { Slot, TensorSlot } from '../../slot.ts';
import { byteTable } from '../code-table.ts';
import { byteCodesIn, floatIn, holdsCodes } from '../codes.ts';
import { roundedToBf16 } from './rounding.ts';

/** Sums of floats in f32, in the order of the elements. */
const SUMS: Readonly<Record<string, LoweredReduceName>> = { ReduceMean: 'sum', ReduceSum: 'sum', ReduceL2: 'l2' };
const EXTREMES: Readonly<Record<string, ReduceOpName>> = { ReduceMax: 'max', ReduceMin: 'min' };

interface Extents {
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
}

/** Elements before, on and behind the reduced axes, which are neighbours. */
function extentsOf(op: OpOf<'tpu.Reduce'>, x: TensorSlot): Extents {
  const { axes } = op.attributes;
  if (axes.some((axis, at) => axis !== axes[0]! + at)) refuse(op, `the axes ${axes}`, 'axes that follow each other');
  const [first, end] = [axes[0]!, axes.at(-1)! + 1];
  return {
    outer: elementCount(x.shape.slice(0, first)),
    axis: elementCount(x.shape.slice(first, end)),
    inner: elementCount(x.shape.slice(end)),
  };
}

/** Folds floats at `from` into `to`; a mean's sum is multiplied with `share`. */
function prepareFold(op: OpOf<'tpu.Reduce'>, context: PrepareContext, from: Slot, to: Slot, share?: number): RunOp {
  const { kernels } = context;
  const { mode } = op.attributes;
  const { outer, axis, inner } = extentsOf(op, context.input(0));
  const extreme = EXTREMES[mode];
  if (extreme !== undefined) {
    const code = ReduceOp[extreme];
    return () => kernels.f32_reduce(code, from.ptr, to.ptr, outer, axis, inner);
  }
  const sum = SUMS[mode] ?? refuse(op, `the mode ${mode}`, Object.keys({ ...SUMS, ...EXTREMES }).join(', '));
  const code = LoweredReduce[share === undefined ? sum : 'mean'];
  return () => kernels.lowered_reduce(code, from.ptr, to.ptr, outer, axis, inner, share ?? 1);
}

/** The tables of a root are for the chip; the interpreter takes the root itself. */
const reduce: OpImplementation<'tpu.Reduce'> = {
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    if (holdsCodes(y.type.dtype)) return prepareCodes(op, context);
    const share = op.attributes.mode === 'ReduceMean' ? roundToCvBf16(1 / extentsOf(op, x).axis) : undefined;
    return roundedToBf16(context, prepareFold(op, context, floatIn(x), y, share));
  },
};

/** The sum (of a mean too: its divisor is in the multiplier) or extremum, times M / 2^r, half up (numerics.md 9.3). */
function prepareCodes(op: OpOf<'tpu.Reduce'>, context: PrepareContext): RunOp {
  const { kernels } = context;
  const multiplier = op.attributes.multiplier?.[0] ?? 1;
  const rshift = op.attributes.rshift?.[0] ?? 0;
  if (rshift < 0 || rshift > 30) refuse(op, `a shift by ${rshift}`, '0 to 30');
  if (op.attributes.mode === 'ReduceL2') refuse(op, 'ReduceL2 on codes', 'a sum, mean or extremum');
  const [x, y] = [context.input(0), context.output()];
  const { signed } = byteCodesIn(x);
  const { lo, hi } = byteCodesIn(y);
  const reals = context.place(Float32Array.from(byteTable(signed, (code) => code)));
  const [floats, folded] = [context.scratch(4 * x.length), context.scratch(4 * y.length)];
  const fold = prepareFold(op, context, floats, folded);
  return () => {
    kernels.lut_x8_x32(x.ptr, reals.ptr, floats.ptr, x.length);
    fold();
    kernels.cv_requant_f32(folded.ptr, y.ptr, y.length, multiplier, rshift, lo, hi);
  };
}

export const reductionImplementations: Implementations = { 'tpu.Reduce': reduce };
