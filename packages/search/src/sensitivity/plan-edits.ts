import type { OpPlan, Plan, Precision, Reason } from '@q/ir';

/** The plan with some operators in a float type; what it said of them is replaced. */
export function withFloatOps(
  plan: Plan,
  names: Iterable<string>,
  precision: Precision,
  reasonOf: (name: string) => Reason,
): Plan {
  const ops = new Map<string, OpPlan>(plan.ops);
  for (const name of names) ops.set(name, { precision, reason: reasonOf(name) });
  return { ...plan, ops };
}

/** The plan with other thresholds; observed extremes stay, as in the tables that TPU-MLIR's searches rewrite. */
export function withThresholds(plan: Plan, thresholds: ReadonlyMap<string, number>): Plan {
  const values = new Map(plan.values);
  for (const [name, threshold] of thresholds) {
    const row = values.get(name);
    values.set(name, row === undefined ? { threshold, min: -threshold, max: threshold } : { ...row, threshold });
  }
  return { ...plan, values };
}
