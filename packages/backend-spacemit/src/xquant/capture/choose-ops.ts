import { type Emit, type Graph, type Op, QError } from '@q/ir';
import { chooseQuantized, type Dispatch } from '../../dispatch.ts';
import type { XquantConfig } from '../config/settings.ts';
import { fusedGroups } from '../fuse/fused-groups.ts';
import { tensorOf } from '../prepare/read-model.ts';
import type { Captured } from './custom-settings.ts';
import type { Truncation } from './truncate.ts';

/** Why an operator that has an INT8 form stays float. */
export type FloatReason =
  | 'precision_level'
  | 'custom_setting'
  | 'truncate_var_names'
  | 'ignore_op_types'
  | 'ignore_op_names'
  | 'fusions';

export interface ChosenOps {
  readonly chosen: Dispatch;
  readonly reasons: ReadonlyMap<Op, FloatReason>;
}

export interface ChoiceSettings {
  readonly config: XquantConfig;
  readonly nodeNames: ReadonlyMap<string, string>;
  readonly nodeTypes: ReadonlyMap<string, string>;
  readonly captured: readonly Captured[];
  readonly truncation: Truncation | undefined;
  readonly emit: Emit;
}

/** ONNX types of the Top operators that users put into `ignore_op_types`. */
const ONNX_TYPES: Readonly<Record<string, readonly string[]>> = {
  'top.MatMul': ['MatMul', 'Gemm', 'BatchMatMul'],
  'top.Deconv': ['ConvTranspose'],
  'top.AddConst': ['Add', 'Sub'],
  'top.SubConst': ['Sub'],
  'top.MulConst': ['Mul', 'Div'],
  'top.AvgPool': ['AveragePool', 'GlobalAveragePool'],
  'top.MaxPool': ['MaxPool', 'GlobalMaxPool'],
  'top.Interp': ['Resize', 'Upsample'],
  'top.Upsample': ['Resize', 'Upsample'],
  'top.Permute': ['Transpose'],
  'top.Reduce': ['ReduceMean'],
  'top.Relu': ['Relu', 'Clip'],
  'top.Reshape': ['Reshape', 'Flatten'],
  'top.LayerNorm': ['LayerNormalization', 'LayerNorm'],
  'top.InstanceNorm': ['InstanceNormalization'],
  'top.GroupNorm': ['GroupNormalization'],
  'top.GELU': ['Gelu', 'GELU'],
};

/**
 * The ONNX operator types that a Top operator goes by: its node's, where that still says what it is, else all that it may
 * have come from.
 */
export function onnxTypesOf({ type, name }: Op, nodeTypes: ReadonlyMap<string, string>): readonly string[] {
  const types = ONNX_TYPES[type] ?? [type.replace('top.', '')];
  const own = nodeTypes.get(name);
  return own !== undefined && types.includes(own) ? [own] : types;
}

/** Which operators run in INT8 (spacemit.md 7.2, 9), and why others with an INT8 form do not. */
export function chooseOps(graph: Graph, settings: ChoiceSettings): ChosenOps {
  const reasons = new Map<Op, FloatReason>();
  const groups = fusedGroups(graph, settings.config.extensions.fusions);
  const fused = new Set(groups.flatMap(({ ops }) => [...ops]));
  for (const op of graph.ops) {
    const reason = fused.has(op) ? 'fusions' : floatReason(op, graph, settings);
    if (reason !== undefined) reasons.set(op, reason);
  }
  reportUnmatched(graph, settings);
  const choice = { staysFloat: (op: Op) => reasons.has(op), blocks: (op: Op) => fused.has(op) };
  return { chosen: chooseQuantized(graph, choice), reasons };
}

function floatReason(op: Op, graph: Graph, settings: ChoiceSettings): FloatReason | undefined {
  const { config, captured, truncation, nodeNames, nodeTypes } = settings;
  const { precisionLevel, ignoreOpTypes, ignoreOpNames } = config.quantization;
  if (truncation !== undefined && !truncation.head.has(op)) return 'truncate_var_names';
  if (onnxTypesOf(op, nodeTypes).some((type) => ignoreOpTypes.includes(type))) return 'ignore_op_types';
  if (namesOf(op, graph, nodeNames).some((name) => ignoreOpNames.includes(name))) return 'ignore_op_names';
  // Items apply in their order, later ones win; levels other than 2 and 3 do nothing.
  const levels = captured.filter(({ ops }) => ops.has(op)).map(({ setting }) => setting.precisionLevel);
  const own = levels.findLast((level) => level === 2 || level === 3);
  if (own === 3 || (own === 2 && isIsland(op, graph))) return 'custom_setting';
  return precisionLevel === 2 && isIsland(op, graph) ? 'precision_level' : undefined;
}

/** Names by which a user may call an operator: its node's, its tensor's, its layer's. */
export function namesOf(op: Op, graph: Graph, nodeNames: ReadonlyMap<string, string>): string[] {
  return [nodeNames.get(op.name) ?? op.name, tensorOf(graph, op.name), op.name];
}

/** What `precision_level` 2 keeps float: arithmetic between two activations, Softmax and Sigmoid (spacemit.md 9.1). */
function isIsland(op: Op, graph: Graph): boolean {
  if (op.type === 'top.Softmax' || op.type === 'top.Sigmoid' || op.type === 'top.SiLU') return true;
  const isArithmetic = op.type === 'top.Add' || op.type === 'top.Sub' || op.type === 'top.Mul' || op.type === 'top.Div';
  return isArithmetic && !op.inputs.some((name) => name !== null && graph.weights.has(name));
}

/** Types and names that match nothing: warnings, or one error with `q_parameters.strict`. */
function reportUnmatched(graph: Graph, { config, nodeNames, nodeTypes, emit }: ChoiceSettings): void {
  const { ignoreOpTypes, ignoreOpNames } = config.quantization;
  const types = new Set(graph.ops.flatMap((op) => onnxTypesOf(op, nodeTypes)));
  const names = new Set(graph.ops.flatMap((op) => namesOf(op, graph, nodeNames)));
  const unmatched = [
    ...ignoreOpTypes.filter((type) => !types.has(type)).map((type) => ['ignore_op_types', type] as const),
    ...ignoreOpNames.filter((name) => !names.has(name)).map((name) => ['ignore_op_names', name] as const),
  ];
  const code = 'xquant.ignore.unmatched';
  if (config.extensions.strict && unmatched.length > 0) {
    const where = [...new Set(unmatched.map(([field]) => `quantization_parameters.${field}`))].join(', ');
    const found = unmatched.map(([, name]) => name).join(', ');
    const expected = 'operators of the simplified network';
    throw new QError(`${where}: ${found} match no operator`, { code, where, found, expected });
  }
  for (const [field, name] of unmatched) {
    const where = `quantization_parameters.${field}`;
    emit({ type: 'warning', code, where, message: `${name} matches no operator` });
  }
}
