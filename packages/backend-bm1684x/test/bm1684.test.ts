import { type Graph, type OpPlan, type Plan, parseMlir, printMlir, saturate } from '@q/ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { int8Codes } from '../src/bm1684/codes.ts';
import { reciprocalOf } from '../src/bm1684/pooling.ts';
import { bm168x } from '../src/index.ts';
import { execute, reals } from './execute.ts';
import { CONV_1X1, network, op, plan as planFor } from './networks.ts';

const image = (channels: number, size = 1) => [1, channels, size, size] as const;
const plan = (thresholds: Parameters<typeof planFor>[0], options: Partial<Plan> = {}): Plan =>
  planFor(thresholds, { processor: 'bm1684', ...options });
const asFloat: OpPlan = { precision: 'F16', reason: { code: 'user', rule: 'test' } };

const attributesOf = (lowered: Graph, name: string) =>
  lowered.ops.find((candidate) => candidate.name === name)!.attributes as Readonly<Record<string, unknown>>;

describe('a convolution with a fused Relu (numerics.md 16, BM1684 column)', () => {
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
  const table = plan({ in: 2, y: [3, 0] });

  it('has one shift, i8 weights and an i16 bias', () => {
    const lowered = bm168x.lower(graph, table);
    expect(attributesOf(lowered, 'y')).toMatchObject({ quantMode: 'OnlyShift', rshift: [7], doRelu: true });
    expect(lowered.weights.get('y_filter_int8')).toEqual({
      type: { shape: [1, 3, 1, 1], dtype: 'i8', spelling: 'i8' },
      data: Int8Array.of(86, -43, 17),
    });
    expect(lowered.weights.get('y_bias_int16')).toEqual({
      type: { shape: [1], dtype: 'i16' },
      data: Int16Array.of(3264),
    });
  });

  it.each([
    [[100, -50, 20], 112],
    [[-100, 50, 20], 0],
    [[127, -128, 127], 171],
    [[1, 0, 0], 26],
  ])('%j → %i', async (codes, expected) => {
    const value = await execute(graph, table, { in: reals(codes, 2) });
    expect(value('iny_si8')).toEqual(codes);
    expect(value('y')).toEqual([expected]);
  });

  it('runs in F32 when the plan says any float type, when strides are long, and when a weight is too large', () => {
    const dtypeOf = (lowered: Graph) => lowered.values.get('y')!.dtype;
    expect(dtypeOf(bm168x.lower(graph, { ...table, ops: new Map([['y', asFloat]]) }))).toBe('f32');
    const far = network({
      inputs: { in: image(1, 20) },
      ops: [op('top.Conv', 'y', ['in', 'w', null], { ...CONV_1X1, strides: [16, 16] })],
      shapes: { y: image(1, 2) },
      weights: { w: [[1, 1, 1, 1], [1]] },
    });
    expect(dtypeOf(bm168x.lower(far, table))).toBe('f32');
    const large = network({
      inputs: { in: image(1) },
      ops: [op('top.Conv', 'y', ['in', 'w', null], CONV_1X1)],
      shapes: { y: image(1) },
      weights: { w: [[1, 1, 1, 1], [200]] },
    });
    expect(dtypeOf(bm168x.lower(large, plan({ in: 2, y: 2 })))).toBe('f32');
  });

  it('gives way to biases that overflow 16 bits', () => {
    const heavy = network({
      inputs: { in: image(1) },
      ops: [op('top.Conv', 'y', ['in', 'w', 'b'], CONV_1X1)],
      shapes: { y: image(1) },
      weights: { w: [[1, 1, 1, 1], [0.01]], b: [[1], [40]] },
    });
    // The weight alone asks for a shift of 13: 40 · 2^13 · 127/3 needs 24 bits; 40 · 2^4 · 127/3 = 27093 fits.
    const lowered = bm168x.lower(heavy, plan({ in: 2, y: 3 }));
    expect(attributesOf(lowered, 'y').rshift).toEqual([4]);
    expect(lowered.weights.get('y_bias_int16')!.data).toEqual(Int16Array.of(27093));
  });
});

