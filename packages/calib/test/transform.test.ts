import type { Dataset } from '@q/dataset';
import { attributesWithDefaults, type Graph, type Op, type QEvent } from '@q/ir';
import { createSession } from '@q/runtime';
import { describe, expect, it } from 'vitest';
import {
  calibrate,
  correctSoftmax,
  equalizeWeights,
  equalizeWithinLimits,
  layersOutside,
  patternLayers,
  quantizedTypes,
  shapeLayers,
} from '../src/index.ts';
import { TorchObserver } from '../src/statistics/torch-observer.ts';
import { noise } from './small-network.ts';
import { sampleA, sampleB } from './vectors.ts';

function graphOf(ops: readonly Partial<Op>[], rest: Partial<Graph> = {}): Graph {
  return {
    name: 'made',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops: ops.map((op) => ({ inputs: [], outputs: [op.name], attributes: {}, ...op })) as Graph['ops'],
    values: new Map(ops.map((op) => [op.name!, { shape: [1], dtype: 'f32' as const }])),
    weights: new Map(),
    outputs: [ops.at(-1)!.name!],
    tensorNames: new Map(),
    moduleAttributes: {},
    ...rest,
  };
}

const weight = (shape: readonly number[], values: readonly number[]) => ({
  type: { shape, dtype: 'f32' as const },
  data: Float32Array.from(values),
});

describe('weight equalization (calibration.md 10)', () => {
  const two: readonly Partial<Op>[] = [
    { name: 'x', type: 'top.Input' },
    { name: 'a', type: 'top.Conv', inputs: ['x', 'wa', 'ba'] },
    { name: 'r', type: 'top.Relu', inputs: ['a'] },
    { name: 'b', type: 'top.Conv', inputs: ['r', 'wb', null] },
  ];
  const weights = new Map([
    ['wa', weight([2, 2, 1, 1], [4, -2, 0.5, 0.25])],
    ['ba', weight([2], [0.4, -0.1])],
    ['wb', weight([2, 2, 1, 1], [1, 8, -0.5, 2])],
  ]);
  const valuesOf = (graph: Graph, name: string) => [...(graph.weights.get(name)!.data as Float32Array)];

  it('gives the worked example (13.5)', () => {
    const lines: string[] = [];
    const emit = (event: QEvent): void => void (event.type === 'line' && lines.push(event.text));
    const equal = equalizeWeights(graphOf(two, { weights }), emit);
    expect(valuesOf(equal, 'wa')).toEqual([2, -1, 2, 1]);
    expect(valuesOf(equal, 'ba').map((value) => value.toFixed(6))).toEqual(['0.200000', '-0.400000']);
    expect(valuesOf(equal, 'wb')).toEqual([2, 2, -1, 0.5]);
    expect(lines[0]).toBe('Cross Layer WE: a --- b Groups: 1 Iter: 1');
    expect(Number(lines[1]!.replace('>>>loss:', ''))).toBeCloseTo(9.0799875, 5);
    expect(lines.slice(2)).toEqual(['Cross Layer WE: a --- b Groups: 1 Iter: 2', '>>>loss:0']);
  });

  it('leaves pairs alone that something else reads', () => {
    const graph = graphOf([...two, { name: 'p', type: 'top.MaxPool', inputs: ['a'] }], { weights });
    expect(valuesOf(equalizeWeights(graph), 'wa')).toEqual([4, -2, 0.5, 0.25]);
    const twice = graphOf([...two, { name: 'c', type: 'top.Conv', inputs: ['r', 'wb', null] }], { weights });
    expect(valuesOf(equalizeWeights(twice), 'wa')).toEqual([4, -2, 0.5, 0.25]);
  });

  it('within the bound of a relu keeps the function, where the original rule does not', async () => {
    const shape = [1, 2, 1, 1];
    const conv = (extra: object) =>
      attributesWithDefaults('top.Conv', { kernelShape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], ...extra });
    const graph = graphOf(
      [
        { name: 'x', type: 'top.Input', attributes: attributesWithDefaults('top.Input', { doPreprocess: false }) },
        { name: 'a', type: 'top.Conv', inputs: ['x', 'wa', 'ba'], attributes: conv({ doRelu: true, reluLimit: 6 }) },
        { name: 'b', type: 'top.Conv', inputs: ['a', 'wb', null], attributes: conv({}) },
      ] as unknown as readonly Partial<Op>[],
      { weights, values: new Map(['x', 'a', 'b'].map((name) => [name, { shape, dtype: 'f32' as const }])) },
    );
    const feeds = [2, 0.5, 4].map((value) => new Map([['x', Float32Array.of(value, value / 4)]]));
    const dataset: Dataset = { kind: 'npz', length: 3, files: (i) => [`${i}.npz`], sample: async (i) => feeds[i]! };
    const within = await equalizeWithinLimits({ graph, dataset, sampleCount: 3 });
    const resultsOf = async (network: Graph) => {
      const session = await createSession(network);
      const results = feeds.flatMap((sample) => [...(session.run(sample).get('b') as Float32Array)]);
      session.dispose();
      return results;
    };
    const expected = await resultsOf(graph);
    (await resultsOf(within)).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 5);
    });
    // Channel 0 reaches 6 and stays; channel 1, of at most 2.15, may grow.
    expect(valuesOf(within, 'wa').slice(0, 2)).toEqual([4, -2]);
    expect(valuesOf(within, 'wa')[2]).toBeGreaterThan(0.5);
    const distance = (all: number[]) =>
      all.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
    expect(distance(await resultsOf(equalizeWeights(graph)))).toBeGreaterThan(1);
  });

  it('leaves channels without weights alone', () => {
    const empty = new Map(weights).set('wa', weight([2, 2, 1, 1], [0, 0, 0.5, 0.25]));
    const equal = equalizeWeights(graphOf(two, { weights: empty }));
    expect(valuesOf(equal, 'wa')).toEqual([0, 0, 2, 1]);
    expect(valuesOf(equal, 'wb')).toEqual([1, 2, -0.5, 0.5]);
  });
});

