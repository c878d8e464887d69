import { importCaffe } from '../../src/caffe/index.ts';
import {
  CONTAINER_NOTE,
  crc32,
  f32Tensor,
  graphOfContainer,
  parseCalibrationTable,
  parseMlir,
  parseQuantizeTable,
  printMlir,
  readContainer,
  readNpy,
  readNpz,
  summarize,
  type Tensor,
  verify,
  writeContainer,
  writeNpy,
  writeNpz,
} from '../../src/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { branchedNet, branchedWeights, caffemodel, smallNet, smallWeights } from '../caffe/build-caffe.ts';
import { floats, importModel, int64s, type ModelDescription, modelBytes, node } from '../onnx/build-model.ts';
import type { Random } from './mutate.ts';
import { rewriteModel } from './rewrite-model.ts';

export interface Format {
  readonly name: string;
  readonly isText: boolean;
  readonly seeds: readonly Uint8Array[];
  /** Damages the content of a seed instead of its bytes, so that more than the decoder is reached. */
  rewrite?(seed: Uint8Array, random: Random): Uint8Array;
  /** What a user's file of this kind goes through. */
  read(bytes: Uint8Array): void;
}

const networks: readonly ModelDescription[] = [
  {
    inputs: { x: [1, 3, 8, 8] },
    outputs: ['y'],
    initializers: {
      w: floats([4, 3, 3, 3]),
      gamma: floats([4]),
      beta: floats([4]),
      mean: floats([4]),
      variance: floats([4], [1, 2, 3, 4]),
      fc: floats([4, 2]),
      bias: floats([2]),
    },
    nodes: [
      node('Conv', ['x', 'w'], ['c'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] }),
      node('BatchNormalization', ['c', 'gamma', 'beta', 'mean', 'variance'], ['n']),
      node('Sigmoid', ['n'], ['s']),
      node('Mul', ['n', 's'], ['m']),
      node('MaxPool', ['m'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }),
      node('GlobalAveragePool', ['p'], ['g']),
      node('Flatten', ['g'], ['f']),
      node('Gemm', ['f', 'fc', 'bias'], ['y'], { alpha: { float: 2 } }),
    ],
  },
  {
    inputs: { x: [1, 4, 6] },
    outputs: ['y', 'i'],
    initializers: { one: int64s([1]), shape: int64s([-1, 2]), starts: int64s([1]), ends: int64s([3]), k: int64s([2]) },
    nodes: [
      node('Shape', ['x'], ['s']),
      node('Gather', ['s', 'one'], ['d'], { axis: 0 }),
      node('Concat', ['one', 'd'], ['target'], { axis: 0 }),
      node('Slice', ['x', 'starts', 'ends', 'one'], ['cut']),
      node('Transpose', ['cut'], ['t'], { perm: [0, 2, 1] }),
      node('Reshape', ['t', 'shape'], ['r']),
      node('Expand', ['r', 'target'], ['e']),
      node('Softmax', ['r'], ['y'], { axis: 1 }),
      node('TopK', ['r', 'k'], ['v', 'i'], { axis: 0 }),
    ],
  },
  {
    inputs: { x: [5, 1, 3] },
    outputs: ['h', 'u'],
    initializers: {
      w: floats([1, 8, 3]),
      r: floats([1, 8, 2]),
      scale: floats([], [0.1]),
      zero: { dims: [], dataType: 3, int32Data: Uint8Array.of(0) },
    },
    nodes: [
      node('LSTM', ['x', 'w', 'r'], ['y', 'h'], { hidden_size: 2 }),
      node('QuantizeLinear', ['x', 'scale', 'zero'], ['q']),
      node('DequantizeLinear', ['q', 'scale', 'zero'], ['d']),
      node('ReduceMean', ['d'], ['u'], { axes: [0], keepdims: 1 }),
    ],
  },
];

const arrays = new Map<string, Tensor>([
  ['a', f32Tensor(new Float32Array(24), [2, 3, 4])],
  ['b', { shape: [3], dtype: 'i64', data: BigInt64Array.of(1n, 2n, 3n) }],
  ['a name', { shape: [2, 2], dtype: 'u8', data: Uint8Array.of(1, 2, 3, 4) }],
]);

