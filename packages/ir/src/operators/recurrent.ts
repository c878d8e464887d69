import { defaulted, own, required } from '../attribute-schema.ts';
import { elementCount } from '../dtype.ts';
import type { TensorType } from '../tensor-type.ts';
import { row, type ShapeContext } from './row.ts';
import { f32 } from './shape-rules.ts';

interface RecurrentAttributes {
  readonly hiddenSize: number;
  readonly bidirectional: boolean;
  readonly batchFirst: boolean;
}

/** Y [seq, dirs, batch, hidden] and the final state [dirs, batch, hidden]; with `batch_first` batch comes first in both. */
function sequenceAndState({ attributes, inputs }: ShapeContext<RecurrentAttributes>): [TensorType, TensorType] {
  const [first, second] = inputs[0]!.shape as [number, number];
  const [sequence, batch] = attributes.batchFirst ? [second, first] : [first, second];
  const directions = attributes.bidirectional ? 2 : 1;
  const hidden = attributes.hiddenSize;
  return attributes.batchFirst
    ? [f32([batch, sequence, directions, hidden]), f32([batch, directions, hidden])]
    : [f32([sequence, directions, batch, hidden]), f32([directions, batch, hidden])];
}

function recurrentMacs({ inputs }: ShapeContext<RecurrentAttributes>): number {
  const [first, second] = inputs[0]!.shape as [number, number];
  return first * second * (elementCount(inputs[1]!.shape) + elementCount(inputs[2]!.shape));
}

/** Attributes of ours, set only where an ONNX node departs from the usual form. */
const formAttributes = {
  /** One direction, from the end to the beginning. */
  reverse: own('bool', 'reverse'),
  /** ONNX names, per direction; the usual ones when missing. */
  activations: own('string[]', 'activations'),
  activationAlpha: own('f64[]', 'activation_alpha'),
  activationBeta: own('f64[]', 'activation_beta'),
  /** Bound of what goes into the activations; none when missing. */
  clip: own('f64', 'clip'),
} as const;

export const recurrentRows = {
  /** ONNX gate order i, o, f, c. Results: Y?, Y_h?, Y_c?. */
  'top.LSTM': row({
    attributes: {
      hiddenSize: required('i64', 'hidden_size'),
      bidirectional: required('bool', 'bidirectional'),
      batchFirst: defaulted('bool', 'batch_first', false),
      ...formAttributes,
      /** Ours: the forget gate is 1 − the input gate. */
      inputForget: own('bool', 'input_forget'),
    } as const,
    operands: [
      'input',
      'filter',
      'recurrence',
      'bias?',
      'initial_h?',
      'initial_c?',
      'cont?',
      'sequence_lens?',
      'peepholes?',
    ],
    results: ['Y?', 'Y_h?', 'Y_c?'],
    inferShapes(context) {
      const [sequence, state] = sequenceAndState(context);
      return { outputs: [sequence, state, state] };
    },
    macs: recurrentMacs,
  }),
  /** ONNX gate order z, r, h. Results: Y?, Y_h?. */
  'top.GRU': row({
    attributes: {
      hiddenSize: required('i64', 'hidden_size'),
      bidirectional: required('bool', 'bidirectional'),
      linearBeforeReset: defaulted('bool', 'linear_before_reset', true),
      batchFirst: defaulted('bool', 'batch_first', false),
      ...formAttributes,
    } as const,
    operands: ['input', 'filter', 'recurrence', 'bias?', 'initial_h?', 'sequence_lens?'],
    results: ['Y?', 'Y_h?'],
    inferShapes: (context) => ({ outputs: sequenceAndState(context) }),
    macs: recurrentMacs,
  }),
  /** Ours: the plain recurrent cell, H = tanh(x · Wᵀ + h · Rᵀ + b). Results: Y?, Y_h?. */
  'top.RNN': row({
    attributes: {
      hiddenSize: required('i64', 'hidden_size'),
      bidirectional: required('bool', 'bidirectional'),
      batchFirst: defaulted('bool', 'batch_first', false),
      ...formAttributes,
    } as const,
    operands: ['input', 'filter', 'recurrence', 'bias?', 'initial_h?', 'sequence_lens?'],
    results: ['Y?', 'Y_h?'],
    inferShapes: (context) => ({ outputs: sequenceAndState(context) }),
    macs: recurrentMacs,
  }),
} as const;
