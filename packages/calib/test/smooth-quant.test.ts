import { readFileSync } from 'node:fs';
import { type Dataset, openDataset, zipSource } from '@q/dataset';
import { attributesWithDefaults, type Graph, type Op } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { createSession } from '@q/runtime';
import { describe, expect, it } from 'vitest';
import { correctSoftmax, smoothActivations } from '../src/index.ts';
import { candidateScales, smoothedActivations, smoothedWeights } from '../src/transform/smoothing-scales.ts';
import { noise } from './small-network.ts';

const repository = new URL('../../../', import.meta.url).pathname;
const images = zipSource(readFileSync(`${repository}test-models/objects-cnn/calibration.zip`), 'calibration.zip');

function vit(): Graph {
  const thirds = (value: number): number[] => [value, value, value];
  return importOnnx(readFileSync(`${repository}test-models/objects-vit/objects-vit.onnx`), {
    name: 'objects-vit',
    preprocess: { pixelFormat: 'rgb', mean: thirds(127.5), scale: thirds(0.0078431) },
  });
}

/**
 * Recorded with TPU-MLIR v1.30.2-20260831, `run_calibration objects-vit.mlir --dataset … --input_num 10 --sq`: what the first
 * four weights of each LayerNorm were divided by, over the largest divisor of that layer. (Their common factor is decided by
 * rounding: candidates that differ by a factor give the same codes.)
 */
const SMOOTHED: Readonly<Record<string, readonly number[]>> = {
  '/blocks/blocks.0/attention_norm': [0.400759, 0.56431, 0.696953, 0.74194],
  '/blocks/blocks.0/mlp_norm': [0.479451, 0.576172, 0.739603, 0.719314],
  '/blocks/blocks.1/attention_norm': [0.468297, 0.662935, 0.742268, 0.747323],
  '/blocks/blocks.1/mlp_norm': [0.620281, 0.701455, 0.756363, 0.861843],
  '/blocks/blocks.2/attention_norm': [0.665737, 0.760521, 0.778094, 0.776212],
  '/blocks/blocks.2/mlp_norm': [0.656649, 0.637077, 0.797166, 0.784889],
  '/blocks/blocks.3/attention_norm': [0.749878, 0.628521, 0.858196, 0.665415],
  '/blocks/blocks.3/mlp_norm': [0.647926, 0.655205, 0.640128, 0.604931],
  '/norm': [0.506964, 0.588702, 0.604272, 0.555809],
};
/** The same release with `--smc`: the mean largest probability of each of three heads. */
const SOFTMAX_SCALES: readonly (readonly number[])[] = [
  [0.08068475, 0.06680442, 0.07358883],
  [0.166429, 0.1472003, 0.118126],
  [0.2202455, 0.1778494, 0.1724064],
  [0.4063913, 0.2704789, 0.2225435],
];

describe('objects-vit, as TPU-MLIR v1.30.2 rewrites it', () => {
  it('--sq: the same layers, the same balance of their channels, the same function', { timeout: 120_000 }, async () => {
    const graph = vit();
    const dataset = await openDataset({ source: images, graph, inputNum: 10 });
    const { graph: smooth, smoothed, rewritten } = await smoothActivations({ graph, dataset, sampleCount: 10 });
    expect(rewritten).toBe(false);
    const suffix = '/LayerNormalization_output_0_LayerNormalization';
    expect([...smoothed.keys()].map((name) => name.replace(suffix, ''))).toEqual(Object.keys(SMOOTHED));
    for (const [name, first] of Object.entries(SMOOTHED)) {
      const scales = smoothed.get(name + suffix)!;
      const largest = scales.reduce((a, b) => Math.max(a, b));
      first.forEach((expected, c) => {
        expect(scales[c]! / largest, `${name} channel ${c}`).toBeCloseTo(expected, 5);
      });
    }
    const [before, after] = await Promise.all([graph, smooth].map((network) => createSession(network)));
    const feeds = await dataset.sample(0);
    const expected = before!.run(feeds).get(graph.outputs[0]!)!;
    after!
      .run(feeds)
      .get(graph.outputs[0]!)!
      .forEach((value, i) => {
        expect(Math.abs((value as number) - (expected[i] as number))).toBeLessThan(1e-4);
      });
    before!.dispose();
    after!.dispose();
  });

  it('--smc: the same scales', async () => {
    const graph = vit();
    const dataset = await openDataset({ source: images, graph, inputNum: 10 });
    const { graph: corrected, corrected: names } = await correctSoftmax({ graph, dataset, sampleCount: 10 });
    const suffix = '/attention/Softmax_output_0_Softmax';
    expect(names).toEqual([0, 1, 2, 3].map((block) => `/blocks/blocks.${block}${suffix}`));
    names.forEach((name, block) => {
      const scales = corrected.weights.get(`${name}_Smc_Weight`)!;
      expect(scales.type.shape).toEqual([1, 3, 1, 1]);
      SOFTMAX_SCALES[block]!.forEach((expected, head) => {
        expect(scales.data[head]).toBeCloseTo(expected, 5);
      });
    });
  });
});

