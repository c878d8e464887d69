import type { Emit, Graph, Issue, KnownOp, Plan, Precision } from '@q/ir';
import {
  assembleLowered,
  attempt,
  dropReluLimits,
  forwardViewTypes,
  importRanges,
  insertCasts,
  LoweringContext,
  propagateRanges,
  throwRefusals,
  topOperator,
  WorkingGraph,
  warnOfContradiction,
} from '@q/ir/lowering';
import { assignPrecisions } from '../float-rules.ts';
import { checkPlan } from './check-plan.ts';
import { lowerOp } from './lower-op.ts';

/**
 * Lowers a Top graph for bm1684 (numerics.md 8): symmetric INT8 per tensor with shifts only, F32 for the rest.
 *
 * @throws QError as `lower` of the BM1684X family.
 */
export function lowerForBm1684(graph: Graph, plan: Plan, emit?: Emit): Graph {
  checkPlan(graph, plan);
  const working = new WorkingGraph(graph);
  const ranges = plan.values.size === 0 ? new Map() : importRanges(graph, plan);
  // There is one float type: what the rules of the family make F16 is F32 here.
  const precisions = new Map<string, Precision>(
    [...assignPrecisions(working, ranges, plan)].map(([name, chosen]) => [name, chosen === 'INT8' ? 'INT8' : 'F32']),
  );
  if (!propagateRanges(working, ranges, plan, 'bm1684')) warnOfContradiction(graph, emit);
  const context = new LoweringContext({ graph: working, ranges, precisions });
  const issues: Issue[] = [];
  for (const op of working.ops) attempt(issues, () => lowerAny(context, topOperator(op)));
  throwRefusals(issues);
  forwardViewTypes(context);
  let outputs: readonly string[] = [];
  attempt(issues, () => {
    outputs = insertCasts(context, graph.outputs);
  });
  throwRefusals(issues);
  dropReluLimits(context);
  return assembleLowered(graph, plan, context, outputs);
}

function lowerAny(context: LoweringContext, op: KnownOp): void {
  if (op.type === 'top.Input') context.emit(op, context.floatType(op.name, 'f32'));
  else lowerOp(context, op);
}
