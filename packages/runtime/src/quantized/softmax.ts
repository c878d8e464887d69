import type { KnownOp } from '@q/ir';
import { refuse } from '../float/refuse.ts';
import type { Implementations, OpImplementation } from '../implementation.ts';
import { aroundAxis } from '../shapes.ts';
import { byteCodesIn, flag } from './codes.ts';
import { withRounding } from './float-form.ts';
import { mixed } from './mixed.ts';

/** INT8 softmax over codes (numerics.md 7.7): powers come from a table, everything is rounded to f32. */
const softmax: OpImplementation<'tpu.Softmax'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [x, table, y] = [context.input(0), context.input(1), context.output()];
    if (table.dtype !== 'f32' || table.length < 256) refuse(op, `powers of ${table.dtype}`, '256 floats');
    const { outer, axis, inner } = aroundAxis(x.shape, op.attributes.axis);
    const input = byteCodesIn(x);
    const { scale, zero, lo, hi, signed } = byteCodesIn(y);
    return () =>
      // biome-ignore format: one argument per line hides the groups
      kernels.qs8_softmax(
        x.ptr, flag(input.signed), table.ptr, y.ptr, outer, axis, inner, scale, flag(signed), zero, lo, hi,
      );
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