describe('a deconvolution', () => {
  it('shifts half up and saturates as signed codes even where the result is unsigned', async () => {
    const window = {
      kernelShape: [1, 1],
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      dilations: [1, 1],
      group: 1,
      dynweightReordered: false,
      doRelu: true,
    };
    const graph = network({
      inputs: { in: [4, 1, 1, 1] },
      ops: [op('top.Deconv', 'y', ['in', 'w', null], window)],
      shapes: { y: [4, 1, 1, 1] },
      weights: { w: [[1, 1, 1, 1], [1]] },
    });
    const value = await execute(graph, plan({ in: 127, y: [255, 0] }), { in: [100, -100, 127, 1] });
    expect(value('y')).toEqual([100, 0, 127, 1]);
    const twice = await execute(graph, plan({ in: 127, y: [127.5, 0] }), { in: [100, -100, 63, 1] });
    // At scale 0.5 a code of 200 would be right.
    expect(twice('y')).toEqual([127, 0, 126, 2]);
  });
});

describe('element-wise operators', () => {
  const pair = (type: string, attributes = {}) =>
    network({
      inputs: { a: [1, 1, 1, 1], b: [1, 1, 1, 1] },
      ops: [op(type, 'y', ['a', 'b'], attributes)],
      shapes: { y: [1, 1, 1, 1] },
    });

  // numerics.md 9.3: multipliers (85, 8) and (107, 7) as on BM1684X.
  it.each([
    [[100, 50], 75],
    [[-100, 50], 9],
    [[127, 127], 127],
    [[3, -2], -1],
    [[1, 1], 1],
  ] as const)('Add %j → %i', async ([a, b], expected) => {
    const graph = pair('top.Add');
    const table = plan({ a: 2, b: 5, y: 6 });
    expect(attributesOf(bm168x.lower(graph, table), 'y')).toMatchObject({ multipliers: [85, 107], rshifts: [8, 7] });
    const value = await execute(graph, table, { a: reals([a], 2), b: reals([b], 5) });
    expect(value('y')).toEqual([expected]);
  });

  it('gives the 16-bit code of a constant to AddConst and SubConst', async () => {
    const single = (type: string, attributes: object) =>
      network({ inputs: { x: [1, 3] }, ops: [op(type, 'y', ['x'], attributes)], shapes: { y: [1, 3] } });
    const table = plan({ x: 2, y: 3 });
    const feeds = { x: reals([10, -60, 127], 2) };
    const add = single('top.AddConst', { constVal: 0.4 });
    // E(1, 2/127, 3/127) = 7, f32(2^7 · 2/3) = 85.33 → 85, 0.4 · 2^7 · 127/3 = 2167.5 → 2167 in f32.
    expect(attributesOf(bm168x.lower(add, table), 'y')).toMatchObject({ multiplier: 85, rshift: 7, constVal: 2167 });
    expect((await execute(add, table, feeds))('y')).toEqual([24, -23, 101]);
    const sub = single('top.SubConst', { constVal: 0.4, isReverse: false });
    expect((await execute(sub, table, feeds))('y')).toEqual([-10, -57, 67]);
  });

  it('keeps MulConst, with the constant in the multiplier', async () => {
    const graph = network({
      inputs: { x: [1, 3] },
      ops: [op('top.MulConst', 'y', ['x'], { constVal: 0.1 })],
      shapes: { y: [1, 3] },
    });
    // Propagation gives the result a tenth of the operand's range: 64 / 2^6.
    const lowered = bm168x.lower(graph, plan({ x: 2, y: 5 }));
    expect(attributesOf(lowered, 'y')).toMatchObject({ constVal: 1, multiplier: 64, rshift: 6 });
    expect((await execute(graph, plan({ x: 2, y: 5 }), { x: reals([7, -128, 127], 2) }))('y')).toEqual([7, -128, 127]);
  });

  it('compares before the shift in MaxConst and MinConst', async () => {
    const graph = network({
      inputs: { x: [1, 3] },
      ops: [op('top.MaxConst', 'm', ['x'], { constVal: 0.5 }), op('top.MinConst', 'y', ['m'], { constVal: 1 })],
      shapes: { m: [1, 3], y: [1, 3] },
    });
    const lowered = bm168x.lower(graph, plan({ x: 2, m: 2, y: 2 }));
    expect(attributesOf(lowered, 'm')).toMatchObject({ multiplier: 64, rshift: 6, constVal: 2032 });
    const value = await execute(graph, plan({ x: 2, m: 2, y: 2 }), { x: reals([-100, 50, 120], 2) });
    expect(value('m')).toEqual([32, 50, 120]);
    expect(value('y')).toEqual([32, 50, 64]);
  });
});

