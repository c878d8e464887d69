import type { OpOf } from '../../graph.ts';
import { cannotExport, type Emitters, type OnnxWriter } from './onnx-writer.ts';

const REDUCTIONS = ['none', 'add', 'mul', 'max', 'min'];

function gather(op: OpOf<'top.Gather'>, to: OnnxWriter): void {
  const [data, indices] = [op.inputs[0]!, op.inputs[1]!];
  const result = to.shape(op.outputs[0]!);
  const { axis, keepdims } = op.attributes;
  if (keepdims) {
    to.node('Gather', [to.tensor(data), to.indices(indices)], { axis }, to.output(op));
    return;
  }
  // The index was a scalar: its dimension goes; what would be of rank 0 stays [1].
  const scalar = to.weight(indices) === undefined ? to.reshape(to.indices(indices), []) : to.indices(indices, []);
  const becomesScalar = to.shape(data).length === 1;
  const picked = to.node('Gather', [to.tensor(data), scalar], { axis }, becomesScalar ? undefined : to.output(op));
  if (becomesScalar) to.reshape(picked, result, to.output(op));
}

function scatter(
  op: OpOf<'top.ScatterElements'> | OpOf<'top.ScatterND'>,
  to: OnnxWriter,
  attributes: { axis?: number },
): void {
  const { reduction } = op.attributes;
  const mode = REDUCTIONS[reduction] ?? cannotExport(op, `reduction ${reduction}`, REDUCTIONS.join(', '));
  if (reduction > 2 ? to.opset < 18 : reduction > 0 && to.opset < 16) {
    cannotExport(op, `reduction ${mode} in opset ${to.opset}`, 'opset 16, or 18 for max and min');
  }
  const inputs = [to.tensor(op.inputs[0]), to.indices(op.inputs[1]!), to.tensor(op.inputs[2])];
  const reductionAttribute = reduction === 0 ? {} : { reduction: mode };
  to.node(op.type.slice('top.'.length), inputs, { ...attributes, ...reductionAttribute }, to.output(op));
}

export const indexingEmitters: Emitters = {
  'top.Gather': gather,
  'top.GatherElements': (op, to) =>
    to.node(
      'GatherElements',
      [to.tensor(op.inputs[0]), to.indices(op.inputs[1]!)],
      { axis: op.attributes.axis },
      to.output(op),
    ),
  'top.GatherND': (op, to) =>
    to.node(
      'GatherND',
      [to.tensor(op.inputs[0]), to.indices(op.inputs[1]!)],
      { batch_dims: op.attributes.batchDims },
      to.output(op),
    ),
  'top.ScatterElements': (op, to) => scatter(op, to, { axis: op.attributes.axis }),
  'top.ScatterND': (op, to) => scatter(op, to, {}),
  'top.TopK'(op, to) {
    const { axis, K, largest, sorted } = op.attributes;
    const indices = to.fresh(`${op.name}/indices`);
    const attributes = { axis, largest: largest ? 1 : 0, sorted: sorted ? 1 : 0 };
    to.node('TopK', [to.tensor(op.inputs[0]), to.ints([K])], attributes, [to.output(op, 0), indices]);
    if (op.outputs[1] != null) to.cast(indices, 'f32', to.output(op, 1));
  },
  'top.NonZero'(op, to) {
    const found = to.cast(
      to.node('NonZero', [to.tensor(op.inputs[0])]),
      'f32',
      op.attributes.order === 'ColMajor' ? to.output(op) : undefined,
    );
    if (op.attributes.order !== 'ColMajor') to.transpose(found, [1, 0], to.output(op));
  },
  'top.CumSum': (op, to) =>
    to.node('CumSum', [to.tensor(op.inputs[0]), to.ints([op.attributes.axis])], {}, to.output(op)),
  'top.Trilu'(op, to) {
    if (to.opset < 14) cannotExport(op, `opset ${to.opset}`, 'opset 14');
    const { upper, diagonal } = op.attributes;
    to.node('Trilu', [to.tensor(op.inputs[0]), to.ints([diagonal])], { upper }, to.output(op));
  },
  'top.Shape'(op, to) {
    const shape = to.shape(op.inputs[0]!).slice(op.attributes.start ?? 0, op.attributes.end);
    to.node('Identity', [to.floats(shape)], {}, to.output(op));
  },
};
