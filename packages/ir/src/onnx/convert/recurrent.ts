import {
  floatAttribute,
  floatsAttribute,
  intAttribute,
  type OnnxNode,
  stringAttribute,
  stringsAttribute,
} from '../onnx-graph.ts';
import { type Conversion, type Converter, unsupported } from './conversion.ts';

/** Result names and which of them are produced (ir.md 8.3): unused ones get default names and no value. */
function results(node: OnnxNode, to: Conversion, fallback: readonly string[]): (string | null)[] {
  return fallback.map((_, index) => {
    const output = node.outputs[index] ?? '';
    return to.isRead(output) ? `${output}_${node.opType}` : null;
  });
}

const DIRECTIONS = ['forward', 'reverse', 'bidirectional'];

/** Attributes of the recurrent operators beyond TPU-MLIR's: present only where the node departs from the usual form. */
function formOf(node: OnnxNode, usual: readonly string[]) {
  const direction = stringAttribute(node, 'direction', 'forward');
  if (!DIRECTIONS.includes(direction)) throw unsupported(node, `direction ${direction}`, DIRECTIONS.join(', '));
  const activations = stringsAttribute(node, 'activations') ?? [];
  const parameters = (name: string) => floatsAttribute(node, name) ?? [];
  const [alpha, beta] = [parameters('activation_alpha'), parameters('activation_beta')];
  const isUsual = activations.every((name, index) => name.toLowerCase() === usual[index % usual.length]!.toLowerCase());
  const clip = floatAttribute(node, 'clip', 0);
  return {
    bidirectional: direction === 'bidirectional',
    batchFirst: intAttribute(node, 'layout', 0) === 1,
    ...(direction === 'reverse' ? { reverse: true } : {}),
    ...(isUsual ? {} : { activations, activationAlpha: alpha, activationBeta: beta }),
    ...(clip > 0 ? { clip } : {}),
  };
}

const hiddenSize = (node: OnnxNode, to: Conversion) =>
  intAttribute(node, 'hidden_size', to.type(node.inputs[2]!).shape.at(-1)!);

const finishRecurrent = (node: OnnxNode, to: Conversion, outputs: readonly (string | null)[]) => {
  outputs.forEach((output, index) => {
    if (output !== null) to.define(node.outputs[index]!, output);
  });
};

const lstm: Converter = (node, to) => {
  const first = node.outputs.find((output) => output !== '')!;
  const outputs = results(node, to, [`${first}_LSTM`, `${first}_H`, `${first}_C`]);
  const [x, w, r, b, lengths, h, c, peepholes] = node.inputs;
  const inputForget = intAttribute(node, 'input_forget', 0) !== 0;
  const more = lengths || peepholes ? [lengths, peepholes] : [];
  to.add('top.LSTM', {
    name: outputs[0] ?? `${first}_LSTM`,
    inputs: [x, w, r, b, h, c, '', ...more].map((input) => to.operand(input)),
    outputs,
    attributes: {
      hiddenSize: hiddenSize(node, to),
      ...formOf(node, ['Sigmoid', 'Tanh', 'Tanh']),
      ...(inputForget ? { inputForget } : {}),
    },
  });
  finishRecurrent(node, to, outputs);
};

const gru: Converter = (node, to) => {
  const first = node.outputs.find((output) => output !== '')!;
  const outputs = results(node, to, [`${first}_GRU`, `${first}_H`]);
  const [x, w, r, b, lengths, h] = node.inputs;
  to.add('top.GRU', {
    name: outputs[0] ?? `${first}_GRU`,
    inputs: [x, w, r, b, h, ...(lengths ? [lengths] : [])].map((input) => to.operand(input)),
    outputs,
    attributes: {
      hiddenSize: hiddenSize(node, to),
      linearBeforeReset: intAttribute(node, 'linear_before_reset', 0) !== 0,
      ...formOf(node, ['Sigmoid', 'Tanh']),
    },
  });
  finishRecurrent(node, to, outputs);
};

/** An operator of ours: TPU-MLIR has no plain recurrent cell. */
const rnn: Converter = (node, to) => {
  const first = node.outputs.find((output) => output !== '')!;
  const outputs = results(node, to, [`${first}_RNN`, `${first}_H`]);
  const [x, w, r, b, lengths, h] = node.inputs;
  to.add('top.RNN', {
    name: outputs[0] ?? `${first}_RNN`,
    inputs: [x, w, r, b, h, ...(lengths ? [lengths] : [])].map((input) => to.operand(input)),
    outputs,
    attributes: { hiddenSize: hiddenSize(node, to), ...formOf(node, ['Tanh']) },
  });
  finishRecurrent(node, to, outputs);
};

export const recurrentConverters: Readonly<Record<string, Converter>> = { LSTM: lstm, GRU: gru, RNN: rnn };