describe('layers that compute shapes (calibration.md 9)', () => {
  const ops: readonly Partial<Op>[] = [
    { name: 'x', type: 'top.Input' },
    { name: 'conv', type: 'top.Conv', inputs: ['x', 'w', null] },
    { name: 'shape', type: 'top.Shape', inputs: ['conv'] },
    { name: 'slice', type: 'top.Slice', inputs: ['shape'] },
    { name: 'unsqueeze', type: 'top.Unsqueeze', inputs: ['slice'] },
    { name: 'add', type: 'top.AddConst', inputs: ['slice'] },
    { name: 'concat', type: 'top.Concat', inputs: ['slice', 'add'] },
    { name: 'reshape', type: 'top.Reshape', inputs: ['conv', 'concat'] },
    { name: 'relu', type: 'top.Relu', inputs: ['reshape'] },
  ];

  it('are found from their source on, up to what consumes them', () => {
    // Unsqueeze and AddConst come in because all they read is a shape.
    expect(shapeLayers(graphOf(ops)).sort()).toEqual(['add', 'concat', 'shape', 'slice', 'unsqueeze']);
    expect(shapeLayers(graphOf(ops), '2026').sort()).toEqual(['add', 'concat', 'shape', 'slice', 'unsqueeze']);
    expect(shapeLayers(graphOf(ops.filter(({ name }) => name !== 'shape')))).toEqual([]);
  });

  it('begin with casts to whole numbers and indices since 2026', () => {
    const graph = graphOf([
      { name: 'x', type: 'top.Input' },
      { name: 'conv', type: 'top.Conv', inputs: ['x', 'w', null] },
      { name: 'top', type: 'top.TopK', inputs: ['conv'], outputs: ['top', 'index'] },
      { name: 'gather', type: 'top.Gather', inputs: ['conv', 'index'] },
      { name: 'cast', type: 'top.Cast', inputs: ['conv'], attributes: { to: 'INT32' } } as unknown as Partial<Op>,
      { name: 'end', type: 'top.Relu', inputs: ['conv'] },
    ]);
    expect(shapeLayers(graph)).toEqual([]);
    expect(shapeLayers(graph, '2026').sort()).toEqual(['cast', 'gather', 'top']);
  });
});