describe('a Scale (numerics.md 8)', () => {
  it('is not merged, saturates to 16 bits and shifts without rounding', async () => {
    const graph = network({
      inputs: { x: [1, 1, 1, 3] },
      ops: [op('top.Scale', 'y', ['x', 's', 'b'])],
      shapes: { y: [1, 1, 1, 3] },
      weights: { s: [[1], [0.7]], b: [[1], [0.2]] },
    });
    const lowered = bm168x.lower(graph, plan({ x: 2, y: 3 }));
    expect(lowered.weights.get('y_scale_int8')!.data).toEqual(Int8Array.of(119));
    expect(lowered.weights.get('y_bias_int16')!.data).toEqual(Int16Array.of(2295));
    expect(lowered.weights.get('y_lshift_i8')!.data).toEqual(Int8Array.of(-8));
    const value = await execute(graph, plan({ x: 2, y: 3 }), { x: reals([10, -60, 127], 2) });
    expect(value('y')).toEqual([13, -19, 68]);
  });
});

describe('an average', () => {
  it.each([
    [1, 1, 0],
    [2, 1, 1],
    [3, 171, 9],
    [4, 1, 2],
    [9, 57, 9],
    [16, 1, 4],
    [49, 167, 13],
    [100, 41, 12],
    [225, 73, 14],
  ])('of %i has the factor %i / 2^%i', (area, multiplier, rshift) => {
    expect(reciprocalOf(area)).toEqual({ multiplier, rshift });
  });

  it('shares the scale of its operand (numerics.md 9.3)', async () => {
    const pool = {
      kernelShape: [3, 3],
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      ceilMode: false,
      padValue: 0,
      isAdaptive: false,
      countIncludePad: true,
      keepdims: true,
      autoPad: undefined,
      roundMode: 'HalfAwayFromZero',
      firstRoundMode: 'HalfAwayFromZero',
    };
    const graph = network({
      inputs: { x: [1, 2, 3, 3] },
      ops: [op('top.AvgPool', 'y', ['x'], pool)],
      shapes: { y: [1, 2, 1, 1] },
    });
    const codes = [60, 60, 60, 60, 60, 50, 50, 50, 50, -57, -56, -56, -56, -56, -56, -56, -56, -56];
    const value = await execute(graph, plan({ x: 4, y: 3.5 }), { x: reals(codes, 4) });
    expect(value('y')).toEqual([56, -56]);
  });
});

