import { QError } from '../errors.ts';
import { integer, integers, message, messages, text, texts } from './fields.ts';
import type { TextMessage } from './text-format.ts';

export interface CaffeLayer {
  readonly name: string;
  /** As in `layer {}`: `Convolution`; enumerators of old `layers {}` are translated. */
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  /** Everything that the layer's braces hold. */
  readonly fields: TextMessage;
}

export interface CaffeInput {
  readonly name: string;
  /** Unknown for layers that read data sets. */
  readonly shape: readonly number[] | undefined;
}

/** A prototxt as the TEST phase sees it. */
export interface CaffeNet {
  readonly name: string;
  readonly inputs: readonly CaffeInput[];
  /** Layers that compute something, in the order of the file. */
  readonly layers: readonly CaffeLayer[];
  /** The tops of every layer of the file, whatever its phase, Dropout left out: they decide the layer names. */
  readonly namedTops: readonly string[];
}

/** `V1LayerParameter.LayerType` by enumerator. */
const V1_TYPES: Readonly<Record<string, string>> = {
  ABSVAL: 'AbsVal',
  ACCURACY: 'Accuracy',
  ARGMAX: 'ArgMax',
  BNLL: 'BNLL',
  CONCAT: 'Concat',
  CONVOLUTION: 'Convolution',
  DATA: 'Data',
  DECONVOLUTION: 'Deconvolution',
  DROPOUT: 'Dropout',
  DUMMY_DATA: 'DummyData',
  ELTWISE: 'Eltwise',
  EXP: 'Exp',
  FLATTEN: 'Flatten',
  HDF5_DATA: 'HDF5Data',
  IMAGE_DATA: 'ImageData',
  INNER_PRODUCT: 'InnerProduct',
  LRN: 'LRN',
  MEMORY_DATA: 'MemoryData',
  MVN: 'MVN',
  POOLING: 'Pooling',
  POWER: 'Power',
  RELU: 'ReLU',
  SIGMOID: 'Sigmoid',
  SILENCE: 'Silence',
  SLICE: 'Slice',
  SOFTMAX: 'Softmax',
  SOFTMAX_LOSS: 'SoftmaxWithLoss',
  SPLIT: 'Split',
  TANH: 'TanH',
  THRESHOLD: 'Threshold',
  WINDOW_DATA: 'WindowData',
};

const DATA_LAYERS = new Set(['Data', 'ImageData', 'MemoryData', 'HDF5Data', 'WindowData', 'AnnotatedData']);

/** Understands the layers of a prototxt. @throws QError `caffe.field`, `caffe.no-layers`, `caffe.legacy` */
export function readNet(file: TextMessage, where: string): CaffeNet {
  const layers = [
    ...messages(file, 'layer').map(modernLayer),
    ...messages(file, 'layers').map((v1) => v1Layer(v1, where)),
  ];
  if (layers.length === 0) {
    throw new QError(`${where} has no layers.`, {
      code: 'caffe.no-layers',
      where,
      expected: 'layer { … } messages of a Caffe network',
    });
  }
  const state = message(file, 'state');
  const stages = new Set(texts(state, 'stage'));
  const running = layers.filter((layer) => runsInTest(layer.fields, stages));
  return {
    name: text(file, 'name', ''),
    inputs: [...netInputs(file), ...running.flatMap(layerInputs)],
    layers: running.filter(({ type }) => type !== 'Input' && !DATA_LAYERS.has(type)),
    namedTops: layers.flatMap(({ type, tops }) => (type === 'Dropout' ? [] : tops)),
  };
}

function modernLayer(fields: TextMessage): CaffeLayer {
  return layerOf(fields, text(fields, 'type', ''));
}

function v1Layer(fields: TextMessage, where: string): CaffeLayer {
  if (messages(fields, 'layer').length > 0) {
    throw new QError(`${where} is in the format of 2013, which Caffe itself converts.`, {
      code: 'caffe.legacy',
      where,
      found: 'layers { layer { … } }',
      hint: 'convert it with upgrade_net_proto_text and upgrade_net_proto_binary',
    });
  }
  const type = text(fields, 'type', '');
  return layerOf(fields, V1_TYPES[type] ?? type);
}

function layerOf(fields: TextMessage, type: string): CaffeLayer {
  const tops = texts(fields, 'top');
  return { name: text(fields, 'name', tops[0] ?? ''), type, bottoms: texts(fields, 'bottom'), tops, fields };
}

/** `include` and `exclude` rules: phase and stages; levels are not used by published networks. */
function runsInTest(layer: TextMessage, stages: ReadonlySet<string>): boolean {
  const meets = (rule: TextMessage) => {
    const phase = text(rule, 'phase');
    return (
      (phase === undefined || phase === 'TEST' || phase === '1') &&
      texts(rule, 'stage').every((stage) => stages.has(stage)) &&
      !texts(rule, 'not_stage').some((stage) => stages.has(stage))
    );
  };
  const include = messages(layer, 'include');
  if (include.length > 0) return include.some(meets);
  return !messages(layer, 'exclude').some(meets);
}

/** `input: "data"` with `input_shape` or, older, four `input_dim` per input. */
function netInputs(file: TextMessage): CaffeInput[] {
  const shapes = messages(file, 'input_shape').map((shape) => integers(shape, 'dim'));
  const dims = integers(file, 'input_dim');
  return texts(file, 'input').map((name, index) => {
    const old = dims.slice(4 * index, 4 * index + 4);
    return { name, shape: shapes[index] ?? (old.length === 4 ? old : undefined) };
  });
}

function layerInputs(layer: CaffeLayer): CaffeInput[] {
  if (layer.type === 'Input') {
    const shapes = messages(message(layer.fields, 'input_param'), 'shape').map((shape) => integers(shape, 'dim'));
    return layer.tops.map((name, index) => ({ name, shape: shapes[index] ?? shapes[0] }));
  }
  if (!DATA_LAYERS.has(layer.type)) return [];
  // The second top of a data layer is the label, which only training reads.
  const batch = integer(message(layer.fields, 'memory_data_param'), 'batch_size');
  const memory = message(layer.fields, 'memory_data_param');
  const shape =
    batch === undefined
      ? undefined
      : [batch, integer(memory, 'channels', 0), integer(memory, 'height', 0), integer(memory, 'width', 0)];
  return layer.tops.slice(0, 1).map((name) => ({ name, shape }));
}
