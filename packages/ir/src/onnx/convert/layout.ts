import { elementCount } from '../../dtype.ts';
import { axesOf, movementEvaluators, sliceArguments, splitSizes } from '../fold/movement.ts';
import { floatAttribute, intAttribute, intsAttribute, type OnnxNode, stringAttribute } from '../onnx-graph.ts';
import type { Constant } from '../tensor-data.ts';
import { type Conversion, type Converter, floatData, requiredNumbers, unsupported } from './conversion.ts';

const INT64_MAX = 2n ** 63n - 1n;
/** INT64_MAX in slice bounds and concatenated constants becomes this (ir.md 8.5). */
const LARGE = 2 ** 31 - 1 - 1024;

const bounded = (value: number) => (value >= Number(INT64_MAX) ? LARGE : value);

/** Joins runs of constants: `<consts joined by _>_weight` before a tensor, `<output>_weight` at the end (ir.md 4.1). */
function concatOperands(node: OnnxNode, to: Conversion, axis: number): string[] {
  const operands: string[] = [];
  let run: string[] = [];
  const flush = (name: string) => {
    if (run.length === 0) return;
    const parts = run.map((tensor) => to.constant(tensor)!);
    const joined = () => movementEvaluators.Concat!(parts.map(asFloat), concatNode(axis), { opset: to.opset })![0]!;
    const shape = parts[0]!.shape.with(
      axis,
      parts.reduce((sum, part) => sum + part.shape[axis]!, 0),
    );
    operands.push(to.builder.addWeight(name, shape, () => floatData(joined()).map(bounded)));
    run = [];
  };
  for (const tensor of node.inputs) {
    const constant = to.constant(tensor);
    if (constant !== undefined) {
      if (elementCount(constant.shape) > 0) run.push(tensor);
      continue;
    }
    flush(run.length === 1 ? `${run[0]}_${node.outputs[0]}_weight` : `${run.join('_')}_weight`);
    if (elementCount(to.type(tensor).shape) > 0) operands.push(to.operand(tensor)!);
  }
  flush(`${node.outputs[0]}_weight`);
  return operands;
}

const asFloat = (constant: Constant): Constant => ({ ...constant, elementType: 'f32', data: floatData(constant) });

function concatNode(axis: number): OnnxNode {
  const attributes = new Map([['axis', { kind: 'int', value: BigInt(axis) } as const]]);
  return { name: '', opType: 'Concat', inputs: [], outputs: ['joined'], attributes };
}

const concat: Converter = (node, to) => {
  const rank = to.type(node.inputs[0]!).shape.length;
  const axis = intAttribute(node, 'axis', 1);
  const front = axis < 0 ? axis + rank : axis;
  const operands = concatOperands(node, to, front);
  if (operands.length === 1) {
    to.values.set(node.outputs[0]!, operands[0]!);
  } else to.finish(node, 'top.Concat', { inputs: operands, attributes: { axis: front } });
};

const slice: Converter = (node, to) => {
  const bounds = sliceArguments(
    node,
    node.inputs.map((input) => to.constant(input)),
  );
  if (bounds === undefined) throw unsupported(node, 'bounds computed at run time', 'constant bounds');
  const rank = to.type(node.inputs[0]!).shape.length;
  const order = bounds.axes
    .map((axis, index) => [axis < 0 ? axis + rank : axis, index] as const)
    .sort(([a], [b]) => a - b);
  const pick = (values: readonly number[]) => order.map(([, index]) => values[index]!);
  to.finish(node, 'top.Slice', {
    inputs: [to.operand(node.inputs[0]), null, null, null],
    attributes: {
      offset: pick(bounds.offset),
      ends: pick(bounds.ends).map(bounded),
      steps: pick(bounds.steps),
      axes: order.map(([axis]) => axis),
    },
  });
};

const split: Converter = (node, to) => {
  const { shape } = to.type(node.inputs[0]!);
  const axis = intAttribute(node, 'axis', 0);
  const front = axis < 0 ? axis + shape.length : axis;
  if (node.inputs[1]) requiredNumbers(node, to, 1, 'sizes');
  const sizes = splitSizes(node, shape[front]!, to.constant(node.inputs[1]));
  const outputs = node.outputs.map((output) => `${output}_Split`);
  to.add('top.Split', {
    name: outputs[0]!,
    inputs: [to.operand(node.inputs[0])],
    outputs,
    attributes: { axis: front, num: outputs.length, splitSize: sizes },
  });
  node.outputs.forEach((output, index) => {
    to.define(output, outputs[index]!);
  });
};

const reshape: Converter = (node, to) => {
  const target = [...(intsAttribute(node, 'shape') ?? requiredNumbers(node, to, 1, 'shape'))];
  const { shape: input } = to.type(node.inputs[0]!);
  // Top reads 0 as "the input's dimension"; with allowzero it is an empty dimension, which must come from the input.
  if (intAttribute(node, 'allowzero', 0) !== 0 && target.some((dim, axis) => dim === 0 && input[axis] !== 0)) {
    const shape = target.map((dim) => (dim === -1 ? 0 : dim));
    to.finish(node, 'top.ConstantFill', {
      inputs: [to.builder.addWeight(`${node.outputs[0]}_empty`, [shape.length], () => Float32Array.from(shape))],
      attributes: { value: 0 },
    });
    return;
  }
  to.finish(node, 'top.Reshape', {
    inputs: [to.operand(node.inputs[0]), null],
    attributes: { shape: target.length === 0 ? [1] : target },
  });
};

