import { frontAxis } from '../../operators/shape-rules.ts';
import { axesOf } from '../fold/movement.ts';
import {
  intAttribute,
  intsAttribute,
  type OnnxAttribute,
  type OnnxNode,
  replaceNode,
  replaceValue,
} from '../onnx-graph.ts';
import type { Rule, RuleContext } from './rule.ts';

const ints = (values: readonly number[]): OnnxAttribute => ({ kind: 'ints', value: values.map(BigInt) });

const permutation = (node: OnnxNode, rank: number) =>
  intsAttribute(node, 'perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);

/** Transpose of a Transpose: one permutation, named after the second. */
export const transposeOfTranspose: Rule = (node, context) => {
  const first = context.producer(node.inputs[0]);
  const rank = context.shape(node.inputs[0])?.length;
  if (node.opType !== 'Transpose' || first?.opType !== 'Transpose' || rank === undefined) return false;
  const inner = permutation(first, rank);
  const perm = permutation(node, rank).map((axis) => inner[axis]!);
  replaceNode(context.graph, node, {
    ...node,
    inputs: [first.inputs[0]!],
    attributes: new Map([['perm', ints(perm)]]),
  });
  return true;
};

/** Concat of a Concat along the same axis, when nothing else reads the inner one. */
export const concatOfConcat: Rule = (node, context) => {
  if (node.opType !== 'Concat') return false;
  const rank = context.shape(node.outputs[0])?.length;
  if (rank === undefined) return false;
  const axisOf = (concat: OnnxNode) => frontAxis(intAttribute(concat, 'axis', 1), rank);
  const inner = node.inputs
    .map((input) => context.soleProducer(input, 'Concat'))
    .find((candidate) => candidate !== undefined && axisOf(candidate) === axisOf(node));
  if (inner === undefined) return false;
  const inputs = node.inputs.flatMap((input) => (input === inner.outputs[0] ? inner.inputs : [input]));
  replaceNode(context.graph, inner);
  replaceNode(context.graph, node, { ...node, inputs });
  return true;
};

const constantAxes = (node: OnnxNode, context: RuleContext) => axesOf(node, context.constant(node.inputs[1]));

/** A reduction without `keepdims` whose axes are unsqueezed again keeps them; the reduction's name survives. */
export const reduceThenUnsqueeze: Rule = (node, context) => {
  const reduce = context.producer(node.inputs[0]);
  if (node.opType !== 'Unsqueeze' || reduce === undefined || !/^Reduce|^Arg/.test(reduce.opType)) return false;
  const rank = context.shape(node.outputs[0])?.length;
  if (rank === undefined || !context.isReadOnce(node.inputs[0]!) || intAttribute(reduce, 'keepdims', 1) !== 0)
    return false;
  const reduced = reduce.opType.startsWith('Arg') ? [intAttribute(reduce, 'axis', 0)] : constantAxes(reduce, context);
  const front = (axes: readonly number[] | undefined) =>
    axes
      ?.map((axis) => frontAxis(axis, rank))
      .sort((a, b) => a - b)
      .join();
  if (reduced === undefined || front(reduced) !== front(constantAxes(node, context))) return false;
  const keepdims: OnnxAttribute = { kind: 'int', value: 1n };
  replaceNode(context.graph, reduce, {
    ...reduce,
    attributes: new Map([...reduce.attributes, ['keepdims', keepdims]]),
  });
  return replaceValue(context.graph, node.outputs[0]!, reduce.outputs[0]!);
};