describe('tables', () => {
  const unary = (type: string, attributes: object) =>
    network({ inputs: { x: [1, 5] }, ops: [op(type, 'y', ['x'], attributes)], shapes: { y: [1, 5] } });

  it('are stored in 32 bits and give the codes of BM1684X', async () => {
    const graph = unary('top.Sigmoid', { log: false, scale: 1, bias: 0, roundMode: 'HalfAwayFromZero' });
    const table = plan({ x: 8, y: 1 });
    const stored = bm168x.lower(graph, table).weights.get('y_table')!;
    expect(stored.type.dtype).toBe('u32');
    expect(stored.data).toBeInstanceOf(Uint32Array);
    const value = await execute(graph, table, { x: reals([-64, -1, 0, 16, 127], 8) });
    expect(value('y')).toEqual([4, 123, 128, 187, 255]);
  });

  it('use the tanh form of GELU whatever the mode', () => {
    // Recorded with TPU-MLIR v1.17 and v1.30.2: entries that the erf form misses follow from this form.
    const graph = unary('top.GELU', { approxMode: 'normal' });
    const entries = bm168x.lower(graph, plan({ x: 4, y: 4 })).weights.get('y_table')!;
    expect(entries.type).toEqual({ shape: [1, 1, 1, 256], dtype: 'i32', spelling: 'si32' });
    const tanhForm = (x: number) => 0.5 * x * (1 + Math.tanh(0.7978845608 * (x + 0.044715 * x ** 3)));
    for (const code of [-128, -90, -64, -32, -1, 0, 1, 32, 64, 127]) {
      const expected = Math.round((tanhForm((code * 4) / 127) * 127) / 4);
      expect(entries.data[code & 255], `${code}`).toBe(expected === 0 ? 0 : expected);
    }
  });
});

describe('matrix products', () => {
  const product = (left: readonly number[], weight: boolean) =>
    network({
      inputs: weight ? { x: left } : { x: left, w: [2, 1] },
      ops: [
        op('top.MatMul', 'y', ['x', 'w', null], {
          rightTranspose: false,
          leftTranspose: false,
          outputTranspose: false,
          hdimIsBatch: false,
          keepDims: true,
        }),
      ],
      shapes: { y: [...left.slice(0, -1), 1] },
      weights: weight
        ? {
            w: [
              [2, 1],
              [0.5, -0.25],
            ],
          }
        : {},
    });
  const table = plan({ x: 2, y: 3, w: 1 });

  it('are integers when all rows are in the first dimension', async () => {
    const lowered = bm168x.lower(product([3, 2], true), table);
    expect(attributesOf(lowered, 'y')).toMatchObject({ multipliers: [1], rshifts: [8], quantMode: 'MultiplierShift' });
    // f32(2^8 · 2/3) = 170.67: 0.5 → 85, −0.25 → −43.
    expect(lowered.weights.get('y_filter_int8')!.data).toEqual(Int8Array.of(85, -43));
    const value = await execute(product([3, 2], true), table, { x: reals([100, 0, 0, 3, 127, -128], 2) });
    // 8500, −129 and 16299 over 256, half up.
    expect(value('y')).toEqual([33, -1, 64]);
  });

  it('run in F32 when rows are elsewhere, or the right operand is computed', () => {
    expect(bm168x.lower(product([1, 3, 2], true), table).values.get('y')!.dtype).toBe('f32');
    expect(bm168x.lower(product([3, 2], false), table).values.get('y')!.dtype).toBe('f32');
  });
});

