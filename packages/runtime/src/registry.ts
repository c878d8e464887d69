import type { Op, OpType } from '@q/ir';
import { floatImplementations } from './float/index.ts';
import type { Implementations, OpImplementation } from './implementation.ts';
import { quantizedImplementations } from './quantized/index.ts';

const table: Implementations = { ...floatImplementations, ...quantizedImplementations };

/** The implementation of an operator type, or undefined when the runtime cannot execute it. */
export function implementationOf(op: Op): OpImplementation | undefined {
  if (op.type === 'unknown') return undefined;
  // The table is keyed by the discriminant of `op`, so the implementation accepts exactly this op.
  return table[op.type] as OpImplementation | undefined;
}

/** Every operator type that the runtime can execute, sorted. */
export function executableTypes(): readonly OpType[] {
  return (Object.keys(table) as OpType[]).sort();
}
