import { intAttribute, type OnnxNode, stringAttribute } from '../onnx-graph.ts';
import { type Conversion, type Converter, unsupported } from './conversion.ts';

/** Result names and which of them are produced (ir.md 8.3): unused ones get default names and no value. */
function results(node: OnnxNode, to: Conversion, fallback: readonly string[]): (string | null)[] {
  return fallback.map((_, index) => {
    const output = node.outputs[index] ?? '';
    return to.isRead(output) ? `${output}_${node.opType}` : null;
  });
}

function direction(node: OnnxNode): boolean {
  const value = stringAttribute(node, 'direction', 'forward');
  if (value === 'reverse') throw unsupported(node, 'direction reverse', 'forward or bidirectional');
  return value === 'bidirectional';
}

function checkRecurrent(node: OnnxNode): void {
  if (node.inputs[4]) throw unsupported(node, 'sequence lengths', 'sequences of full length');
  if (node.attributes.has('clip')) throw unsupported(node, 'cell clipping', 'no clip');
  if (node.attributes.has('activations')) {
    const given = node.attributes.get('activations')!;
    const usual = ['Sigmoid', 'Tanh', 'Tanh', 'Sigmoid', 'Tanh', 'Tanh'];
    if (
      given.kind === 'strings' &&
      node.opType === 'LSTM' &&
      given.value.some((name, index) => name !== usual[index % 6])
    ) {
      throw unsupported(node, `activations ${given.value}`, 'Sigmoid, Tanh, Tanh');
    }
  }
}

const hiddenSize = (node: OnnxNode, to: Conversion) =>
  intAttribute(node, 'hidden_size', to.type(node.inputs[2]!).shape.at(-1)!);

const finishRecurrent = (node: OnnxNode, to: Conversion, outputs: readonly (string | null)[]) => {
  outputs.forEach((output, index) => {
    if (output !== null) to.define(node.outputs[index]!, output);
  });
};

const lstm: Converter = (node, to) => {
  checkRecurrent(node);
  if (node.inputs[7]) throw unsupported(node, 'peephole weights', 'an LSTM without peepholes');
  const first = node.outputs.find((output) => output !== '')!;
  const outputs = results(node, to, [`${first}_LSTM`, `${first}_H`, `${first}_C`]);
  const [x, w, r, b, , h, c] = node.inputs;
  to.add('top.LSTM', {
    name: outputs[0] ?? `${first}_LSTM`,
    inputs: [x, w, r, b, h, c, ''].map((input) => to.operand(input)),
    outputs,
    attributes: {
      hiddenSize: hiddenSize(node, to),
      bidirectional: direction(node),
      batchFirst: intAttribute(node, 'layout', 0) === 1,
    },
  });
  finishRecurrent(node, to, outputs);
};

const gru: Converter = (node, to) => {
  checkRecurrent(node);
  const first = node.outputs.find((output) => output !== '')!;
  const outputs = results(node, to, [`${first}_GRU`, `${first}_H`]);
  const [x, w, r, b, , h] = node.inputs;
  to.add('top.GRU', {
    name: outputs[0] ?? `${first}_GRU`,
    inputs: [x, w, r, b, h].map((input) => to.operand(input)),
    outputs,
    attributes: {
      hiddenSize: hiddenSize(node, to),
      bidirectional: direction(node),
      linearBeforeReset: intAttribute(node, 'linear_before_reset', 0) !== 0,
      batchFirst: intAttribute(node, 'layout', 0) === 1,
    },
  });
  finishRecurrent(node, to, outputs);
};

export const recurrentConverters: Readonly<Record<string, Converter>> = { LSTM: lstm, GRU: gru };
