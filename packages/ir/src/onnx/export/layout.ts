import type { KnownOp, OpOf } from '../../graph.ts';
import { fullRankSlice } from '../../operators/slice-bounds.ts';
import { cannotExport, type Emitters, type OnnxWriter } from './onnx-writer.ts';

/** An end before the first element, for slices that run backwards to it; ONNX clamps it. */
const BEFORE_FIRST = -(2 ** 31);

function slice(op: OpOf<'top.Slice'>, to: OnnxWriter): void {
  if (op.inputs.slice(1).some((name) => name !== null)) cannotExport(op, 'computed bounds', 'constant bounds');
  const shape = to.shape(op.inputs[0]!);
  const { offset, steps, ends } = fullRankSlice(shape, op.attributes);
  const axes = shape
    .map((_, axis) => axis)
    .filter((axis) => offset[axis] !== 0 || steps[axis] !== 1 || ends[axis] !== shape[axis]);
  const x = to.tensor(op.inputs[0]);
  if (axes.length === 0) {
    to.node('Identity', [x], {}, to.output(op));
    return;
  }
  const bounds = [offset, ends.map((end) => (end < 0 ? BEFORE_FIRST : end)), shape.map((_, axis) => axis), steps];
  to.node('Slice', [x, ...bounds.map((list) => to.ints(axes.map((axis) => list[axis]!)))], {}, to.output(op));
}

function reshaped(op: KnownOp, to: OnnxWriter): void {
  to.reshape(to.tensor(op.inputs[0]), to.shape(op.outputs[0]!), to.output(op));
}

/** Squeeze and Unsqueeze keep their names where nothing but their axes goes (Top has no rank 0). */
function squeeze(op: OpOf<'top.Squeeze'> | OpOf<'top.Unsqueeze'>, to: OnnxWriter): void {
  const { axes } = op.attributes;
  const [from, result] = [to.shape(op.inputs[0]!), to.shape(op.outputs[0]!)];
  const change = op.type === 'top.Squeeze' ? -axes.length : axes.length;
  if (axes.length === 0 || from.length + change !== result.length) reshaped(op, to);
  else
    to.node(
      op.type === 'top.Squeeze' ? 'Squeeze' : 'Unsqueeze',
      [to.tensor(op.inputs[0]), to.ints(axes)],
      {},
      to.output(op),
    );
}

function depthToSpace(op: OpOf<'top.Depth2Space'>, to: OnnxWriter): void {
  const { blockH, blockW, isCRD, isInversed, inIsNCHW, outIsNCHW, swapCr } = op.attributes;
  const x = to.tensor(op.inputs[0]);
  if (blockH === blockW && inIsNCHW && outIsNCHW && !swapCr && !(isInversed && isCRD)) {
    const mode = isInversed ? {} : { mode: isCRD ? 'CRD' : 'DCR' };
    to.node(isInversed ? 'SpaceToDepth' : 'DepthToSpace', [x], { blocksize: blockH, ...mode }, to.output(op));
    return;
  }
  // Six dimensions (n, h, w, c, block row, block column) on both sides; see the runtime's depth-to-space for the meaning.
  const [wideShape, deepShape] = isInversed
    ? [to.shape(op.inputs[0]!), to.shape(op.outputs[0]!)]
    : [to.shape(op.outputs[0]!), to.shape(op.inputs[0]!)];
  const [wideNCHW, deepNCHW] = isInversed ? [inIsNCHW, outIsNCHW] : [outIsNCHW, inIsNCHW];
  const [n, c] = [wideShape[0]!, wideNCHW ? wideShape[1]! : wideShape[3]!];
  const [h, w] = deepNCHW ? [deepShape[2]!, deepShape[3]!] : [deepShape[1]!, deepShape[2]!];
  const size: Readonly<Record<string, number>> = { n, c, h, w, i: blockH, j: blockW };
  const cell = swapCr ? 'ji' : 'ij';
  const depth = isCRD ? `c${cell}` : `${cell}c`;
  const deep = deepNCHW ? `n${depth}hw` : `nhw${depth}`;
  const wide = wideNCHW ? 'nchiwj' : 'nhiwjc';
  const [source, target] = isInversed ? [wide, deep] : [deep, wide];
  const split = to.reshape(
    x,
    [...source].map((letter) => size[letter]!),
  );
  const moved = to.transpose(
    split,
    [...target].map((letter) => source.indexOf(letter)),
  );
  to.reshape(moved, to.shape(op.outputs[0]!), to.output(op));
}

