import type { OpOf } from '../../graph.ts';
import { cannotExport, type Emitters, type OnnxWriter } from './onnx-writer.ts';

type Recurrent = OpOf<'top.LSTM'> | OpOf<'top.GRU'>;

/** Top's operand order leaves out ONNX's sequence lengths, which come before the initial states. */
function recurrent(op: Recurrent, to: OnnxWriter): void {
  const { hiddenSize, bidirectional, batchFirst } = op.attributes;
  if (batchFirst && to.opset < 14) cannotExport(op, `batch_first in opset ${to.opset}`, 'opset 14');
  const [x, w, r, b, ...states] = op.inputs;
  const count = op.type === 'top.LSTM' ? 2 : 1;
  if (states.slice(count).some((name) => name != null))
    cannotExport(op, 'a continuation operand', 'initial states only');
  const bias = to.weight(b);
  const directions = bidirectional ? 2 : 1;
  const biasTensor =
    bias === undefined ? to.tensor(b) : to.reshapedWeight(b!, bias, [directions, to.count(b!) / directions]);
  const inputs = [
    ...[x, w, r].map((name) => to.tensor(name)),
    biasTensor,
    '',
    ...states.slice(0, count).map((name) => to.tensor(name)),
  ];
  const attributes = {
    hidden_size: hiddenSize,
    direction: bidirectional ? 'bidirectional' : 'forward',
    ...(batchFirst ? { layout: 1 } : {}),
    ...(op.type === 'top.GRU' ? { linear_before_reset: op.attributes.linearBeforeReset ? 1 : 0 } : {}),
  };
  const outputs = op.outputs.map((name, i) => (name === null ? '' : to.output(op, i)));
  to.node(op.type === 'top.LSTM' ? 'LSTM' : 'GRU', inputs, attributes, outputs);
}

export const recurrentEmitters: Emitters = { 'top.LSTM': recurrent, 'top.GRU': recurrent };
