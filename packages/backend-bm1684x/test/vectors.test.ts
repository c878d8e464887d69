import { describe, expect, it } from 'vitest';
import { execute, reals } from './execute.ts';
import { CONV_1X1, network, op, plan } from './networks.ts';

const image = (channels: number, size = 1) => [1, channels, size, size] as const;

describe('a convolution with a fused Relu (numerics.md 16, BM1684X column)', () => {
  const graph = network({
    inputs: { in: image(3) },
    ops: [op('top.Conv', 'y', ['in', 'w', 'b'], { ...CONV_1X1, doRelu: true })],
    shapes: { y: image(1) },
    weights: {
      w: [
        [1, 3, 1, 1],
        [0.5, -0.25, 0.1],
      ],
      b: [[1], [0.3]],
    },
  });
  it.each([
    [[100, -50, 20], 112],
    [[-100, 50, 20], 0],
    [[127, -128, 127], 170],
    [[1, 0, 0], 26],
  ])('%j → %i', async (codes, expected) => {
    const value = await execute(graph, plan({ in: 2, y: [3, 0] }), { in: reals(codes, 2) });
    expect(value('iny_si8')).toEqual(codes);
    expect(value('y')).toEqual([expected]);
    expect(value('y_f32')).toEqual([Math.fround(Math.fround(3 / 255) * expected)]);
  });
});

describe('rounding', () => {
  it('is half up in a convolution and half away in a deconvolution', async () => {
    // Weight −127 at scale 1, thresholds 127 → 254: s = 0.5, sums ±127 are ties.
    const weights = { w: [[1, 1, 1, 1], [-127]] } as const;
    const window = {
      kernelShape: [1, 1],
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      dilations: [1, 1],
      group: 1,
      dynweightReordered: false,
    };
    const parts = { inputs: { in: [2, 1, 1, 1] }, shapes: { y: [2, 1, 1, 1] }, weights };
    const conv = network({ ...parts, ops: [op('top.Conv', 'y', ['in', 'w', null], CONV_1X1)] });
    const deconv = network({ ...parts, ops: [op('top.Deconv', 'y', ['in', 'w', null], window)] });
    const table = plan({ in: 127, y: 254 });
    const feeds = { in: [1, -1] };
    expect((await execute(conv, table, feeds))('y')).toEqual([-63, 64]);
    const value = await execute(deconv, table, feeds);
    expect(value('y_i32')).toEqual([-127, 127]);
    expect(value('y')).toEqual([-64, 64]);
  });
});

describe('element-wise operators (numerics.md 7.3, 9.3, 16)', () => {
  const pair = (type: string, attributes = {}) =>
    network({
      inputs: { a: [1, 1, 1, 1], b: [1, 1, 1, 1] },
      ops: [op(type, 'y', ['a', 'b'], attributes)],
      shapes: { y: [1, 1, 1, 1] },
    });

  it.each([
    [[100, 50], 75],
    [[-100, 50], 9],
    [[127, 127], 127],
    [[3, -2], -1],
    [[1, 1], 1],
  ] as const)('Add %j → %i', async ([a, b], expected) => {
    const value = await execute(pair('top.Add', { coeff: undefined }), plan({ a: 2, b: 5, y: 6 }), {
      a: reals([a], 2),
      b: reals([b], 5),
    });
    expect(value('y')).toEqual([expected]);
  });

  it.each([
    [[100, 50], 49],
    [[-100, 50], -49],
  ] as const)('Mul %j → %i', async ([a, b], expected) => {
    const value = await execute(pair('top.Mul'), plan({ a: 2, b: 5, y: 8 }), { a: reals([a], 2), b: reals([b], 5) });
    expect(value('y')).toEqual([expected]);
  });

  const single = (type: string, attributes: object) =>
    network({ inputs: { x: [1, 5] }, ops: [op(type, 'y', ['x'], attributes)], shapes: { y: [1, 5] } });
  const run = async (
    type: string,
    attributes: object,
    codes: readonly number[],
    thresholds: readonly [number, number],
  ) => {
    const padded = [...codes, ...new Array<number>(5 - codes.length).fill(0)];
    const value = await execute(single(type, attributes), plan({ x: thresholds[0], y: thresholds[1] }), {
      x: reals(padded, thresholds[0]),
    });
    return value('y').slice(0, codes.length);
  };

  it('AddConst', async () =>
    expect(await run('top.AddConst', { constVal: 0.4 }, [10, -60, 127], [2, 3])).toEqual([24, -23, 101]));
  it('SubConst', async () =>
    expect(await run('top.SubConst', { constVal: 0.4, isReverse: false }, [10, -60, 127], [2, 3])).toEqual([
      -10, -57, 67,
    ]));
  it('LeakyRelu', async () =>
    expect(await run('top.LeakyRelu', { alpha: 0.1 }, [-5, -6, -100, -128, 90], [127, 127])).toEqual([
      0, -1, -10, -13, 90,
    ]));
});

