import { type OnnxNode, replaceNode } from '../onnx-graph.ts';
import type { Rule } from './rule.ts';

/** MatMul of two matrices followed by a constant Add becomes Gemm, named after the Add. */
export const addIntoMatMul: Rule = (node, context) => {
  if (node.opType !== 'Add') return false;
  const product = context.soleProducer(node.inputs[0], 'MatMul');
  const bias = context.constant(node.inputs[1]);
  const [left, right] = [context.shape(product?.inputs[0]), context.shape(product?.inputs[1])];
  if (product === undefined || bias === undefined || left?.length !== 2 || right?.length !== 2) return false;
  const columns = right[1]!;
  const row =
    bias.shape.at(-1) === columns && bias.shape.slice(0, -1).every((dim) => dim === 1) && bias.shape.length <= 2;
  if (!row) return false;
  const gemm: OnnxNode = {
    name: node.name,
    opType: 'Gemm',
    inputs: [...product.inputs, node.inputs[1]!],
    outputs: node.outputs,
    attributes: new Map(),
  };
  replaceNode(context.graph, product);
  replaceNode(context.graph, node, gemm);
  return true;
};
