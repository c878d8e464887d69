import { type KnownOp, toInt } from '@q/ir';
import type { Implementations, OpImplementation } from '../implementation.ts';
import { aroundAxis } from '../shapes.ts';
import { codesIn, flag } from './codes.ts';
import { withRounding } from './float-form.ts';
import { mixed } from './mixed.ts';

/** INT8 softmax over codes (numerics.md 7.7): powers come from a table, everything is rounded to f32. */
const softmax: OpImplementation<'tpu.Softmax'> = {
  prepare(op, context) {
    const [x, table, y] = [context.input(0), context.input(1), context.output()];
    const { outer, axis, inner } = aroundAxis(x.shape, op.attributes.axis);
    const { scale, zero, lo, hi, signed } = codesIn(y);
    const outputScale = Math.fround(scale);
    const round = (p: number): number => (signed ? toInt(p) : Math.trunc(p + 0.5));
    return () => {
      const [from, powers, to] = [x.view(), table.f32(), y.view()];
      for (let block = 0; block < outer; block++) {
        for (let column = 0; column < inner; column++) {
          const first = block * axis * inner + column;
          let largest = from[first]!;
          for (let c = 1; c < axis; c++) largest = Math.max(largest, from[first + c * inner]!);
          let sum = 0;
          for (let c = 0; c < axis; c++) sum = Math.fround(sum + powers[largest - from[first + c * inner]!]!);
          const divisor = Math.fround(sum * outputScale);
          for (let c = 0; c < axis; c++) {
            const at = first + c * inner;
            const p = Math.fround(powers[largest - from[at]!]! / divisor);
            to[at] = Math.min(Math.max(round(p) + zero, lo), hi);
          }
        }
      }
    };
  },
};

/** Float softmax in the interpreter's order: exponentials in f32, added up one after the other, divided (numerics.md 11). */
const floatSoftmax: OpImplementation<'tpu.Softmax'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const { outer, axis, inner } = aroundAxis(x.shape, op.attributes.axis);
    const { beta, log } = op.attributes;
    return withRounding(op as KnownOp, context, () =>
      kernels.lowered_softmax(x.ptr, y.ptr, outer, axis, inner, beta, flag(log)),
    );
  },
};

export const softmaxImplementations: Implementations = { 'tpu.Softmax': mixed(softmax, floatSoftmax) };