describe('layers that stay float', () => {
  const bert = 'A LN MM MM MM R P R R P P MM MC A SM MM P R MM A LN MM G MM'.split(' ').map(
    (short) =>
      (
        ({
          A: 'Add',
          LN: 'LayerNorm',
          MM: 'MatMul',
          R: 'Reshape',
          P: 'Permute',
          MC: 'MulConst',
          SM: 'Softmax',
          G: 'GELU',
        }) as Record<string, string>
      )[short]!,
  );

  it('of a known transformer block (search.md 7.2)', () => {
    const ops = bert.map(
      (type, i): Partial<Op> =>
        ({
          name: `${i}`,
          type: `top.${type}` as Op['type'] & string,
          inputs: i === 0 ? [] : [`${i - 1}`],
        }) as Partial<Op>,
    );
    // Adds before LayerNorm, the GELU, and the product behind it.
    expect(patternLayers(graphOf(ops))).toEqual({ block: 'bert_block', layers: ['0', '19', '22', '23'] });
    expect(patternLayers(graphOf(ops.slice(1)))).toBeUndefined();
  });

  it('by --part_quantize: everything of other types', () => {
    const graph = graphOf([
      { name: 'x', type: 'top.Input' },
      { name: 'c', type: 'top.Conv', inputs: ['x'] },
      { name: 'r', type: 'top.Relu', inputs: ['c'] },
      { name: 's', type: 'top.Softmax', inputs: ['r'] },
    ]);
    expect(layersOutside(graph, quantizedTypes([]))).toEqual(['x', 'r', 's']);
    expect(layersOutside(graph, quantizedTypes(['Relu']))).toEqual(['x', 's']);
    expect(layersOutside(graph, quantizedTypes(['N_mode']))).toEqual(['x', 's']);
    expect(layersOutside(graph, quantizedTypes(['H_mode']))).toEqual(['x', 'r', 's']);
    expect(layersOutside(graph, quantizedTypes(['custom_mode'], ['Softmax']))).toEqual(['x', 'c', 'r']);
  });
});

/** Recorded with PyTorch 2.1.0: HistogramObserver(bins=2048, dtype=qint8, qscheme=per_tensor_affine). */
describe("PyTorch's histogram observer", () => {
  const relu = (data: Float32Array): Float32Array => data.map((value) => Math.max(value, 0));
  it.each([
    ['a', [sampleA], 0.043116193264722824, -12],
    ['a, b', [sampleA, sampleB], 0.043130673468112946, -12],
    ['b, a', [sampleB, sampleA], 0.043127890676259995, -12],
    ['positive first', [relu(sampleA), relu(sampleB), sampleA], 0.04311056807637215, -12],
    [
      'small first',
      [sampleA.slice(0, 50).map((value) => Math.fround(value * Math.fround(1e-3))), sampleB],
      0.05095559358596802,
      -50,
    ],
  ])('%s', (_, samples, scale, zeroPoint) => {
    const observer = new TorchObserver(2048);
    for (const sample of samples) {
      observer.observe(
        sample,
        sample.reduce((a, b) => Math.min(a, b)),
        sample.reduce((a, b) => Math.max(a, b)),
      );
    }
    expect(observer.parameters()).toEqual({ scale, zeroPoint });
  });

  it('has parameters for a value that is always zero, and without any sample', () => {
    const observer = new TorchObserver(64);
    expect(observer.parameters()).toEqual({ scale: 1, zeroPoint: 0 });
    observer.observe(new Float32Array(9), 0, 0);
    observer.observe(new Float32Array(9), 0, 0);
    expect(observer.parameters()).toEqual({ scale: 2 ** -23, zeroPoint: -128 });
  });
});

