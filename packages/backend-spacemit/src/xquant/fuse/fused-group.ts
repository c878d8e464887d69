import type { Op } from '@q/ir';
import type { Rewriting } from '../prepare/rewriting.ts';

/** An operand of a fused operator: an input of the node that makes `of`. */
export interface GroupOperand {
  readonly of: string;
  /** Which input; `constant` is the one that is no activation. */
  readonly at: number | 'constant';
  /** The constant goes in with one dimension. */
  readonly isFlat?: boolean;
}

/** Operators that the file writes as one call of a function of the domain `spacemit_functions` (spacemit.md 6.2). */
export interface FusedGroup {
  readonly opType: 'YoloDecode' | 'WindowPartition' | 'WindowReverse';
  readonly ops: ReadonlySet<Op>;
  /** The op that makes the result. */
  readonly result: Op;
  /** The op that names the call. */
  readonly namedAfter: Op;
  readonly operands: readonly GroupOperand[];
  readonly attributes: Readonly<Record<string, number | readonly number[]>>;
}

/** Nothing outside the group sees what is inside: only the result has readers elsewhere. */
export function isClosed({ ops, result }: Pick<FusedGroup, 'ops' | 'result'>, graph: Rewriting): boolean {
  return [...ops].every((op) =>
    op.outputs.every(
      (name) =>
        op === result ||
        name === null ||
        (!graph.isOutput(name) && graph.readers(name).every((reader) => ops.has(reader))),
    ),
  );
}
