import type { KnownOp, OpType } from '@q/ir';
import { FRESH, type OpImplementation } from '../implementation.ts';
import { holdsCodes, makesCodes } from './codes.ts';
import { floatSharing, prepareFloat } from './float-form.ts';

/** An operator with an integer form (its result holds codes) and a float form (all others). */
export function mixed<T extends OpType>(integer: OpImplementation<T>): OpImplementation<T> {
  return {
    sharing: (op, types) =>
      makesCodes(types) ? (integer.sharing?.(op, types) ?? FRESH) : floatSharing(op as unknown as KnownOp, types),
    prepare: (op, context) =>
      holdsCodes(context.output().type.dtype)
        ? integer.prepare(op, context)
        : prepareFloat(op as unknown as KnownOp, context),
  };
}