describe('softmax correction (calibration.md 12)', () => {
  const shape = [1, 2, 3, 4] as const;
  const typed = (dims: readonly number[]) => ({ shape: dims, dtype: 'f32' as const });
  const ops: readonly Partial<Op>[] = [
    { name: 'x', type: 'top.Input', attributes: attributesWithDefaults('top.Input', { doPreprocess: false }) },
    { name: 'v', type: 'top.Input', attributes: attributesWithDefaults('top.Input', { doPreprocess: false }) },
    { name: 'sm', type: 'top.Softmax', inputs: ['x'], attributes: attributesWithDefaults('top.Softmax', { axis: 3 }) },
    { name: 'mm', type: 'top.MatMul', inputs: ['sm', 'v', null], attributes: attributesWithDefaults('top.MatMul', {}) },
    { name: 'out', type: 'top.Relu', inputs: ['mm'], attributes: attributesWithDefaults('top.Relu', {}) },
  ] as unknown as readonly Partial<Op>[];
  const graph = graphOf(ops, {
    values: new Map([
      ['x', typed(shape)],
      ['v', typed([1, 2, 4, 5])],
      ['sm', typed(shape)],
      ['mm', typed([1, 2, 3, 5])],
      ['out', typed([1, 2, 3, 5])],
    ]),
  });
  const next = noise(5);
  const feeds = [0, 1, 2].map(
    () =>
      new Map([
        ['x', Float32Array.from({ length: 24 }, () => 3 * next())],
        ['v', Float32Array.from({ length: 40 }, () => next())],
      ]),
  );
  const dataset: Dataset = { kind: 'npz', length: 3, files: (i) => [`${i}.npz`], sample: async (i) => feeds[i]! };

  it('divides each head by its mean largest probability, and multiplies the product by it', async () => {
    const { graph: corrected, fixed } = await correctSoftmax({ graph, dataset, sampleCount: 3 });
    expect(corrected.ops.map(({ name }) => name)).toEqual([
      'x',
      'v',
      'sm',
      'sm_Smc_Inv_Mul',
      'mm',
      'mm_Smc_Mul',
      'out',
    ]);
    const before = await createSession(graph, { retain: 'all' });
    const after = await createSession(corrected, { retain: 'all' });
    const means = [0, 0];
    for (const sample of feeds) {
      const expected = before.run(sample).get('out')!;
      after
        .run(sample)
        .get('out')!
        .forEach((value, i) => {
          expect(value).toBeCloseTo(expected[i]!, 5);
        });
      const probabilities = before.read('sm');
      for (let row = 0; row < 6; row++) {
        means[Math.floor(row / 3)]! += Math.max(...probabilities.slice(row * 4, row * 4 + 4)) / 9;
      }
    }
    const scales = [...(corrected.weights.get('sm_Smc_Weight')!.data as Float32Array)];
    means.forEach((mean, head) => {
      expect(scales[head]).toBeCloseTo(mean, 5);
    });
    const { table } = await calibrate(corrected, dataset, { fixed, tuneNum: 0 });
    expect(table.rows.get('sm_Smc_Inv_Mul')).toEqual({ threshold: 1, min: 0, max: 1 });
    before.dispose();
    after.dispose();
  });

  it('leaves other networks alone', async () => {
    const plain = { ...graph, outputs: ['mm'], ops: graph.ops.slice(0, 4) };
    expect(await correctSoftmax({ graph: plain, dataset, sampleCount: 3 })).toEqual({
      graph: plain,
      corrected: [],
      fixed: new Map(),
    });
  });
});
