import { refuse } from '../../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../../implementation.ts';
import { holdsCodes } from '../codes.ts';
import { type PoolOp, prepareCodeAverage, poolingImplementations as shared } from '../pooling.ts';

/** Average of codes (numerics.md 9.3): the f32 average times the window, half up, then M / 2^r, half up. */
function prepareAverage(op: PoolOp, context: PrepareContext): RunOp {
  const { multiplier, rshift } = op.attributes;
  if (multiplier === undefined || rshift === undefined) return refuse(op, 'no multiplier', 'multiplier and rshift');
  if (rshift < 0 || rshift > 30) refuse(op, `a shift by ${rshift}`, '0 to 30');
  return prepareCodeAverage(op, context, { kind: 'cv18xx', multiplier, rshift });
}

/** The largest code, and the float form, are the same everywhere. */
function pool<T extends 'tpu.Pool1D' | 'tpu.Pool2D'>(type: T): OpImplementation<T> {
  const base = shared[type] as OpImplementation<T>;
  return {
    prepare: (op, context) => {
      const isAverage = (op as PoolOp).attributes.poolMode !== 'Max';
      if (!isAverage || !holdsCodes(context.output().type.dtype)) return base.prepare(op, context);
      return prepareAverage(op as PoolOp, context);
    },
  };
}

export const poolingImplementations: Implementations = {
  'tpu.Pool1D': pool('tpu.Pool1D'),
  'tpu.Pool2D': pool('tpu.Pool2D'),
};
