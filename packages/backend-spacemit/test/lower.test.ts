import { spacemit } from '@q/backend-spacemit';
import { type Graph, isQError, type OpOf, type Plan, type QEvent, verify } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { cosine, GraphBuilder, noise, observe, planOf, run } from './graph-builder.ts';
import { onnxruntime } from './onnxruntime.ts';

const feedsOf = (graph: Graph, seed = 1) => {
  const shape = graph.values.get('x')!.shape;
  return new Map([
    [
      'x',
      noise(
        shape.reduce((a, b) => a * b),
        seed,
      ),
    ],
  ]);
};

const dequantize = (graph: Graph, name: string) =>
  graph.ops.find((op) => op.name === name) as OpOf<'top.DequantizeLinear'>;

/** Every operator that has an INT8 form and is not in the golden graphs, behind one convolution. */
function everything(): Graph {
  const b = new GraphBuilder();
  const c = b.conv('c', b.input('x', [1, 4, 8, 8]), [6, 4, 3, 3]);
  const add = b.add('top.AddConst', 'addc', [c], { constVal: 0.3 });
  const mul = b.add('top.MulConst', 'mulc', [add], { constVal: -2 });
  const sub = b.add('top.SubConst', 'subc', [mul], { constVal: 1.5, isReverse: true, doRelu: true });
  const prelu = b.add('top.PRelu', 'prelu', [b.add('top.Sub', 'sub', [sub, c]), b.weight('slope', [1, 6, 1, 1])]);
  const leaky = b.add('top.LeakyRelu', 'leaky', [prelu], { alpha: 0.1 });
  const scale = b.add('top.Scale', 'scale', [leaky, b.weight('s', [6]), b.weight('o', [6])]);
  const hard = b.add('top.HardSwish', 'hardswish', [scale]);
  const gate = b.add('top.HardSigmoid', 'hardsigmoid', [hard], { alpha: 0.2, beta: 0.5 });
  const product = b.add('top.Mul', 'mul', [hard, gate], { doRelu: true });
  const joined = b.add('top.Concat', 'concat', [product, b.weight('part', [1, 2, 8, 8])], { axis: 1 });
  const relu = b.add('top.Relu', 'relu', [b.add('top.LRN', 'lrn', [joined], { size: 3 })]);
  const clip = b.add('top.Clip', 'clip', [relu], { min: 0.1, max: 0.4 });
  const pad = b.add('top.Pad', 'pad', [clip], { paddings: [0, 0, 1, 1, 0, 0, 1, 1], mode: 'constant' });
  const slice = b.add('top.Slice', 'slice', [pad, null, null, null], {
    offset: [0, 0, 1, 0],
    steps: [1, 1, 1, 2],
    ends: [1, 8, 9, 10],
    axes: [],
  });
  const resized = b.add('top.Interp', 'interp', [slice, null], {
    mode: 'linear',
    coordMode: 'half_pixel',
    scaleH: 2,
    scaleW: 2,
  });
  const up = b.add('top.Deconv', 'deconv', [resized, b.weight('d', [3, 8, 2, 2]), null], {
    kernelShape: [2, 2],
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    group: 2,
  });
  const average = b.add('top.AvgPool', 'average', [up], {
    kernelShape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    countIncludePad: true,
  });
  const norm = b.add('top.InstanceNorm', 'instance', [average, b.weight('iw', [6]), b.weight('ib', [6])], {
    eps: 1e-5,
  });
  const grouped = b.add('top.GroupNorm', 'group', [norm, null, null], { numGroups: 2, eps: 1e-5 });
  const shape = b.shape('group');
  const flat = b.add('top.Reshape', 'flat', [grouped, null], { shape: [1, 6, shape[2]! * shape[3]!] });
  const gelu = b.add('top.GELU', 'gelu', [
    b.add('top.LayerNorm', 'layer', [flat, null, null], { axis: 2, eps: 1e-5, normalizedShape: [] }),
  ]);
  const turned = b.add('top.Permute', 'turned', [gelu], { order: [0, 2, 1] });
  const squares = b.add('top.MatMul', 'squares', [gelu, turned, null]);
  const mean = b.add('top.Reduce', 'mean', [squares], { axes: [1], keepdims: true, mode: 'ReduceMean' });
  const plain = b.add('top.MatMul', 'plain', [mean, b.weight('pw', [6, 5]), null]);
  const gathered = b.add('top.Gather', 'gather', [plain, b.weight('at', [3], [4, 0, 2])], { axis: 2 });
  const dense = b.add('top.MatMul', 'dense', [gathered, b.weight('dw', [3, 4]), b.weight('db', [4])], { doRelu: true });
  b.add('top.Softmax', 'y', [dense], { axis: 2 });
  return b.build(['dense', 'y'], 'everything');
}

