import type { Emit, Graph, Issue, KnownOp, Plan } from '@q/ir';
import {
  assembleLowered,
  attempt,
  dropReluLimits,
  forwardViewTypes,
  importRanges,
  insertCasts,
  mergeScales,
  propagateRanges,
  throwRefusals,
  topOperator,
  WorkingGraph,
  warnOfContradiction,
} from '@q/ir/lowering';
import { checkPlan } from './check-plan.ts';
import { assignPrecisions } from './float-rules.ts';
import { fuseFloatTables } from './float-tables.ts';
import { usesInt4Range } from './int4-operators.ts';
import { findInt16Outputs } from './int16-outputs.ts';
import { Bm168xContext } from './lowering/context.ts';
import { lowerOp } from './lowering/lower-op.ts';
import { removeIdentities } from './remove-identities.ts';

/**
 * Lowers a Top graph for a processor of the BM1684X family (numerics.md 1.2, 4 to 7): calibration in, then the
 * processor's rewrites, precisions per operator, range propagation, one rule per operator, casts.
 *
 * @throws QError `lower.plan.*` when the plan asks for what the processor lacks, `lower.threshold-missing`,
 * `lower.threshold-invalid`, `lower.unsupported-operator` and others with every operator that cannot be lowered.
 */
export function lower(graph: Graph, plan: Plan, emit?: Emit): Graph {
  const processor = checkPlan(graph, plan);
  const working = new WorkingGraph(graph);
  const ranges = plan.values.size === 0 ? new Map() : importRanges(graph, plan, undefined, usesInt4Range(graph, plan));
  mergeScales(working);
  setGeluForm(working, plan);
  const precisions = assignPrecisions(working, ranges, plan);
  if (!propagateRanges(working, ranges, plan, 'bm1684x')) warnOfContradiction(graph, emit);
  const int16 = findInt16Outputs(working, precisions, plan, processor);
  const context = new Bm168xContext({ graph: working, ranges, precisions, plan, processor, int16 });
  const issues: Issue[] = [];
  for (const op of working.ops) attempt(issues, () => lowerAny(context, topOperator(op)));
  throwRefusals(issues);
  forwardViewTypes(context);
  let outputs: readonly string[] = [];
  attempt(issues, () => {
    const named = graph.outputs.map((name) => context.nameFor(name, undefined));
    outputs = insertCasts(context, named, {
      fourBitReaders: context.fourBitReaders,
      sixteenBitsThroughF32: processor.isBm1688,
    });
  });
  throwRefusals(issues);
  if (processor.fusesFloatTables) fuseFloatTables(context, plan, outputs);
  removeIdentities(context, outputs);
  warnOfTables(context.mismatchedTables, emit);
  dropReluLimits(context);
  return assembleLowered(graph, plan, context, outputs);
}

/** `--gelu_mode`: one form for every GELU of the network. */
function setGeluForm(graph: WorkingGraph, plan: Plan): void {
  const approxMode = plan.options?.gelu;
  if (approxMode === undefined) return;
  graph.ops.forEach((op, index) => {
    if (op.type === 'top.GELU') graph.replace(index, { ...op, attributes: { ...op.attributes, approxMode } });
  });
}

function lowerAny(context: Bm168xContext, op: KnownOp): void {
  if (op.type === 'top.Input') context.emit(op, context.floatType(op.name, 'f32'));
  else lowerOp(context, op);
}

/** Users should know why such a network is worse than its symmetric form. */
function warnOfTables(names: readonly string[], emit: Emit | undefined): void {
  if (names.length === 0) return;
  emit?.({
    type: 'warning',
    code: 'lower.asymmetric-tables',
    message:
      `With --asymmetric the vendor builds the tables of ${names.length} activations for symmetric codes, but reads the ` +
      `codes as asymmetric ones: ${names.slice(0, 5).join(', ')}. Results there are far off, here as there.`,
    where: names[0]!,
  });
}