describe('data movement', () => {
  it('rescales the operands of a concatenation', async () => {
    const graph = network({
      inputs: { a: [1, 3], b: [1, 3] },
      // A second reader keeps the propagation from unifying the ranges.
      ops: [op('top.Concat', 'y', ['a', 'b'], { axis: 1, onlyMerge: false }), op('top.Add', 'z', ['a', 'b'], {})],
      shapes: { y: [1, 6], z: [1, 3] },
      outputs: ['y', 'z'],
    });
    const value = await execute(graph, plan({ a: 2, b: 3, y: 3, z: 5 }), {
      a: reals([3, -3, 100], 2),
      b: reals([7, 8, 9], 3),
    });
    expect(value('y')).toEqual([2, -2, 66, 7, 8, 9]);
  });

  it('pads with a code', async () => {
    const graph = network({
      inputs: { x: [1, 2] },
      ops: [op('top.Pad', 'y', ['x'], { paddings: [0, 1, 0, 1], val: 1.5, mode: 'constant' })],
      shapes: { y: [1, 4] },
    });
    expect((await execute(graph, plan({ x: 2, y: 2 }), { x: reals([5, -6], 2) }))('y')).toEqual([95, 5, -6, 95]);
  });

  it('permutes, slices, upsamples and shuffles codes', async () => {
    const graph = network({
      inputs: { x: [1, 4, 1, 2] },
      ops: [
        op('top.Upsample', 'u', ['x'], { scaleH: 2, scaleW: 1, doRelu: false, reluLimit: -1 }),
        op('top.ShuffleChannel', 's', ['u'], { group: 2 }),
        op('top.Slice', 'c', ['s'], {
          offset: [0, 1, 0, 0],
          steps: [1, 1, 1, 1],
          ends: [1, 4, 2, 2],
          axes: [],
          hasparamConvertAxes: [],
        }),
        op('top.Permute', 'p', ['c'], { order: [0, 2, 3, 1] }),
      ],
      shapes: { u: [1, 4, 2, 2], s: [1, 4, 2, 2], c: [1, 3, 2, 2], p: [1, 2, 2, 3] },
    });
    const codes = [1, 2, 3, 4, 5, 6, 7, 8];
    const value = await execute(graph, plan({ x: 127, u: 127, s: 127, c: 127, p: 127 }), { x: codes });
    expect(value('u')).toEqual([1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6, 7, 8, 7, 8]);
    expect(value('s')).toEqual([1, 2, 1, 2, 5, 6, 5, 6, 3, 4, 3, 4, 7, 8, 7, 8]);
    expect(value('p')).toEqual([5, 3, 7, 6, 4, 8, 5, 3, 7, 6, 4, 8]);
  });
});

describe('pools', () => {
  const window = (poolSum: readonly number[], type: string) =>
    network({
      inputs: { x: [1, 1, 3, 3] },
      ops: [
        op(type, 'y', ['x'], {
          kernelShape: [3, 3],
          strides: [1, 1],
          pads: [0, 0, 0, 0],
          isAdaptive: false,
          padValue: 0,
          countIncludePad: true,
          keepdims: true,
        }),
      ],
      shapes: { y: [1, 1, 1, 1] },
      weights: {},
      outputs: poolSum.length ? ['y'] : [],
    });
  it.each([
    [[100, 100, 100, 100, 100, 0, 0, 0, 0], 63],
    [[-101, -101, -101, -101, -101, 0, 0, 0, 0], -64],
  ])('average of %j → %i', async (codes, expected) => {
    const value = await execute(window(codes, 'top.AvgPool'), plan({ x: 4, y: 3.5 }), { x: reals(codes, 4) });
    expect(value('y')).toEqual([expected]);
  });
  it('maximum', async () => {
    const codes = [-100, -7, -9, -120, -8, -20, -3, -4, -5];
    const value = await execute(window(codes, 'top.MaxPool'), plan({ x: 4, y: 4 }), { x: reals(codes, 4) });
    expect(value('y')).toEqual([-3]);
  });
});

describe('softmax over channels (numerics.md 7.7)', () => {
  it('works on codes', async () => {
    const graph = network({
      inputs: { x: [1, 4] },
      ops: [op('top.Softmax', 'y', ['x'], { axis: 1, log: false, beta: 1 })],
      shapes: { y: [1, 4] },
    });
    const value = await execute(graph, plan({ x: 10, y: [1, 0] }), { x: reals([127, 100, 64, -20], 10) });
    expect(value('y')).toEqual([226, 27, 2, 0]);
  });
});