const typed = (shape: readonly number[]) => ({ shape, dtype: 'f32' as const });
const next = noise(7);
const constant = (shape: readonly number[], grow = (_: number) => 1) => ({
  type: typed(shape),
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => next() * grow(i)),
});

/** A network of one input; the shape of each layer is given. */
function network(
  layers: readonly [
    name: string,
    type: string,
    inputs: readonly (string | null)[],
    shape: number[],
    attributes?: object,
  ][],
  weights: Graph['weights'],
): Graph {
  const ops = layers.map(([name, type, inputs, , attributes = {}]) => ({
    type,
    name,
    inputs,
    outputs: [name],
    attributes: attributesWithDefaults(type as 'top.Input', attributes),
  })) as unknown as Op[];
  return {
    name: 'made',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops,
    values: new Map(layers.map(([name, , , shape]) => [name, typed(shape)])),
    weights,
    outputs: [ops.at(-1)!.name],
    tensorNames: new Map(),
    moduleAttributes: {},
  };
}

const samples = [0, 1].map(() => new Map([['x', Float32Array.from({ length: 24 }, () => 3 * next())]]));
const dataset: Dataset = { kind: 'npz', length: 2, files: (i) => [`${i}.npz`], sample: async (i) => samples[i]! };

async function expectSameFunction(before: Graph, after: Graph): Promise<void> {
  const [a, b] = await Promise.all([createSession(before), createSession(after)]);
  const [expected, found] = [a.run(samples[0]!), b.run(samples[0]!)].map((outputs) => [...outputs.values()][0]!);
  found!.forEach((value, i) => {
    expect(value as number).toBeCloseTo(expected![i] as number, 4);
  });
  a.dispose();
  b.dispose();
}

