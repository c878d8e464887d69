import type { Graph, KnownOp, Plan, TensorType, ValueRange, Weight } from '@q/ir';

const f32 = (shape: readonly number[]): TensorType => ({ shape, dtype: 'f32' });

/** Deterministic values in about −1…1 that look like noise. */
function noise(count: number, seed: number): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233) * Math.cos(i * 4.1),
  );
}

const WINDOW = {
  kernelShape: [3, 3],
  strides: [1, 1],
  pads: [1, 1, 1, 1],
  dilations: [1, 1],
  group: 1,
  weightIsCoeff: 1,
  dynweightReordered: false,
};
const RELU = { doRelu: false, reluLimit: -1 };

/**
 * Two inputs, two outputs, a residual Add, a Concat of branches, a gate (Sigmoid · value), a pool, and a Reshape:
 * everything that makes the part that one layer can change hard to see.
 */
export function toyNetwork(): Graph {
  const shape = [1, 4, 6, 6];
  const weights = new Map<string, Weight>();
  const ops: KnownOp[] = [];
  const values = new Map<string, TensorType>();
  const add = (
    type: string,
    name: string,
    inputs: readonly (string | null)[],
    attributes: object,
    at = shape,
  ): void => {
    ops.push({ type, name, inputs, outputs: [name], attributes } as unknown as KnownOp);
    values.set(name, f32(at));
  };
  const conv = (name: string, input: string, from: number, to: number, doRelu = false): void => {
    weights.set(`${name}.w`, {
      type: f32([to, from, 3, 3]),
      data: noise(to * from * 9, ops.length).map((w) => w * 0.5),
    });
    weights.set(`${name}.b`, { type: f32([to]), data: noise(to, ops.length + 50) });
    add('top.Conv', name, [input, `${name}.w`, `${name}.b`], { ...WINDOW, ...RELU, doRelu }, [1, to, 6, 6]);
  };
  add('top.Input', 'left', [], { doPreprocess: false });
  add('top.Input', 'right', [], { doPreprocess: false });
  conv('stem', 'left', 4, 4, true);
  conv('deep', 'stem', 4, 4);
  add('top.Add', 'residual', ['deep', 'stem'], { ...RELU, doRelu: true });
  conv('side', 'right', 4, 4);
  add('top.Sigmoid', 'gate', ['side'], { log: false, scale: 1, bias: 0, roundMode: 'HalfAwayFromZero' });
  add('top.Mul', 'gated', ['residual', 'gate'], RELU);
  add('top.Concat', 'both', ['gated', 'side'], { axis: 1, onlyMerge: false, ...RELU }, [1, 8, 6, 6]);
  conv('head', 'both', 8, 2);
  add(
    'top.MaxPool',
    'pooled',
    ['head'],
    {
      kernelShape: [2, 2],
      strides: [2, 2],
      pads: [0, 0, 0, 0],
      padValue: 0,
      isAdaptive: false,
      countIncludePad: false,
      keepdims: true,
      roundMode: 'HalfAwayFromZero',
      firstRoundMode: 'HalfAwayFromZero',
      ...RELU,
    },
    [1, 2, 3, 3],
  );
  add('top.Reshape', 'flat', ['pooled', null], { shape: [1, 18], flattenStartDim: -1 }, [1, 18]);
  return {
    name: 'toy',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops,
    values,
    weights,
    outputs: ['flat', 'residual'],
    tensorNames: new Map(),
    moduleAttributes: {},
  };
}

/** Samples of the toy network: noise of three sizes. */
export const toySamples = {
  length: 3,
  sample: (index: number) =>
    new Map([
      ['left', noise(144, index).map((value) => value * (index + 1))],
      ['right', noise(144, index + 20)],
    ]),
};

/** Values that are never negative. */
const UNSIGNED = ['stem', 'residual', 'gate', 'gated'];

/** A row per value: thresholds of four sizes, times a factor. */
export function toyRanges(graph: Graph, factor = 1): Map<string, ValueRange> {
  return new Map(
    [...graph.values.keys()].map((name, index): [string, ValueRange] => {
      const threshold = factor * (1.5 + (index % 4));
      return [name, { threshold, min: UNSIGNED.includes(name) ? 0 : -threshold, max: threshold }];
    }),
  );
}

export function int8Plan(processor: string, values: ReadonlyMap<string, ValueRange>): Plan {
  return { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values };
}
