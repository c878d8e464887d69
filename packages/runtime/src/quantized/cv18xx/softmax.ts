import { roundToCvBf16 } from '@q/ir';
import { refuse } from '../../float/refuse.ts';
import type { Implementations, OpImplementation } from '../../implementation.ts';
import { aroundAxis } from '../../shapes.ts';
import { flag, floatIn } from '../codes.ts';
import { slopeScale, tablesOf } from './lut.ts';

/** Bound of the exponential's table. */
const RANGE = 15;

/** Softmax and log-softmax in bfloat16 steps (numerics.md 10). */
const softmax: OpImplementation<'tpu.Softmax'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [floatIn(context.input(0)), context.output()];
    if (y.type.dtype !== 'bf16') return refuse(op, `a result of ${y.type.dtype}`, 'bf16');
    const [power, last] = [tablesOf(op, context, 1), tablesOf(op, context, 3)];
    const { outer, axis, inner } = aroundAxis(x.shape, op.attributes.axis);
    const scale = slopeScale(-RANGE, RANGE);
    const share = roundToCvBf16(Math.fround(roundToCvBf16(axis) / axis));
    const log = flag(op.attributes.log);
    return () =>
      // biome-ignore format: one argument per line hides the groups
      kernels.cv_softmax(
        x.ptr, y.ptr, outer, axis, inner, power.first.ptr, power.second.ptr, scale, last.first.ptr, last.second.ptr,
        log, share,
      );
  },
};

export const softmaxImplementations: Implementations = { 'tpu.Softmax': softmax };
