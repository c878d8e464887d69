import type { Op, Precision } from '@q/ir';
import { isKnown } from '@q/ir/lowering';
import { FLOAT_ONLY, isDefined } from './operators.ts';

/** Name of the processor that has rules of its own. */
export const BM1684 = 'bm1684';

/** Precisions that `op` has a form for on bm1684. */
export function bm1684Precisions(op: Op): readonly Precision[] {
  if (!isKnown(op)) return [];
  if (op.type === 'top.Input') return ['F32'];
  if (!isDefined(op.type)) return [];
  return FLOAT_ONLY.has(op.type) ? ['F32'] : ['INT8', 'F32'];
}
