import { elementCount, type OpOf, roundToCvBf16 } from '@q/ir';
import { applyRequantCv18xx } from '@q/kernels-wasm';
import { refuse } from '../../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../../implementation.ts';
import type { TensorSlot } from '../../slot.ts';
import { codesIn, holdsCodes } from '../codes.ts';
import { roundedToBf16 } from './rounding.ts';

const f = Math.fround;

/** Folds of an accumulator and a value; sums are kept in f32, in the order of the elements. */
const FOLDS: Readonly<Record<string, (a: number, b: number) => number>> = {
  ReduceMean: (a, b) => f(a + b),
  ReduceSum: (a, b) => f(a + b),
  ReduceMax: Math.max,
  ReduceMin: Math.min,
  ReduceL2: (a, b) => f(a + b * b),
};

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

/** Writes `finish(fold of the elements)` to every result. */
function prepareFold(op: OpOf<'tpu.Reduce'>, context: PrepareContext, finish: (value: number) => number): RunOp {
  const [x, y] = [context.input(0), context.output()];
  const { outer, axis, inner } = extentsOf(op, x);
  const fold = FOLDS[op.attributes.mode] ?? refuse(op, `the mode ${op.attributes.mode}`, Object.keys(FOLDS).join(', '));
  const start = (value: number): number => (op.attributes.mode === 'ReduceL2' ? fold(0, value) : value);
  return () => {
    const [from, to] = [x.view(), y.view()];
    for (let block = 0; block < outer; block++) {
      for (let column = 0; column < inner; column++) {
        const first = block * axis * inner + column;
        let value = start(from[first]!);
        for (let a = 1; a < axis; a++) value = fold(value, from[first + a * inner]!);
        to[block * inner + column] = finish(value);
      }
    }
  };
}

const reduce: OpImplementation<'tpu.Reduce'> = {
  prepare(op, context) {
    if (holdsCodes(context.output().type.dtype)) return prepareCodes(op, context);
    if (op.attributes.mode !== 'ReduceMean') {
      // The tables of a root are for the chip; the interpreter takes the root itself.
      const finish = op.attributes.mode === 'ReduceL2' ? (sum: number) => f(Math.sqrt(sum)) : (v: number) => v;
      return roundedToBf16(context.output(), prepareFold(op, context, finish));
    }
    const factor = roundToCvBf16(1 / extentsOf(op, context.input(0)).axis);
    const mean = prepareFold(op, context, (sum) => f(sum * factor));
    return roundedToBf16(context.output(), mean);
  },
};

/** The sum (of a mean too: its divisor is in the multiplier) or extremum, times M / 2^r, half up (numerics.md 9.3). */
function prepareCodes(op: OpOf<'tpu.Reduce'>, context: PrepareContext): RunOp {
  const multiplier = op.attributes.multiplier?.[0] ?? 1;
  const rshift = op.attributes.rshift?.[0] ?? 0;
  const { lo, hi } = codesIn(context.output());
  // The identity is not even clamped upstream; the codes of a result cannot hold more.
  if (multiplier === 1 && rshift === 0) return prepareFold(op, context, (v) => Math.min(Math.max(v, lo), hi));
  const requant = { multiplier, rshift, mode: 'MultiplierShift', rounding: 'HalfUp' } as const;
  return prepareFold(op, context, (v) => Math.min(Math.max(applyRequantCv18xx(v, requant), lo), hi));
}

export const reductionImplementations: Implementations = { 'tpu.Reduce': reduce };
