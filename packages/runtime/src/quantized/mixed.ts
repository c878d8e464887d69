import type { KnownOp, OpType } from '@q/ir';
import { FRESH, type OpImplementation } from '../implementation.ts';
import { holdsCodes, makesCodes } from './codes.ts';
import { floatSharing, prepareFloat } from './float-form.ts';

/** The float form that most operators have: that of their `top.*` counterpart. */
function counterpart<T extends OpType>(): OpImplementation<T> {
  return {
    sharing: (op, types) => floatSharing(op as unknown as KnownOp, types),
    prepare: (op, context) => prepareFloat(op as unknown as KnownOp, context),
  };
}

/** An operator with an integer form (its result holds codes) and a float form (all others). */
export function mixed<T extends OpType>(
  integer: OpImplementation<T>,
  float: OpImplementation<T> = counterpart<T>(),
): OpImplementation<T> {
  return {
    sharing: (op, types) => (makesCodes(types) ? integer : float).sharing?.(op, types) ?? FRESH,
    prepare: (op, context) => (holdsCodes(context.output().type.dtype) ? integer : float).prepare(op, context),
  };
}
