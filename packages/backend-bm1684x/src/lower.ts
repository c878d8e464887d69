import {
  type Emit,
  type Graph,
  type Issue,
  inputsOf,
  type KnownOp,
  type MlirAttribute,
  type Plan,
  QError,
  type Weight,
} from '@q/ir';
import { forwardViewTypes, insertCasts } from './casts.ts';
import { checkPlan } from './check-plan.ts';
import { assignPrecisions } from './float-rules.ts';
import { fuseFloatTables } from './float-tables.ts';
import { LoweringContext, Refusal } from './lowering/context.ts';
import { lowerOp } from './lowering/lower-op.ts';
import { propagateRanges } from './propagation.ts';
import { importRanges } from './ranges.ts';
import { optimizeForProcessor } from './top-optimize.ts';
import { isKnown, WorkingGraph } from './working-graph.ts';

/**
 * Lowers a Top graph for a processor of the BM1684X family (numerics.md 1.2, 4 to 7): calibration in, then the
 * processor's rewrites, precisions per operator, range propagation, one rule per operator, casts.
 *
 * @throws QError `bm168x.not-lowerable` (or the issue's own code when there is one only) with every operator that has no
 * definition here, `bm168x.plan…` when the plan asks for what the processor lacks.
 */
export function lower(graph: Graph, plan: Plan, emit?: Emit): Graph {
  const processor = checkPlan(graph, plan);
  const working = new WorkingGraph(graph);
  const ranges = plan.values.size === 0 ? new Map() : importRanges(graph, plan);
  optimizeForProcessor(working);
  const precisions = assignPrecisions(working, ranges, plan);
  if (!propagateRanges(working, ranges, plan)) {
    emit?.({
      type: 'warning',
      code: 'bm168x.range-contradiction',
      message: 'The calibrated ranges contradict each other; propagation stopped where the vendor stops.',
      where: graph.name,
    });
  }
  const context = new LoweringContext({ graph: working, ranges, precisions, processor });
  const issues: Issue[] = [];
  for (const op of working.ops) attempt(issues, () => lowerAny(context, isKnown(op) ? op : refuseUnknown(op)));
  throwIfAny(issues);
  forwardViewTypes(context);
  let outputs: readonly string[] = [];
  attempt(issues, () => {
    outputs = insertCasts(context, graph.outputs);
  });
  throwIfAny(issues);
  if (processor.fusesFloatTables) fuseFloatTables(context, plan, outputs);
  dropReluLimits(context);
  emit?.({ type: 'progress', task: 'lower', done: working.ops.length, total: working.ops.length });
  return assemble(graph, plan, context, outputs);
}

function lowerAny(context: LoweringContext, op: KnownOp): void {
  if (op.type === 'top.Input') context.emit(op, context.floatType(op.name, 'f32'));
  else if (op.type.startsWith('top.')) lowerOp(context, op);
  else
    throw new Refusal({
      code: 'bm168x.unsupported-operator',
      where: op.name,
      found: op.type,
      expected: 'a top operator',
    });
}

function refuseUnknown(op: { readonly name: string; readonly type: 'unknown'; readonly mnemonic: string }): never {
  throw new Refusal({
    code: 'bm168x.unsupported-operator',
    where: op.name,
    found: op.mnemonic,
    expected: 'a known operator',
  });
}

/** Runs a rule and keeps what it refuses, so that all refusals are told at once. */
function attempt(issues: Issue[], rule: () => void): void {
  try {
    rule();
  } catch (error) {
    if (error instanceof Refusal) issues.push(error.issue);
    else if (error instanceof QError) issues.push(...error.issues);
    else throw error;
  }
}

function throwIfAny(issues: readonly Issue[]): void {
  if (issues.length === 0) return;
  const shown = issues.slice(0, 10).map((issue) => `${issue.where ?? 'graph'}: ${issue.found ?? issue.code}`);
  const more = issues.length > shown.length ? ` (and ${issues.length - shown.length} more)` : '';
  const count = issues.length === 1 ? 'One operator' : `${issues.length} operators`;
  throw new QError(`${count} cannot be lowered: ${shown.join('; ')}${more}.`, issues[0]!, { issues });
}

/** ReLU6-style limits vanish in integers: only the threshold clips (numerics.md 18.10). */
function dropReluLimits(context: LoweringContext): void {
  context.ops.forEach((op, index) => {
    if (!('reluLimit' in op.attributes)) return;
    const types = [op.name, op.inputs[0]].map((name) => (name == null ? undefined : context.values.get(name)));
    if (!types.some((type) => type?.quantization?.kind === 'uniform')) return;
    context.ops[index] = { ...op, attributes: { ...op.attributes, reluLimit: -1 } } as KnownOp;
  });
}

const text = (value: string): MlirAttribute => ({ kind: 'string', value });
const flag = (value: boolean): MlirAttribute => ({ kind: 'bool', value });
const count = (value: number): MlirAttribute => ({ kind: 'int', value, type: 'i64' });

/** Module attributes of a lowered module (numerics.md 14). */
function moduleAttributes(graph: Graph, plan: Plan): Record<string, MlirAttribute> {
  return {
    'module.FLOPs': count(0),
    'module.top_run_mode': text('STATIC'),
    ...graph.moduleAttributes,
    'module.addr_mode': text('basic'),
    'module.asymmetric': flag(plan.asymmetric),
    'module.cores': count(1),
    'module.devices': count(1),
    'module.high_precision': flag(false),
    'module.mode': text(plan.precision),
    'module.q_group_size': count(0),
    'module.q_symmetric': flag(false),
  };
}

function assemble(graph: Graph, plan: Plan, context: LoweringContext, outputs: readonly string[]): Graph {
  const used = new Set(context.ops.flatMap((op) => op.inputs));
  const weights = new Map<string, Weight>([...context.weights].filter(([name]) => used.has(name)));
  const inputs = new Set(inputsOf(graph).map((op) => op.name));
  const ops = [
    ...context.ops.filter((op) => op.type === 'top.Input'),
    ...context.ops.filter((op) => op.type !== 'top.Input'),
  ];
  const values = new Map(
    [...context.values].filter(
      ([name]) =>
        inputs.has(name) ||
        used.has(name) ||
        outputs.includes(name) ||
        context.ops.some((op) => op.outputs.includes(name)),
    ),
  );
  return {
    name: graph.name,
    state: 'TPU_LOWERED',
    chip: plan.processor,
    platform: graph.platform,
    ops,
    values,
    weights,
    outputs,
    tensorNames: graph.tensorNames,
    moduleAttributes: moduleAttributes(graph, plan),
  };
}
