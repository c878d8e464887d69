/**
 * What conformance cases may not need: operator types and element types, never a case's name. A case is out of scope when its
 * model has one of these operators, or an input or output of one of these element types. Every entry says why.
 */

const RANDOM = 'random numbers: no two runtimes agree on them, and no network is quantized with them';
const TRAINING = 'training: networks are quantized for inference';
const SEQUENCES = 'sequences, maps and optional values are no tensors';
const STRINGS = 'text and classical machine learning: no NPU computes it';
const PREVIEW = 'a preview: not part of the standard operator set';
const FILES = 'decoding of image files: it belongs before the network';

/** Operator type → reason. */
export const operators = new Map([
  ...list(RANDOM, [
    'Bernoulli',
    'Multinomial',
    'RandomNormal',
    'RandomNormalLike',
    'RandomUniform',
    'RandomUniformLike',
  ]),
  ...list(TRAINING, [
    'Adagrad',
    'Adam',
    'Gradient',
    'Momentum',
    'ai.onnx.preview.training.Adagrad',
    'ai.onnx.preview.training.Adam',
    'ai.onnx.preview.training.Gradient',
    'ai.onnx.preview.training.Momentum',
  ]),
  ...list(SEQUENCES, [
    'ConcatFromSequence',
    'Optional',
    'OptionalGetElement',
    'OptionalHasElement',
    'SequenceAt',
    'SequenceConstruct',
    'SequenceEmpty',
    'SequenceErase',
    'SequenceInsert',
    'SequenceLength',
    'SequenceMap',
    'SplitToSequence',
  ]),
  ...list(STRINGS, [
    'LabelEncoder',
    'RegexFullMatch',
    'StringConcat',
    'StringNormalizer',
    'StringSplit',
    'TfIdfVectorizer',
    'ai.onnx.ml.*',
  ]),
  ...list(FILES, ['ImageDecoder']),
  ...list(PREVIEW, ['ai.onnx.preview.FlexAttention']),
]);

/** Operators that are in scope except for operands of some element types. */
export const operandTypes = new Map([
  ...list(
    {
      types: ['i32', 'u32', 'i64', 'u64'],
      reason: 'codes of more than 24 bits do not fit into float32, which values of a Top graph are',
    },
    ['BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'BitwiseNot'],
  ),
  ...list(
    {
      types: ['f32', 'f64', 'i32', 'u32', 'i64', 'u64'],
      reason: 'bits of 32 and more do not survive in float32, which values of a Top graph are',
    },
    ['BitCast'],
  ),
]);

/** Opset from which on an operator is in scope. */
export const firstOpset = new Map([
  ['Scan', { opset: 9, reason: 'the Scan of opset 8 had a batch dimension; no exporter writes it any more' }],
]);

/** Why element types are out of scope that the reader does not know: float8, float4, 2-bit integers, complex numbers, strings. */
export const unknownElementType =
  'element type without integer hardware in the supported processors, or no number at all (float8, float4, 2-bit, complex, string), or no tensor';

function list(reason, types) {
  return types.map((type) => [type, reason]);
}
