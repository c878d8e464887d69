import type { Graph, KnownOp, Op, OpType } from '@q/ir';

/** Where quantization starts (spacemit.md 7.2). */
export const COMPUTING: ReadonlySet<string> = new Set<OpType>(['top.Conv', 'top.Deconv', 'top.MatMul']);

/** Results share the parameters of operand 0 (spacemit.md 7.1). */
export const PASSIVE: ReadonlySet<string> = new Set<OpType>([
  'top.MaxPool',
  'top.Reshape',
  'top.Flatten',
  'top.Slice',
  'top.Pad',
  'top.Split',
  'top.Permute',
  'top.Squeeze',
  'top.Unsqueeze',
  'top.Gather',
]);

/** Folded into the quantized operator in front of them (spacemit.md 7.4). */
export const BOUNDING: ReadonlySet<string> = new Set<OpType>(['top.Relu', 'top.Clip']);

const OTHERS: ReadonlySet<string> = new Set<OpType>([
  'top.PRelu',
  'top.LeakyRelu',
  'top.Sigmoid',
  'top.SiLU',
  'top.HardSwish',
  'top.HardSigmoid',
  'top.GELU',
  'top.LRN',
  'top.Upsample',
  'top.Interp',
  'top.AvgPool',
  'top.Reduce',
  'top.Add',
  'top.Sub',
  'top.Mul',
  'top.AddConst',
  'top.SubConst',
  'top.MulConst',
  'top.Scale',
  'top.LayerNorm',
  'top.InstanceNorm',
  'top.GroupNorm',
  'top.Concat',
]);

/** Whether the operator type and its attributes have an INT8 form; operands are looked at by `operandsFit`. */
export function isQuantizable(op: Op): op is KnownOp {
  if (op.type === 'unknown') return false;
  if (!COMPUTING.has(op.type) && !PASSIVE.has(op.type) && !BOUNDING.has(op.type) && !OTHERS.has(op.type)) return false;
  switch (op.type) {
    case 'top.Reduce':
      return op.attributes.mode === 'ReduceMean';
    case 'top.Sigmoid':
      return !op.attributes.log;
    case 'top.Add':
    case 'top.Sub':
      return op.inputs.length === 2 && (op.attributes.coeff ?? []).every((factor) => factor === 1);
    case 'top.Mul':
      return op.inputs.length === 2;
    case 'top.MatMul':
      return !op.attributes.leftTranspose && !op.attributes.outputTranspose && !op.attributes.hdimIsBatch;
    case 'top.Pad':
      // Codes cannot stand for anything but what the input's parameters cover.
      return op.attributes.mode !== 'constant' || op.attributes.val === 0;
    default:
      return true;
  }
}

/** Filters, biases, slopes and normalisation parameters must be known; a computed one keeps the operator float. */
export function operandsFit(op: KnownOp, graph: Graph): boolean {
  const isWeight = (name: string | null | undefined): boolean => name == null || graph.weights.has(name);
  switch (op.type) {
    case 'top.Conv':
    case 'top.Deconv':
      return !isWeight(op.inputs[0]) && isWeight(op.inputs[1]) && isWeight(op.inputs[2]);
    case 'top.MatMul':
      return !isWeight(op.inputs[0]) && isWeight(op.inputs[2]);
    case 'top.Add':
    case 'top.Sub':
    case 'top.Mul':
    case 'top.Concat':
      return !op.inputs.every(isWeight);
    default:
      return !isWeight(op.inputs[0]) && op.inputs.slice(1).every(isWeight);
  }
}

/** Operands that are activations: their codes need parameters. */
export function activationOperands(op: KnownOp, graph: Graph): string[] {
  const candidates = ['top.Add', 'top.Sub', 'top.Mul', 'top.Concat', 'top.MatMul'].includes(op.type)
    ? op.inputs
    : op.inputs.slice(0, 1);
  return [...new Set(candidates.filter((name): name is string => name !== null && !graph.weights.has(name)))];
}