describe('a product (numerics.md 7.2)', () => {
  const attributes = {
    rightTranspose: false,
    leftTranspose: false,
    outputTranspose: false,
    hdimIsBatch: false,
    keepDims: true,
  };
  it('of an activation and weights', async () => {
    const graph = network({
      inputs: { x: [2, 3] },
      ops: [op('top.MatMul', 'y', ['x', 'w', 'b'], attributes)],
      shapes: { y: [2, 1] },
      weights: {
        w: [
          [3, 1],
          [0.8, -0.4, 0.05],
        ],
        b: [[1], [0.25]],
      },
    });
    const value = await execute(graph, plan({ x: 4, y: 10 }), { x: reals([100, -50, 20, -128, 127, 3], 4) });
    // acc 16010 + 1260 and −24233 + 1260, times 2705491 / 2^30.
    expect(value('y')).toEqual([44, -58]);
  });
  it('of two activations', async () => {
    const graph = network({
      inputs: { a: [1, 2, 2], b: [1, 2, 2] },
      ops: [op('top.MatMul', 'y', ['a', 'b', null], { ...attributes, rightTranspose: true })],
      shapes: { y: [1, 2, 2] },
    });
    const value = await execute(graph, plan({ a: 127, b: 127, y: 1270 }), { a: [1, 2, 3, 4], b: [10, 20, 30, 40] });
    // [1 2; 3 4] · [10 30; 20 40] = [50 110; 110 250], a tenth, half up.
    expect(value('y')).toEqual([5, 11, 11, 25]);
  });
});

describe('casts of 16-bit operators (numerics.md 6.2)', () => {
  it('quantize with a binary16 scale', async () => {
    const graph = network({
      inputs: { x: [1, 3] },
      ops: [op('top.Clip', 'c', ['x'], { min: -10, max: 10 }), op('top.Relu', 'y', ['c'], { reluLimit: -1 })],
      shapes: { c: [1, 3], y: [1, 3] },
    });
    const value = await execute(graph, plan({ x: 2.5, c: 2.5, y: 2.5 }), { x: [0.0098425, 1, -0.5] });
    // Clip runs in F16: 1/S becomes 50.8125 and 0.0098425 · 50.8125 rounds to 0.5.
    expect(value('cy_si8')).toEqual([1, 51, -25]);
    expect(value('xc_f16')[0]).toBe(0.0098419189453125);
  });
});

describe('16-bit outputs (numerics.md 4.3, 5)', () => {
  const attributes = {
    rightTranspose: false,
    leftTranspose: false,
    outputTranspose: false,
    hdimIsBatch: false,
    keepDims: true,
  };
  const graph = network({
    inputs: { x: [1, 2], z: [1, 1] },
    ops: [op('top.MatMul', 'm', ['x', 'w', null], attributes), op('top.Add', 'y', ['m', 'z'], {})],
    shapes: { m: [1, 1], y: [1, 1] },
    weights: {
      w: [
        [2, 1],
        [1, 0.5],
      ],
    },
  });
  const float = new Map([['y', { precision: 'F16', reason: { code: 'user', rule: 'test' } }]] as const);

  it('come from a product that a float sum reads', async () => {
    const value = await execute(graph, plan({ x: 127, z: 1, m: 10, y: 10 }, { ops: float }), { x: [5, 2], z: [0.5] });
    // acc 5·127 + 2·64 = 763 at scale 1/127, to the scale 10/127·255/65535.
    const scale = 0.0003063819357210699;
    expect(value('m')).toEqual([Math.round(763 / 127 / scale)]);
    expect(value('y')[0]).toBeCloseTo(6.508, 2);
  });
  it('stay 8-bit where an INT8 operator reads them', async () => {
    const value = await execute(graph, plan({ x: 127, z: 1, m: 10, y: 10 }), { x: [5, 2], z: [0.5] });
    expect(value('m')).toEqual([76]);
  });
  it('have an unsigned form', async () => {
    const ops = [op('top.MatMul', 'm', ['x', 'w', null], { ...attributes, doRelu: true }), graph.ops.at(-1)!];
    const unsigned = { ...graph, ops: [...graph.ops.slice(0, 2), ...ops] } as typeof graph;
    const table = plan({ x: 127, z: 1, m: [10, 0], y: 10 }, { ops: float });
    const value = await execute(unsigned, table, { x: [5, 2], z: [0.5] });
    expect(value('m')).toEqual([Math.round(763 / 127 / (10 / 65535))]);
  });
});
