import type { Emit, Graph, Issue, Plan } from '@q/ir';
import {
  assembleLowered,
  attempt,
  dropReluLimits,
  forwardViewTypes,
  importRanges,
  insertCasts,
  propagateRanges,
  type Range,
  throwRefusals,
  topOperator,
  WorkingGraph,
  warnOfContradiction,
} from '@q/ir/lowering';
import { checkPlan } from './check-plan.ts';
import { Cv18xxContext } from './lowering/context.ts';
import { lowerOp } from './lowering/lower-op.ts';
import { optimize } from './optimize/index.ts';
import { assignPrecisions } from './precisions.ts';

/** Everything is signed here. */
const symmetric = ({ max }: Range): Range => ({ min: -max, max });

const CASTS = { quantizesInputsOnCpu: true } as const;

/**
 * Lowers a Top graph for a CV18xx processor (numerics.md 1.2, 4 to 6, 9, 10): calibration in, the processor's rewrites,
 * precisions per operator, range propagation, one rule per operator, casts.
 *
 * @throws QError `lower.plan.*` when the plan asks for what the processors lack, `lower.threshold-missing`,
 * `lower.threshold-invalid`, `lower.unsupported-operator` with every operator that cannot be lowered.
 */
export function lower(graph: Graph, plan: Plan, emit?: Emit): Graph {
  checkPlan(graph, plan);
  const working = new WorkingGraph(graph);
  const ranges = plan.values.size === 0 ? new Map<string, Range>() : importRanges(graph, plan, symmetric);
  const issues: Issue[] = [];
  for (const op of working.ops) attempt(issues, () => void topOperator(op));
  throwRefusals(issues);
  const uncalibrated = optimize(working, ranges);
  const precisions = assignPrecisions(working, ranges, plan);
  if (!propagateRanges(working, ranges, plan, 'cv18xx')) warnOfContradiction(graph, emit);
  const context = new Cv18xxContext({ graph: working, ranges, precisions, plan, uncalibrated });
  for (const op of working.ops) attempt(issues, () => lowerOp(context, topOperator(op)));
  throwRefusals(issues);
  forwardViewTypes(context, CASTS);
  let outputs: readonly string[] = [];
  attempt(issues, () => {
    outputs = insertCasts(context, graph.outputs, CASTS);
  });
  throwRefusals(issues);
  dropReluLimits(context);
  return assembleLowered(graph, plan.precision === 'F16' ? { ...plan, precision: 'BF16' } : plan, context, outputs);
}
