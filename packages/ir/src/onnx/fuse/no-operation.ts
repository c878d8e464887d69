import { intsAttribute, numbersOf, type OnnxNode, replaceValue } from '../onnx-graph.ts';
import type { Rule, RuleContext } from './rule.ts';

const sameShape = (a: readonly number[] | undefined, b: readonly number[] | undefined) =>
  a !== undefined && b !== undefined && a.length === b.length && a.every((dim, axis) => dim === b[axis]);

/** Whether a constant is this number everywhere and does not widen the other operand. */
function isNeutral(node: OnnxNode, context: RuleContext, index: number, neutral: number): boolean {
  const constant = context.constant(node.inputs[index]);
  const other = context.shape(node.inputs[1 - index]);
  if (constant === undefined || !sameShape(other, context.shape(node.outputs[0]))) return false;
  return numbersOf(constant).every((value) => value === neutral);
}

/** The input that a node without effect passes on. */
function passedInput(node: OnnxNode, context: RuleContext): string | undefined {
  const [input] = node.inputs;
  const keepsShape = sameShape(context.shape(input), context.shape(node.outputs[0]));
  switch (node.opType) {
    case 'Identity':
    case 'Dropout':
      return input;
    case 'Reshape':
    case 'Flatten':
    case 'Expand':
      return keepsShape ? input : undefined;
    case 'Transpose': {
      // One that keeps two dimensions makes a layer in TPU-MLIR.
      const order = intsAttribute(node, 'perm') ?? [];
      return order.length > 2 && order.every((axis, index) => axis === index) ? input : undefined;
    }
    case 'Concat':
      return node.inputs.length === 1 ? input : undefined;
    case 'Split':
      return node.outputs.length === 1 ? input : undefined;
    case 'Pad':
      return keepsShape && padsNothing(node, context) ? input : undefined;
    case 'Cast':
      return context.types.get(input!)?.elementType === context.types.get(node.outputs[0]!)?.elementType
        ? input
        : undefined;
    case 'Add':
      return isNeutral(node, context, 1, 0) ? input : isNeutral(node, context, 0, 0) ? node.inputs[1] : undefined;
    case 'Mul':
      return isNeutral(node, context, 1, 1) ? input : isNeutral(node, context, 0, 1) ? node.inputs[1] : undefined;
    case 'Sub':
      return isNeutral(node, context, 1, 0) ? input : undefined;
    case 'Div':
    case 'Pow':
      return isNeutral(node, context, 1, 1) ? input : undefined;
    default:
      return undefined;
  }
}

function padsNothing(node: OnnxNode, context: RuleContext): boolean {
  const constant = context.constant(node.inputs[1]);
  const pads = intsAttribute(node, 'pads') ?? (constant === undefined ? [1] : numbersOf(constant));
  return pads.every((amount) => amount === 0);
}

/** Drops nodes that pass their input on. Network outputs stay: they end as skipped layers (ir.md 8.2). */
export const dropNoOperation: Rule = (node, context) => {
  if (
    node.outputs.some(
      (output, index) =>
        context.graph.outputs.includes(output) || (index > 0 && output !== '' && !isUnread(output, context)),
    )
  ) {
    return false;
  }
  const input = passedInput(node, context);
  return input !== undefined && input !== '' && replaceValue(context.graph, node.outputs[0]!, input);
};

function isUnread(tensor: string, context: RuleContext): boolean {
  return context.graph.nodes.every((node) => !node.inputs.includes(tensor));
}
