import { intAttribute, stringAttribute } from '../onnx-graph.ts';
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
  TopK: topK,
  CumSum(node, to) {
    if (intAttribute(node, 'exclusive', 0) !== 0 || intAttribute(node, 'reverse', 0) !== 0) {
      throw unsupported(node, 'exclusive or reverse sums', 'plain cumulative sums');
    }
    to.finish(node, 'top.CumSum', {
      inputs: [to.operand(node.inputs[0]), null],
      attributes: { axis: requiredNumbers(node, to, 1, 'axis')[0]! },
    });
  },
  Trilu: (node, to) =>
    to.finish(node, 'top.Trilu', {
      inputs: [to.operand(node.inputs[0])],
      attributes: { upper: intAttribute(node, 'upper', 1), diagonal: to.scalar(node.inputs[1]) ?? 0 },
    }),
  NonZero: (node, to) =>
    to.finish(node, 'top.NonZero', { inputs: [to.operand(node.inputs[0])], attributes: { order: 'ColMajor' } }),
};