describe('the target', () => {
  it('names its float type and what has no integer form', () => {
    expect(bm168x.processors).toContain('bm1684');
    expect(bm168x.floatType('bm1684')).toBe('F32');
    expect(bm168x.precisions(op('top.Conv', 'c', []), 'bm1684')).toEqual(['INT8', 'F32']);
    expect(bm168x.precisions(op('top.Softmax', 's', []), 'bm1684')).toEqual(['F32']);
    expect(bm168x.precisions(op('top.Erf', 'e', []), 'bm1684')).toEqual([]);
  });

  const relu = network({ inputs: { x: [1, 2] }, ops: [op('top.Erf', 'y', ['x'])], shapes: { y: [1, 2] } });

  it('refuses by name an operator that bm1684 has no definition for', () => {
    expect(() => bm168x.lower(relu, plan({ x: 1, y: 1 }))).toThrowError(
      expect.objectContaining({ code: 'lower.unsupported-operator', where: 'top.Erf y' }),
    );
  });

  it.each([
    [{ precision: 'F16' }, 'lower.plan.precision'],
    [{ precision: 'W4F16' }, 'lower.plan.precision'],
    [{ asymmetric: true }, 'lower.plan.asymmetric'],
    [{ options: { matmulPerChannel: true } }, 'lower.plan.option'],
  ] as const)('refuses %j', (options, code) => {
    expect(() => bm168x.lower(relu, plan({ x: 1, y: 1 }, options as Partial<Plan>))).toThrowError(
      expect.objectContaining({ code }),
    );
  });

  it('splits Clip and Pow into the operators that bm1684 has in F32', () => {
    const graph = network({
      inputs: { x: [1, 2] },
      ops: [op('top.Clip', 'c', ['x'], { min: 0, max: 6 }), op('top.Pow', 'y', ['c'], { exponent: 2 })],
      shapes: { c: [1, 2], y: [1, 2] },
    });
    const lowered = bm168x.lower(graph, plan({}, { precision: 'F32' }));
    expect(lowered.ops.map(({ type, name }) => `${type} ${name}`)).toEqual([
      'top.Input x',
      'tpu.MaxConst c_max',
      'tpu.MinConst c',
      'tpu.Active y_log',
      'tpu.MulConst y_mul',
      'tpu.Active y',
    ]);
  });

  it('prints the absent operand of a Reshape, and parses what it prints', () => {
    const graph = network({
      inputs: { x: [1, 4] },
      ops: [
        op('top.Reshape', 'r', ['x', null], { shape: [2, 2], flattenStartDim: -1 }),
        op('top.Sigmoid', 'y', ['r'], { log: false, scale: 1, bias: 0, roundMode: 'HalfAwayFromZero' }),
      ],
      shapes: { r: [2, 2], y: [2, 2] },
    });
    const lowered = bm168x.lower(graph, plan({ x: 1, r: 1, y: 1 }));
    const { text, weights } = printMlir(lowered, { weightFile: 'w.npz' });
    expect(text).toMatch(/"tpu.Reshape"\(%\d+, %0\)/);
    expect(text).toContain('tensor<1x1x1x256xui32>');
    const parsed = parseMlir(text, weights);
    expect(printMlir(parsed, { weightFile: 'w.npz' }).text).toBe(text);
  });
});

describe('codes of weights', () => {
  it('are f32 products rounded half away and saturated', () => {
    const special = [
      0.5,
      -0.5,
      1.5,
      -1.5,
      0.49999997,
      126.5,
      127.5,
      -127.5,
      -128.5,
      1e9,
      -1e9,
      Infinity,
      -Infinity,
      NaN,
    ];
    const values = fc.array(fc.oneof(fc.constantFrom(...special), fc.float()), { maxLength: 20 });
    fc.assert(
      fc.property(values, fc.constantFrom(1, 0.3, 2 ** 8 / 3, 1e-3), (reals, scale) => {
        const factor = Math.fround(scale);
        const expected = reals.map((real) => saturate(Math.fround(real * factor), 'i8'));
        expect([...int8Codes(Float32Array.from(reals), factor)]).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe('random convolutions', () => {
  it('are within half a unit of the real sum of the codes’ reals, and never out of range', async () => {
    const codes = fc.array(fc.integer({ min: -128, max: 127 }), { minLength: 4, maxLength: 4 });
    const weights = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(codes, weights, async (x, w) => {
        fc.pre(w.some((value) => Math.abs(value) > 0.05));
        const graph = network({
          inputs: { in: image(4) },
          ops: [op('top.Conv', 'y', ['in', 'w', null], CONV_1X1)],
          shapes: { y: image(1) },
          weights: { w: [[1, 4, 1, 1], w] },
        });
        const table = plan({ in: 2, y: 3 });
        const lowered = bm168x.lower(graph, table);
        const [rshift] = attributesOf(lowered, 'y').rshift as [number];
        const filter = lowered.weights.get('y_filter_int8')!.data as Int8Array;
        const sum = x.reduce((total, code, index) => total + code * filter[index]!, 0);
        const expected = Math.min(Math.max(Math.floor(sum / 2 ** rshift + 0.5), -128), 127);
        expect((await execute(graph, table, { in: reals(x, 2) }))('y')).toEqual([expected]);
      }),
      { numRuns: 60 },
    );
  });
});