const graphs = networks.map((network) => importModel(network));
const printed = graphs.map((graph) => printMlir(graph, { weightFile: 'w.npz' }));
const allWeights = new Map(printed.flatMap(({ weights }) => [...weights]));
const text = (source: string) => new TextEncoder().encode(source);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const calibrationTable = `# generated time: 2024-01-01 00:00:00.000000
# histogram number: 2048
# sample number: 3
###
# op_name    threshold    min    max
x 3.5000000 -3.5000000 2.2500000
conv_Relu 1.2500000 0.0000000 6.0000000
#asym_op
conv_Relu 1.25 0.0 6.0
`;
const quantizeTable = `# number of F16 layer: 2
# chip: bm1684x  mix_mode: F16
###
# op_name   quantize_mode
conv_Relu F16
logits_Gemm INT8
`;

const containers = graphs.map((graph, index) =>
  writeContainer({
    metadata: {
      name: graph.name,
      processor: 'bm1684x',
      precision: 'F32',
      asymmetric: false,
      inputs: [{ name: 'x', shape: [1], dtype: 'f32' }],
      outputs: [],
      note: CONTAINER_NOTE,
    },
    text: printed[index]!.text,
    weights: writeNpz(printed[index]!.weights),
  }),
);

/** Damage behind a checksum that fits, so that more than the checksum is reached. */
function reseal(seed: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(seed);
  const first = 16 + random.below(random.below(2) === 0 ? 88 : bytes.length - 16);
  for (let count = 1 + random.below(3), at = first; count > 0 && at < bytes.length; count--, at++) {
    bytes[at] = random.below(256);
  }
  new DataView(bytes.buffer).setUint32(12, crc32(bytes.subarray(16)), true);
  return bytes;
}

function readModelContainer(bytes: Uint8Array): void {
  verify(graphOfContainer(readContainer(bytes)));
}

function readOnnx(bytes: Uint8Array): void {
  const graph = importOnnx(bytes, { name: 'net', externalData: () => undefined });
  verify(graph);
  summarize(graph);
  printMlir(graph, { weightFile: 'w.npz' });
}

function caffe(prototxt: string, weights?: Uint8Array): void {
  const { graph } = importCaffe(prototxt, { name: 'net', ...(weights === undefined ? {} : { weights }) });
  summarize(graph);
}

export const formats: readonly Format[] = [
  {
    name: 'onnx',
    isText: false,
    seeds: networks.map((network) => Uint8Array.from(modelBytes(network))),
    read: readOnnx,
  },
  {
    name: 'onnx, rewritten',
    isText: false,
    seeds: networks.map((network) => Uint8Array.from(modelBytes(network))),
    rewrite: rewriteModel,
    read: readOnnx,
  },
  {
    name: 'mlir',
    isText: true,
    seeds: printed.map((module) => text(module.text)),
    read(bytes) {
      const graph = parseMlir(decode(bytes), allWeights);
      verify(graph);
      summarize(graph);
      printMlir(graph, { weightFile: 'w.npz' });
    },
  },
  {
    name: 'npz',
    isText: false,
    seeds: [writeNpz(arrays), writeNpz(arrays, { compress: true })],
    read: (bytes) => void readNpz(bytes),
  },
  { name: 'npy', isText: false, seeds: [...arrays.values()].map(writeNpy), read: (bytes) => void readNpy(bytes) },
  { name: 'container', isText: false, seeds: containers, read: readModelContainer },
  { name: 'container, resealed', isText: false, seeds: containers, rewrite: reseal, read: readModelContainer },
  {
    name: 'prototxt',
    isText: true,
    seeds: [smallNet, branchedNet].map(text),
    read: (bytes) => caffe(decode(bytes)),
  },
  {
    name: 'caffemodel',
    isText: false,
    seeds: [caffemodel(smallWeights), caffemodel(smallWeights, { legacy: true })],
    read: (bytes) => caffe(smallNet, bytes),
  },
  {
    name: 'caffemodel of branches',
    isText: false,
    seeds: [caffemodel(branchedWeights)],
    read: (bytes) => caffe(branchedNet, bytes),
  },
  {
    name: 'cali_table',
    isText: true,
    seeds: [text(calibrationTable)],
    read: (bytes) => void parseCalibrationTable(decode(bytes)),
  },
  {
    name: 'qtable',
    isText: true,
    seeds: [text(quantizeTable)],
    read: (bytes) => void parseQuantizeTable(decode(bytes)),
  },
];