describe('where activations are smoothed', () => {
  const norm = { normalizedShape: [4], axis: 2, eps: 1e-5 };
  const weights = new Map([
    ['g', constant([4], (i) => (i === 1 ? 30 : 1))],
    ['b', constant([4])],
    ['w', constant([4, 4])],
    ['u', constant([4, 4])],
  ]);

  it('a LayerNorm that products and an Add read gets a Mul for the products', async () => {
    const graph = network(
      [
        ['x', 'top.Input', [], [1, 6, 4]],
        ['ln', 'top.LayerNorm', ['x', 'g', 'b'], [1, 6, 4], norm],
        ['mm', 'top.MatMul', ['ln', 'w', null], [1, 6, 4]],
        ['sum', 'top.Add', ['ln', 'mm'], [1, 6, 4]],
      ],
      weights,
    );
    const lines: string[] = [];
    const emit = (event: { type: string; text?: string }): void =>
      void (event.type === 'line' && lines.push(event.text!));
    const found = await smoothActivations({ graph, dataset, sampleCount: 2, emit });
    expect(lines).toEqual(['smooth op 0 Mul_after_ln']);
    expect([found.rewritten, [...found.smoothed.keys()]]).toEqual([true, ['Mul_after_ln']]);
    expect(found.graph.ops.map(({ name, inputs }) => [name, inputs])).toEqual([
      ['x', []],
      ['ln', ['x', 'g', 'b']],
      ['Mul_after_ln', ['ln', 'ln_scaled_weight']],
      ['mm', ['Mul_after_ln', 'w', null]],
      ['sum', ['ln', 'mm']],
    ]);
    await expectSameFunction(graph, found.graph);
    // The large channel has become smaller, its row larger.
    const factors = found.graph.weights.get('ln_scaled_weight')!.data;
    expect(factors[1]).toBeLessThan(Math.min(factors[0] as number, factors[2] as number, factors[3] as number));
  });

  it('looks through what keeps the channels, and leaves alone what would change the function', async () => {
    const layers = (end: string): Parameters<typeof network>[0] => [
      ['x', 'top.Input', [], [1, 6, 4]],
      ['ln', 'top.LayerNorm', ['x', 'g', 'b'], [1, 6, 4], norm],
      ['p', 'top.Permute', ['ln'], [6, 1, 4], { order: [1, 0, 2] }],
      ['r', 'top.Reshape', ['p'], end === 'kept' ? [6, 4] : [4, 6], { shape: end === 'kept' ? [6, 4] : [4, 6] }],
      ...(end === 'kept'
        ? []
        : ([['r2', 'top.Reshape', ['r'], [6, 4], { shape: [6, 4] }]] as Parameters<typeof network>[0])),
      ['mm', 'top.MatMul', [end === 'kept' ? 'r' : 'r2', 'w', null], [6, 4]],
    ];
    const kept = network(layers('kept'), weights);
    const found = await smoothActivations({ graph: kept, dataset, sampleCount: 2 });
    expect([...found.smoothed.keys()]).toEqual(['ln']);
    await expectSameFunction(kept, found.graph);
    const mixed = network(layers('mixed'), weights);
    expect((await smoothActivations({ graph: mixed, dataset, sampleCount: 2 })).graph).toEqual(mixed);
    const shown = { ...kept, outputs: ['ln', 'mm'] };
    expect((await smoothActivations({ graph: shown, dataset, sampleCount: 2 })).smoothed.size).toBe(0);
  });

  it('the projection of the values takes its scales from the projection behind attention', async () => {
    const graph = network(
      [
        ['x', 'top.Input', [], [1, 6, 4]],
        ['v', 'top.MatMul', ['x', 'w', 'b'], [1, 6, 4]],
        ['v4', 'top.Reshape', ['v'], [1, 6, 2, 2], { shape: [1, 6, 2, 2] }],
        ['heads', 'top.Permute', ['v4'], [1, 2, 6, 2], { order: [0, 2, 1, 3] }],
        ['probabilities', 'top.Softmax', ['scores'], [1, 2, 6, 6], { axis: 3 }],
        ['mixed', 'top.MatMul', ['probabilities', 'heads', null], [1, 2, 6, 2]],
        ['back', 'top.Permute', ['mixed'], [1, 6, 2, 2], { order: [0, 2, 1, 3] }],
        ['flat', 'top.Reshape', ['back'], [1, 6, 4], { shape: [1, 6, 4] }],
        ['o', 'top.MatMul', ['flat', 'u', null], [1, 6, 4]],
      ],
      new Map([...weights, ['scores', constant([1, 2, 6, 6])]]),
    );
    const found = await smoothActivations({ graph, dataset, sampleCount: 2 });
    expect([...found.smoothed.keys()]).toEqual(['v']);
    await expectSameFunction(graph, found.graph);
  });
});

describe('candidate scales', () => {
  const [ax, aw] = [Float32Array.of(8, 2, 0), Float32Array.of(0.5, 2, 1)];

  it('balance layer and constants in 21 steps, then limit the largest channels in 20', () => {
    const scales = candidateScales(ax, aw);
    expect(scales).toHaveLength(41);
    expect([...scales[0]!]).toEqual([2, 0.5, 1]);
    expect([...scales[10]!]).toEqual([4, 1, 0]);
    expect([...scales[20]!]).toEqual([8, 2, 0]);
    expect([...scales[30]!]).toEqual([2, 1, 1]);
    expect([...scales[40]!]).toEqual([1, 1, 1]);
  });

  it('codes of activations share a step; rows of constants have their own', () => {
    const codes = (...all: number[]) => all.map((code) => Math.fround(code * Math.fround(4 / 127)));
    const activations = smoothedActivations(
      Float32Array.of(8, -2, 0.01),
      Float32Array.of(2, 1, 1),
      Float32Array.of(8, 2, 1),
    );
    // -2 lies between two codes: the even one.
    expect([...activations]).toEqual(codes(127, -64, 0));
    const rows = smoothedWeights(Float32Array.of(1, -2, 0, 0), Float32Array.of(2, 5));
    expect([...rows]).toEqual(codes(64, -127, 0, 0));
  });
});
