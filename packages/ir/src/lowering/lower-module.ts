import type { MlirAttribute } from '../attribute-schema.ts';
import type { Issue } from '../errors.ts';
import type { Graph, KnownOp, Op, Weight } from '../graph.ts';
import { ownAttributesOf } from '../operators/own-attributes.ts';
import type { Plan } from '../plan.ts';
import { type LoweringContext, Refusal } from './context.ts';

/**
 * Refuses operators that no row describes, those that are lowered already, and those whose meaning TPU-MLIR cannot
 * express: lowered by Top's rules they would silently compute something else.
 */
export function topOperator(op: Op): KnownOp {
  if (op.type !== 'unknown' && op.type.startsWith('top.')) {
    const own = ownAttributesOf(op);
    if (own.length === 0) return op;
    throw new Refusal({
      code: 'lower.unsupported-operator',
      where: `${op.type} ${op.name}`,
      found: `${op.type} ${op.name} with ${own.join(', ')}`,
      expected: 'a form of the operator that the Top dialect of TPU-MLIR has',
    });
  }
  throw new Refusal({
    code: 'lower.unsupported-operator',
    where: op.name,
    found: op.type === 'unknown' ? op.mnemonic : op.type,
    expected: 'an operator of the Top dialect',
  });
}

/** ReLU6-style limits vanish in integers: only the threshold clips (numerics.md 18.10). */
export function dropReluLimits(context: LoweringContext): void {
  context.ops.forEach((op, index) => {
    if (!('reluLimit' in op.attributes)) return;
    const types = [op.name, op.inputs[0]].map((name) => (name == null ? undefined : context.values.get(name)));
    if (!types.some((type) => type?.quantization?.kind === 'uniform')) return;
    context.ops[index] = { ...op, attributes: { ...op.attributes, reluLimit: -1 } } as KnownOp;
  });
}

/** Rows of a plan that cannot be used: thresholds that are not positive, and none at all for an INT8 network. */
export function* thresholdIssues(graph: Graph, plan: Plan): Generator<Issue> {
  if (plan.precision === 'INT8' && plan.values.size === 0) {
    yield {
      code: 'lower.threshold-missing',
      where: 'calibration',
      found: 'no thresholds at all',
      expected: 'a calibration table',
      hint: 'run the calibration first, or deploy in a float precision',
    };
  }
  for (const [name, { threshold }] of plan.values) {
    if (!graph.values.has(name) || (threshold > 0 && Number.isFinite(threshold))) continue;
    yield {
      code: 'lower.threshold-invalid',
      where: name,
      found: `threshold ${threshold}`,
      expected: 'a positive number',
      hint: 'calibrate with images that reach this layer, or correct its row in the calibration table',
    };
  }
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

/** The lowered graph: what the context holds, without weights and values that nothing uses. */
export function assembleLowered(graph: Graph, plan: Plan, context: LoweringContext, outputs: readonly string[]): Graph {
  const read = new Set(context.ops.flatMap((op) => op.inputs));
  const made = new Set(context.ops.flatMap((op) => op.outputs));
  const isInput = (op: KnownOp): boolean => op.type === 'top.Input';
  return {
    ...(graph.argumentTypes === undefined ? {} : { argumentTypes: graph.argumentTypes }),
    name: graph.name,
    state: 'TPU_LOWERED',
    chip: plan.processor,
    platform: graph.platform,
    ops: [...context.ops.filter(isInput), ...context.ops.filter((op) => !isInput(op))],
    values: new Map([...context.values].filter(([name]) => made.has(name))),
    weights: new Map<string, Weight>([...context.weights].filter(([name]) => read.has(name))),
    outputs,
    tensorNames: graph.tensorNames,
    moduleAttributes: moduleAttributes(graph, plan),
  };
}

/** `<module>_<chip>_<quantize>[_sym]` in lower case (cli.md 6.3). */
export function artefactPrefix(lowered: Graph, plan: Plan): string {
  const suffix = plan.precision === 'INT8' ? (plan.asymmetric ? '_asym' : '_sym') : '';
  return `${lowered.name}_${plan.processor}_${plan.precision}${suffix}`.toLowerCase();
}
