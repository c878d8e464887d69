import { intAttribute, stringAttribute } from '../onnx-graph.ts';
import type { ElementType } from '../tensor-data.ts';
import { type Converter, requiredNumbers, unsupported } from './conversion.ts';

const gather: Converter = (node, to) => {
  const [data, indices] = node.inputs as [string, string];
  to.finish(node, 'top.Gather', {
    inputs: [to.operand(data), to.operand(indices)],
    attributes: { axis: intAttribute(node, 'axis', 0), keepdims: to.type(indices).shape.length > 0 },
  });
};

const topK: Converter = (node, to) => {
  const name = node.outputs[0]!;
  const K = to.scalar(node.inputs[1]) ?? intAttribute(node, 'k');
  if (K === undefined) throw unsupported(node, 'K computed at run time', 'a constant K');
  // The two defaults are in swapped order in TPU-MLIR (ir.md 8.3).
  const [values, indices] = [node.outputs[0], node.outputs[1]];
  const names = [
    values ? `${values}_TopK` : `${name}_TopK_indices`,
    indices ? `${indices}_TopK` : `${name}_TopK_values`,
  ];
  to.add('top.TopK', {
    name: names[0]!,
    inputs: [to.operand(node.inputs[0]), null],
    outputs: [values ? names[0]! : null, indices ? names[1]! : null],
    attributes: {
      axis: intAttribute(node, 'axis', -1),
      K,
      largest: intAttribute(node, 'largest', 1) !== 0,
      sorted: intAttribute(node, 'sorted', 1) !== 0,
    },
  });
  if (values) to.define(values, names[0]!);
  if (indices) to.define(indices, names[1]!);
};

/** `exclusive`: without the element itself; `reverse`: from the end. Attributes of ours, printed only when set. */
const cumulative =
  (type: 'top.CumSum' | 'top.CumProd'): Converter =>
  (node, to) => {
    const flag = (name: string) => intAttribute(node, name, 0) !== 0;
    const axis = requiredNumbers(node, to, 1, 'axis')[0]!;
    const rank = to.type(node.inputs[0]!).shape.length;
    to.finish(node, type, {
      inputs: [to.operand(node.inputs[0]), null],
      attributes: {
        axis: axis < 0 ? axis + rank : axis,
        ...(flag('exclusive') ? { exclusive: true } : {}),
        ...(flag('reverse') ? { reverse: true } : {}),
      },
    });
  };

const BITWISE: readonly string[] = ['BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'BitwiseNot'];
const EXACT: readonly ElementType[] = ['bool', 'u8', 'i8', 'u16', 'i16', 'u4', 'i4'];

const UNSIGNED_BITS: Readonly<Partial<Record<ElementType, number>>> = { bool: 1, u4: 4, u8: 8, u16: 16 };

/** Bitwise operators on codes that float32 holds exactly: at most 16 bits. */
const bitwise: Converter = (node, to) => {
  const { elementType } = to.type(node.inputs[0]!);
  if (!EXACT.includes(elementType)) {
    throw unsupported(node, `${elementType} operands`, 'at most 16 bits: values are float32 in Top');
  }
  to.finish(node, 'top.Bitwise', {
    inputs: node.inputs.map((input) => to.operand(input)),
    attributes: { mode: node.opType.slice('Bitwise'.length), unsignedBits: UNSIGNED_BITS[elementType] ?? 0 },
  });
};

const scatterReduction = (mode: string): number => ['none', 'add', 'mul', 'max', 'min'].indexOf(mode);

export const indexingConverters: Readonly<Record<string, Converter>> = {
  Gather: gather,
  GatherElements: (node, to) =>
    to.finish(node, 'top.GatherElements', {
      inputs: node.inputs.map((input) => to.operand(input)),
      attributes: { axis: intAttribute(node, 'axis', 0) },
    }),
  GatherND: (node, to) =>
    to.finish(node, 'top.GatherND', {
      inputs: node.inputs.map((input) => to.operand(input)),
      attributes: { batchDims: intAttribute(node, 'batch_dims', 0) },
    }),
  ScatterElements: (node, to) =>
    to.finish(node, 'top.ScatterElements', {
      inputs: node.inputs.map((input) => to.operand(input)),
      attributes: {
        axis: intAttribute(node, 'axis', 0),
        reduction: scatterReduction(stringAttribute(node, 'reduction', 'none')),
      },
    }),
  ScatterND: (node, to) =>
    to.finish(node, 'top.ScatterND', {
      inputs: node.inputs.map((input) => to.operand(input)),
      attributes: { reduction: scatterReduction(stringAttribute(node, 'reduction', 'none')) },
    }),
  Scatter: (node, to) =>
    to.finish(node, 'top.ScatterElements', {
      inputs: node.inputs.map((input) => to.operand(input)),
      attributes: { axis: intAttribute(node, 'axis', 0), reduction: 0 },
    }),
  ...Object.fromEntries(BITWISE.map((type) => [type, bitwise])),
  TopK: topK,
  CumSum: cumulative('top.CumSum'),
  CumProd: cumulative('top.CumProd'),
  Trilu: (node, to) =>
    to.finish(node, 'top.Trilu', {
      inputs: [to.operand(node.inputs[0])],
      attributes: { upper: intAttribute(node, 'upper', 1), diagonal: to.scalar(node.inputs[1]) ?? 0 },
    }),
  NonZero: (node, to) =>
    to.finish(node, 'top.NonZero', { inputs: [to.operand(node.inputs[0])], attributes: { order: 'ColMajor' } }),
};