/** Top has no rank 0: squeezing to and unsqueezing from a scalar goes through `[1]`. */
const unsqueeze: Converter = (node, to) => {
  const axes = axesOf(node, to.constant(node.inputs[1])) ?? [];
  const rank = to.type(node.inputs[0]!).shape.length;
  if (rank > 0) {
    to.finish(node, 'top.Unsqueeze', { inputs: [to.operand(node.inputs[0])], attributes: { axes } });
  } else if (axes.length <= 1) to.skip(node);
  else {
    const shape = axes.map(() => 1);
    to.finish(node, 'top.Reshape', { inputs: [to.operand(node.inputs[0]), null], attributes: { shape } });
  }
};

const pad: Converter = (node, to) => {
  const rank = to.type(node.inputs[0]!).shape.length;
  const given = intsAttribute(node, 'pads') ?? intsAttribute(node, 'paddings') ?? requiredNumbers(node, to, 1, 'pads');
  const axes = to.numbers(node.inputs[3])?.map((axis) => (axis < 0 ? axis + rank : axis));
  const paddings = new Array<number>(2 * rank).fill(0);
  (axes ?? paddings.slice(rank).map((_, axis) => axis)).forEach((axis, index, all) => {
    paddings[axis] = given[index]!;
    paddings[axis + rank] = given[index + all.length]!;
  });
  const mode = stringAttribute(node, 'mode', 'constant');
  // `wrap` (opset 19) is not TPU-MLIR's.
  if (!['constant', 'reflect', 'edge', 'wrap'].includes(mode))
    throw unsupported(node, `mode ${mode}`, 'constant, reflect, edge or wrap');
  to.finish(node, 'top.Pad', {
    inputs: [to.operand(node.inputs[0]), null],
    attributes: { paddings, val: to.scalar(node.inputs[2]) ?? floatAttribute(node, 'value', 0), mode },
  });
};

const tile: Converter = (node, to) => {
  const repeats = requiredNumbers(node, to, 1, 'repeats');
  if (elementCount(repeats) === 1) to.skip(node);
  else to.finish(node, 'top.Tile', { inputs: [to.operand(node.inputs[0]), null], attributes: { tile: repeats } });
};

const depthToSpace =
  (isInversed: boolean): Converter =>
  (node, to) => {
    const block = intAttribute(node, 'blocksize', 1);
    to.finish(node, 'top.Depth2Space', {
      inputs: [to.operand(node.inputs[0])],
      attributes: { blockH: block, blockW: block, isCRD: stringAttribute(node, 'mode', 'DCR') !== 'DCR', isInversed },
    });
  };

const skip: Converter = (node, to) => to.skip(node);

/** A network output that is a constant: a copy of the weight. */
const constantOutput: Converter = (node, to) => {
  to.finish(node, 'top.Cast', {
    name: `${node.outputs[0]}_Constant`,
    inputs: [to.operand(node.inputs[0])],
    attributes: { to: 'F32' },
  });
};

export const layoutConverters: Readonly<Record<string, Converter>> = {
  Identity: skip,
  ConstantOutput: constantOutput,
  Dropout: skip,
  Concat: concat,
  Slice: slice,
  Split: split,
  Reshape: reshape,
  Flatten(node, to) {
    const { shape } = to.type(node.inputs[0]!);
    const axis = intAttribute(node, 'axis', 1);
    const front = axis < 0 ? axis + shape.length : axis;
    // Shape inference turns Flatten into this Reshape, under the same name (ir.md 7.2).
    to.finish(node, 'top.Reshape', {
      inputs: [to.operand(node.inputs[0]), null],
      attributes: {
        shape: [elementCount(shape.slice(0, front)), elementCount(shape.slice(front))],
        flattenStartDim: axis,
      },
    });
  },
  Transpose: (node, to) =>
    to.finish(node, 'top.Permute', {
      inputs: [to.operand(node.inputs[0])],
      attributes: { order: intsAttribute(node, 'perm') ?? [] },
    }),
  Squeeze: (node, to) =>
    to.finish(node, 'top.Squeeze', {
      inputs: [to.operand(node.inputs[0])],
      attributes: { axes: axesOf(node, to.constant(node.inputs[1])) ?? [] },
    }),
  Unsqueeze: unsqueeze,
  Pad: pad,
  Tile: tile,
  Expand: (node, to) =>
    to.finish(node, 'top.Expand', {
      inputs: [to.operand(node.inputs[0]), null],
      attributes: { shape: requiredNumbers(node, to, 1, 'shape') },
    }),
  DepthToSpace: depthToSpace(false),
  SpaceToDepth: depthToSpace(true),
};
