import { isQError, type Op, QError } from '@q/ir';
import type { OperandTypes } from './implementation.ts';
import { describeOp, describeTypes } from './op-context.ts';

/** Turns whatever an operator's execution threw into an error that names the operator and its shapes. */
export function describeFailure(error: unknown, op: Op, types: OperandTypes): QError {
  if (isQError(error)) return error;
  const trapped = error instanceof WebAssembly.RuntimeError;
  const reason = error instanceof Error ? error.message : String(error);
  const what = trapped ? 'A kernel trapped' : 'The runtime failed';
  return new QError(
    `${what} while executing ${describeOp(op)}: ${reason}.`,
    {
      code: trapped ? 'runtime.kernel.trap' : 'runtime.operator.failed',
      where: op.name,
      found: `${describeTypes(types.inputs)} -> ${describeTypes(types.outputs)}`,
      hint: 'the shapes of this operator are at fault, or there is a bug in its implementation',
    },
    { cause: error },
  );
}
