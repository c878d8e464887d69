import { castKind } from '../convert/comparison.ts';
import { int64Vector } from '../fold/constant-array.ts';
import {
  intAttribute,
  type OnnxGraph,
  type OnnxNode,
  type OnnxType,
  replaceNode,
  replaceValue,
} from '../onnx-graph.ts';
import { elementTypeOf } from '../tensor-data.ts';
import { RuleContext } from './rule.ts';

/**
 * Bypasses the casts that make no layer; float → bool → float becomes Equal(x, 0) and Not (ir.md 8.1, 7a). Casts that
 * are network outputs stay and end as skipped layers.
 */
export function removeCasts(graph: OnnxGraph, types: ReadonlyMap<string, OnnxType>): void {
  for (const node of [...graph.nodes]) {
    const from = types.get(node.inputs[0] ?? '')?.elementType;
    if (node.opType !== 'Cast' || from === undefined) continue;
    // Widening narrow integers makes no layer either, but later casts must know that the values are wide.
    if (WRAPPING.has(from)) continue;
    const kind = castKind(node, from);
    if (kind !== undefined && !(kind === 'BOOL' && onlyTestsForZero(graph, node))) continue;
    const context = new RuleContext(graph, types);
    const source = context.producer(node.inputs[0]);
    if (from === 'bool' && source?.opType === 'Cast' && isFloatTarget(node))
      testForZero(context, node, source.inputs[0]!);
    else if (!graph.outputs.includes(node.outputs[0]!) && !feedsFloatCast(context, node)) {
      replaceValue(graph, node.outputs[0]!, node.inputs[0]!);
    }
  }
}

const isFloatTarget = (node: OnnxNode) => ['f32', 'f16', 'f64'].includes(elementTypeOf(intAttribute(node, 'to')) ?? '');

/** Types whose arithmetic wraps at a size that matters. */
const WRAPPING: ReadonlySet<string> = new Set(['i4', 'u4', 'i8', 'u8', 'i16', 'u16', 'u32', 'u64']);

/** Operators that read "not zero" as true: a cast to bool before them changes nothing. */
const LOGICAL = new Set(['And', 'Or', 'Xor', 'Not']);

function onlyTestsForZero(graph: OnnxGraph, node: OnnxNode): boolean {
  const output = node.outputs[0]!;
  if (graph.outputs.includes(output)) return false;
  return graph.nodes.every(
    (reader) =>
      !reader.inputs.includes(output) ||
      LOGICAL.has(reader.opType) ||
      (reader.opType === 'Where' && reader.inputs.indexOf(output) === 0 && reader.inputs.lastIndexOf(output) === 0) ||
      (reader.opType === 'Cast' && isFloatTarget(reader)),
  );
}

/** A cast to bool whose reader casts back to float must stay until that reader has been rewritten. */
function feedsFloatCast(context: RuleContext, node: OnnxNode): boolean {
  if (elementTypeOf(intAttribute(node, 'to')) !== 'bool') return false;
  const [output] = node.outputs;
  return context.graph.nodes.some(
    (reader) => reader.opType === 'Cast' && reader.inputs[0] === output && isFloatTarget(reader),
  );
}

function testForZero(context: RuleContext, node: OnnxNode, tensor: string): void {
  const output = node.outputs[0]!;
  const zero = context.addConstant(`${output}_EqualZero_zero`, int64Vector([0]));
  const attributes = new Map();
  const isZero = `${output}_EqualZero_out`;
  replaceNode(
    context.graph,
    node,
    { name: isZero, opType: 'Equal', inputs: [tensor, zero], outputs: [isZero], attributes },
    { name: output, opType: 'Not', inputs: [isZero], outputs: [output], attributes },
  );
}
