import type { Dataset } from '@q/dataset';
import {
  attributesWithDefaults,
  type Graph,
  inferShapes,
  type KnownOp,
  type OpAttributes,
  type OpType,
  type Weight,
} from '@q/ir';

/** Whole numbers in a fixed order that looks random (a linear congruential generator), for data without a seed to keep. */
export function noise(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

const INPUT: readonly number[] = [1, 3, 12, 12];

function op<T extends OpType>(
  type: T,
  name: string,
  inputs: readonly (string | null)[],
  attributes: Partial<OpAttributes[T]> = {},
): KnownOp {
  return {
    type,
    name,
    inputs,
    outputs: [name],
    attributes: attributesWithDefaults(type, attributes),
  } as unknown as KnownOp;
}

function weight(shape: readonly number[], seed: number): Weight {
  const next = noise(seed);
  const count = shape.reduce((product, dim) => product * dim, 1);
  return { type: { shape, dtype: 'f32' }, data: Float32Array.from({ length: count }, () => next() ** 3) };
}

/** Two convolutions, a residual sum, a reshape and a matrix product: every way that the tuner chooses what to tune. */
export function smallNetwork(): Graph {
  const window = { kernelShape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] };
  const ops = [
    op('top.Input', 'x', [], { doPreprocess: false }),
    op('top.Conv', 'c1', ['x', 'w1', null], { ...window, doRelu: true }),
    op('top.Conv', 'c2', ['c1', 'w2', null], window),
    op('top.Add', 'sum', ['c1', 'c2'], { doRelu: true }),
    op('top.Reshape', 'flat', ['sum'], { shape: [1, 1152] }),
    op('top.MatMul', 'out', ['flat', 'w3', null]),
  ];
  return inferShapes({
    name: 'small',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops,
    values: new Map([['x', { shape: INPUT, dtype: 'f32' }]]),
    weights: new Map([
      ['w1', weight([8, 3, 3, 3], 1)],
      ['w2', weight([8, 8, 3, 3], 2)],
      ['w3', weight([1152, 10], 3)],
    ]),
    outputs: ['out'],
    tensorNames: new Map(),
    moduleAttributes: {},
  });
}

/** Samples of growing and shrinking size with a few outliers, so that histograms grow. */
export function randomDataset(length: number): Dataset {
  return {
    kind: 'npy',
    length,
    files: (i) => [`${i}.npy`],
    async sample(i) {
      const next = noise(100 + i);
      const scale = 1 + ((i * 5) % 7) / 3;
      const count = INPUT.reduce((product, dim) => product * dim, 1);
      return new Map([['x', Float32Array.from({ length: count }, () => scale * next() ** 9)]]);
    },
  };
}
