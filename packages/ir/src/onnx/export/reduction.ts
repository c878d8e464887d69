import type { OpOf } from '../../graph.ts';
import type { Emitters, OnnxWriter } from './onnx-writer.ts';

function reduce(op: OpOf<'top.Reduce'>, to: OnnxWriter): void {
  const { axes, keepdims, mode } = op.attributes;
  const rank = to.shape(op.inputs[0]!).length;
  const all = axes.length === 0 ? Array.from({ length: rank }, (_, axis) => axis) : axes;
  const becomesScalar = !keepdims && all.length === rank;
  // ReduceSum has its axes as an operand since opset 13, the others since 18.
  const asOperand = to.opset >= (mode === 'ReduceSum' ? 13 : 18);
  const inputs = asOperand ? [to.tensor(op.inputs[0]), to.ints(all)] : [to.tensor(op.inputs[0])];
  const attributes = { keepdims: keepdims || becomesScalar ? 1 : 0, ...(asOperand ? {} : { axes: all }) };
  const reduced = to.node(mode, inputs, attributes, becomesScalar ? undefined : to.output(op));
  // Top has no rank 0.
  if (becomesScalar) to.reshape(reduced, [1], to.output(op));
}

export const reductionEmitters: Emitters = {
  'top.Reduce': reduce,
  'top.Arg'(op, to) {
    const { axis, keepdims, mode, selectLastIndex } = op.attributes;
    const x = to.tensor(op.inputs[0]);
    const rank = to.shape(op.inputs[0]!).length;
    const becomesScalar = !keepdims && rank === 1;
    const keeps = keepdims || becomesScalar;
    const found = to.node(mode, [x], { axis, keepdims: keeps ? 1 : 0, select_last_index: selectLastIndex ? 1 : 0 });
    if (op.outputs[0] != null) to.cast(found, 'f32', to.output(op, 0));
    if (op.outputs[1] == null) return;
    const reduction = mode === 'ArgMax' ? 'ReduceMax' : 'ReduceMin';
    const inputs = to.opset >= 18 ? [x, to.ints([axis])] : [x];
    to.node(
      reduction,
      inputs,
      { keepdims: keeps ? 1 : 0, ...(to.opset >= 18 ? {} : { axes: [axis] }) },
      to.output(op, 1),
    );
  },
};