describe('operators', () => {
  it('all lower to a graph that verifies, runs like float, and like ONNX Runtime where that is at hand', async () => {
    const graph = everything();
    const samples = [1, 2, 3, 4].map((seed) => feedsOf(graph, seed));
    const plan = planOf(await observe(graph, samples));
    const lowered = spacemit.lower(graph, plan);
    expect(verify(lowered)).toEqual([]);
    const quantized = new Set(lowered.ops.filter(({ type }) => type === 'top.QuantizeLinear').map(({ name }) => name));
    for (const name of [
      'addc',
      'subc',
      'prelu',
      'scale',
      'concat',
      'deconv',
      'layer',
      'gelu',
      'mean',
      'plain',
      'dense_gemm',
    ]) {
      expect(quantized, name).toContain(`${name}_quantized`);
    }
    // relu bounds lrn, clip bounds relu: one pair for the three, behind the clip.
    expect(['lrn', 'relu'].filter((name) => quantized.has(`${name}_quantized`))).toEqual([]);
    const [float, ours] = [await run(graph, samples[0]!), await run(lowered, samples[0]!)];
    expect(cosine(float.get('dense')!, ours.get('dense')!)).toBeGreaterThan(0.98);
    const theirs = onnxruntime(lowered, plan, samples[0]!);
    theirs?.forEach((values, i) => {
      expect(cosine(values, [...ours.values()][i]!)).toBeGreaterThan(0.999);
    });
  });

  it('have quantized constants: whole numbers exactly, others by their range', async () => {
    const graph = everything();
    const lowered = spacemit.lower(graph, planOf(await observe(graph, [feedsOf(graph)])));
    expect(lowered.weights.get('mulc_const')!.data).toEqual(Int8Array.of(-2));
    expect(dequantize(lowered, 'mulc_const_dequantized').attributes).toMatchObject({ xScale: [1], xZeroPoint: [0] });
    expect(lowered.weights.get('addc_const')!.data).toEqual(Int8Array.of(127));
    const { xScale, xZeroPoint } = dequantize(lowered, 'addc_const_dequantized').attributes;
    expect((127 - xZeroPoint[0]!) * xScale[0]!).toBeCloseTo(0.3, 6);
  });

  it('report their precisions', () => {
    const graph = everything();
    const of = (name: string) => spacemit.precisions(graph.ops.find((op) => op.name === name)!, 'k1');
    expect(of('c')).toEqual(['INT8', 'F32']);
    expect(of('y')).toEqual(['F32']);
    expect(
      spacemit.precisions(
        { type: 'unknown', mnemonic: 'top.New', name: 'n', inputs: [], outputs: ['n'], attributes: {} },
        'k3',
      ),
    ).toEqual([]);
    expect(spacemit.floatType('k1')).toBe('F32');
  });
});

describe('convolutions', () => {
  it('take a following Scale into filter and bias', async () => {
    const b = new GraphBuilder();
    const c = b.conv('c', b.input('x', [1, 2, 4, 4]), [3, 2, 3, 3]);
    b.add('top.Scale', 'y', [c, b.weight('s', [3], [1, -2, 0.5]), b.weight('o', [3], [0.1, 0.2, 0.3])], {
      doRelu: true,
    });
    const graph = b.build(['y']);
    const lowered = spacemit.lower(graph, planOf(await observe(graph, [feedsOf(graph)])));
    expect(lowered.ops.map(({ type }) => type)).not.toContain('top.Scale');
    const [float, ours] = [await run(graph, feedsOf(graph)), await run(lowered, feedsOf(graph))];
    expect(cosine(float.get('y')!, ours.get('y')!)).toBeGreaterThan(0.999);
  });

  it('keep a Relu that the codes do not imply', () => {
    const b = new GraphBuilder();
    const r = b.conv('r', b.input('x', [1, 2, 4, 4]), [3, 2, 1, 1], { relu: 1 });
    const graph = b.build([r]);
    const values = new Map([
      ['x', { threshold: 1, min: -1, max: 1 }],
      ['r', { threshold: 3, min: 0, max: 3 }],
    ]);
    const kept = spacemit
      .lower(graph, planOf(values))
      .ops.find(({ name }) => name === 'r_unquantized') as OpOf<'top.Conv'>;
    expect(kept.attributes).toMatchObject({ doRelu: true, reluLimit: 1 });
  });
});

describe('plans', () => {
  const b = new GraphBuilder();
  b.add('top.Sigmoid', 'y', [b.conv('c', b.input('x', [1, 2, 4, 4]), [3, 2, 1, 1])]);
  const graph = b.build(['y']);
  const range = { threshold: 1, min: -1, max: 1 };

  it('without ranges leave layers float and say so', () => {
    const events: QEvent[] = [];
    const lowered = spacemit.lower(
      graph,
      planOf(
        new Map([
          ['x', range],
          ['c', range],
        ]),
      ),
      (event) => events.push(event),
    );
    expect(events).toMatchObject([{ type: 'warning', code: 'spacemit.uncalibrated', where: 'y' }]);
    expect(lowered.ops.at(-1)!.type).toBe('top.Sigmoid');
    expect(lowered.ops.at(-1)!.inputs).toEqual(['c']);
  });

  it('of other precisions and processors are refused, all ops at once', () => {
    const refuse = (plan: Plan) => {
      try {
        spacemit.lower(graph, plan);
      } catch (error) {
        if (isQError(error)) return error.issues.map(({ code, found }) => `${code}: ${found}`);
        throw error;
      }
      return [];
    };
    const plan = planOf(new Map());
    expect(refuse({ ...plan, processor: 'k2' })).toEqual(['spacemit.processor: k2']);
    expect(refuse({ ...plan, precision: 'F16' })).toEqual(Array(3).fill('spacemit.plan.precision: F16'));
    expect(() => spacemit.floatType('bm1684x')).toThrow(/SpacemiT/);
  });

  it('in F32 change nothing', () => {
    const lowered = spacemit.lower(graph, { ...planOf(new Map()), precision: 'F32' });
    expect(lowered.ops).toEqual(graph.ops);
    expect(lowered.weights).toEqual(graph.weights);
  });
});