function pad(op: OpOf<'top.Pad'>, to: OnnxWriter): void {
  const { paddings, val, mode } = op.attributes;
  if (op.inputs[1] != null) cannotExport(op, 'computed paddings', 'constant paddings');
  if (mode === 'symmetric') cannotExport(op, 'mode symmetric', 'constant, reflect or edge');
  const value = mode === 'constant' ? to.scalar(val) : '';
  to.node('Pad', [to.tensor(op.inputs[0]), to.ints(paddings), value], { mode }, to.output(op));
}

export const layoutEmitters: Emitters = {
  'top.Concat'(op, to) {
    const inputs = op.inputs.map((name) => to.tensor(name));
    to.withRelu(op, op.attributes, (output) => to.node('Concat', inputs, { axis: op.attributes.axis }, output));
  },
  'top.Split'(op, to) {
    const sizes = op.outputs.map((name, i) => op.attributes.splitSize?.[i] ?? to.shape(name!)[op.attributes.axis]!);
    const outputs = op.outputs.map((_, i) => to.output(op, i));
    to.node('Split', [to.tensor(op.inputs[0]), to.ints(sizes)], { axis: op.attributes.axis }, outputs);
  },
  'top.Slice': slice,
  'top.Permute'(op, to) {
    const rank = to.shape(op.inputs[0]!).length;
    const { order } = op.attributes;
    to.transpose(
      to.tensor(op.inputs[0]),
      order.length > 0 ? order : Array.from({ length: rank }, (_, axis) => rank - 1 - axis),
      to.output(op),
    );
  },
  'top.Reshape': reshaped,
  'top.Flatten': reshaped,
  'top.Squeeze': squeeze,
  'top.Unsqueeze': squeeze,
  'top.Expand': (op, to) =>
    to.node('Expand', [to.tensor(op.inputs[0]), to.ints(to.shape(op.outputs[0]!))], {}, to.output(op)),
  'top.Tile'(op, to) {
    const [from, result] = [to.shape(op.inputs[0]!), to.shape(op.outputs[0]!)];
    const lead = result.length - from.length;
    const full = [...Array.from({ length: lead }, () => 1), ...from];
    const x = lead > 0 ? to.reshape(to.tensor(op.inputs[0]), full) : to.tensor(op.inputs[0]);
    to.node('Tile', [x, to.ints(result.map((dim, axis) => dim / full[axis]!))], {}, to.output(op));
  },
  'top.Pad': pad,
  'top.Depth2Space': depthToSpace,
  'top.ShuffleChannel'(op, to) {
    const [n, c, ...spatial] = to.shape(op.inputs[0]!) as [number, number, ...number[]];
    const { group } = op.attributes;
    const split = to.reshape(to.tensor(op.inputs[0]), [n, group, c / group, ...spatial]);
    const moved = to.transpose(split, [0, 2, 1, ...spatial.map((_, axis) => axis + 3)]);
    to.reshape(moved, to.shape(op.outputs[0]!), to.output(op));
  },
  'top.SwapChannel': (op, to) =>
    to.node('Gather', [to.tensor(op.inputs[0]), to.ints(op.attributes.channelOrder)], { axis: 1 }, to.output(op)),
  'top.Reverse'(op, to) {
    const { axis } = op.attributes;
    const bounds = [[-1], [BEFORE_FIRST], [axis], [-1]].map((list) => to.ints(list));
    to.node('Slice', [to.tensor(op.inputs[0]), ...bounds], {}, to.output(op));
  },
  'top.ConstantFill'(op, to) {
    const shape = to.ints(to.shape(op.outputs[0]!));
    to.node('Expand', [to.floats([op.attributes.value]), shape], {}, to.output(op));
  },
};
