import type { Op, Precision, Target } from '@q/ir';
import { isKnown, tpuArtefacts } from '@q/ir/lowering';
import { PROCESSORS } from './check-plan.ts';
import { lower } from './lower.ts';
import { hasFloatForm, hasIntegerForm } from './lowering/forms.ts';
import { OPEN_POINTS } from './open-points.ts';

/** Precisions that `op` really runs in. */
function precisions(op: Op): readonly Precision[] {
  if (!isKnown(op)) return [];
  if (op.type === 'top.Input') return ['F32'];
  return [
    ...(hasIntegerForm(op.type) ? (['INT8'] as const) : []),
    ...(hasFloatForm(op.type) ? (['BF16'] as const) : []),
  ];
}

/** Sophgo's CV18xx family: INT8 with 31-bit multipliers and two roundings, BF16 with tables for functions, mixed per operator. */
export const cv18xx: Target = {
  name: 'cv18xx',
  processors: PROCESSORS,
  floatType: () => 'BF16',
  precisions,
  lower,
  openPoints: () => OPEN_POINTS,
  artefacts: tpuArtefacts,
};
