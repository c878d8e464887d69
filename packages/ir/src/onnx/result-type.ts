import type { Conversion } from './convert/conversion.ts';
import { axesOf } from './fold/movement.ts';
import { intAttribute, type OnnxNode } from './onnx-graph.ts';
import { type ElementType, elementTypeOf } from './tensor-data.ts';

const BOOLEAN = new Set(['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'And', 'Or', 'Xor', 'Not']);
const INDICES = new Set(['ArgMax', 'ArgMin', 'NonZero', 'Shape', 'Size']);

/** Element type of an output of a node whose inputs are known. */
export function elementTypeOfResult(node: OnnxNode, output: number, types: Conversion): ElementType {
  if (BOOLEAN.has(node.opType)) return 'bool';
  if (INDICES.has(node.opType) || (node.opType === 'TopK' && output === 1)) return 'i64';
  if (node.opType === 'MaxPool' && output === 1) return 'i64';
  if (node.opType === 'Cast') return elementTypeOf(intAttribute(node, 'to')) ?? 'f32';
  if (node.opType === 'QuantizeLinear') return node.inputs[2] ? types.type(node.inputs[2]).elementType : 'u8';
  if (node.opType === 'DequantizeLinear') return 'f32';
  const source = node.inputs[node.opType === 'Where' ? 1 : 0];
  return source === undefined || source === '' ? 'f32' : types.type(source).elementType;
}

/** Rank of the first output of a node whose Top result is `[1]`: Top has no rank 0. */
export function rankOfResult(node: OnnxNode, types: Conversion): number {
  const rank = (index: number) => types.type(node.inputs[index]!).shape.length;
  switch (node.opType) {
    case 'Gather':
      return rank(0) - 1 + rank(1);
    case 'Squeeze': {
      const axes = axesOf(node, types.constant(node.inputs[1]));
      return axes === undefined ? 0 : rank(0) - axes.length;
    }
    case 'Unsqueeze':
      return rank(0) + (axesOf(node, types.constant(node.inputs[1])) ?? []).length;
    case 'Reshape':
      return types.numbers(node.inputs[1])?.length ?? 1;
    case 'Expand':
      return Math.max(rank(0), types.numbers(node.inputs[1])?.length ?? 1);
    case 'GatherND': {
      const width = types.type(node.inputs[1]!).shape.at(-1)!;
      return rank(0) + rank(1) - width - 1 - intAttribute(node, 'batch_dims', 0);
    }
    case 'MatMul':
      return Math.max(0, rank(0) + rank(1) - 2);
    case 'TopK':
      return rank(0);
    case 'ConstantOfShape':
      return types.numbers(node.inputs[0])?.length ?? 1;
    case 'Concat':
    case 'Flatten':
      return 1;
    default:
      return node.opType.startsWith('Reduce') || node.opType.startsWith('Arg')
        ? reducedRank(node, types)
        : widestRank(node, types);
  }
}

function reducedRank(node: OnnxNode, types: Conversion): number {
  const { shape } = types.type(node.inputs[0]!);
  if (intAttribute(node, 'keepdims', 1) !== 0) return shape.length;
  if (node.opType.startsWith('Arg')) return shape.length - 1;
  const axes = axesOf(node, types.constant(node.inputs[1])) ?? [];
  return axes.length === 0 ? 0 : shape.length - axes.length;
}

function widestRank(node: OnnxNode, types: Conversion): number {
  return Math.max(...node.inputs.filter((input) => input !== '').map((input) => types.type(input).shape.length));
}
