import { operatorTable, type Plan, printMlir, type QError } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { bm168x } from '../src/index.ts';
import { CONV_1X1, network, op, plan } from './networks.ts';

const conv = network({
  inputs: { in: [1, 3, 4, 4] },
  ops: [
    op('top.Conv', 'relu_Relu', ['in', 'w', 'b'], { ...CONV_1X1, doRelu: true }),
    op('top.MaxPool', 'pool_MaxPool', ['relu_Relu'], {
      kernelShape: [2, 2],
      strides: [2, 2],
      pads: [0, 0, 0, 0],
      isAdaptive: false,
      padValue: 0,
      countIncludePad: false,
      keepdims: true,
    }),
  ],
  shapes: { relu_Relu: [1, 1, 4, 4], pool_MaxPool: [1, 1, 2, 2] },
  weights: {
    w: [
      [1, 3, 1, 1],
      [0.5, -0.25, 0.1],
    ],
    b: [[1], [0.3]],
  },
});
const convPlan = plan({ in: 2, relu_Relu: [3, 0], pool_MaxPool: [3, 0] });

describe('a convolution with a fused Relu (numerics.md 14, 16)', () => {
  const lowered = bm168x.lower(conv, convPlan);

  it('prints as the documented module', () => {
    const { text, weights } = printMlir(lowered, { weightFile: 'toy_bm1684x_int8_sym_tpu_weights.npz' });
    for (const expected of [
      '{round_mode = #tpu<round_mode HalfAwayFromZero>, with_scale = true} : (tensor<1x3x4x4x!quant.calibrated<f32<-2.000000e+00:2.000000e+00>>>) -> tensor<1x3x4x4x!quant.uniform<i8:f32, 0.015748031496062992>> loc(#loc2)',
      'multiplier = [2829315]',
      'quant_mode = #tpu<rq_mode MultiplierShift>',
      'rshift = [29]',
      'with_bias = true} : (tensor<1x3x4x4x!quant.uniform<i8:f32, 0.015748031496062992>>, tensor<1x3x1x1xsi8>, tensor<1x1x1x1xi32>) -> tensor<1x1x4x4x!quant.uniform<u8:f32, 0.011764705882352941>> loc(#loc5)',
      'pool_mode = #tpu<pool_mode Max>',
      ') -> tensor<1x1x2x2xf32> loc(#loc7)',
      '#loc2 = loc("inrelu_Relu_si8")',
      '#loc3 = loc("relu_Relu_filter_i8")',
      '#loc4 = loc("relu_Relu_bias_int32")',
      '#loc7 = loc("pool_MaxPool_f32")',
      'module.chip = "bm1684x"',
      'module.mode = "INT8"',
      'module.state = "TPU_LOWERED"',
    ])
      expect(text).toContain(expected);
    expect(weights.get('relu_Relu_filter_i8')).toEqual({
      shape: [1, 3, 1, 1],
      dtype: 'i8',
      data: Int8Array.of(127, -64, 25),
    });
    expect(weights.get('relu_Relu_bias_int32')!.data).toEqual(Int32Array.of(4839));
  });

  it('names its files as model_deploy does', () => {
    expect(bm168x.artefacts(lowered, convPlan).map(({ name }) => name)).toEqual([
      'toy_bm1684x_int8_sym_tpu.mlir',
      'toy_bm1684x_int8_sym_tpu_weights.npz',
    ]);
  });

  it('is pure', () => {
    const before = structuredClone({ ops: conv.ops, values: conv.values, outputs: conv.outputs });
    bm168x.lower(conv, convPlan);
    expect({ ops: conv.ops, values: conv.values, outputs: conv.outputs }).toEqual(before);
  });

  it('only uses rows and attributes of the operator table', () => {
    for (const lower of lowered.ops) {
      if (lower.type === 'unknown') throw new Error(lower.name);
      expect(Object.keys(operatorTable[lower.type].attributes)).toEqual(
        expect.arrayContaining(Object.keys(lower.attributes)),
      );
    }
  });
});

describe('weights', () => {
  const codes = (w: readonly number[], bias?: number) => {
    const graph = network({
      inputs: { in: [1, w.length, 1, 1] },
      ops: [op('top.Conv', 'y', ['in', 'w', bias === undefined ? null : 'b'], CONV_1X1)],
      shapes: { y: [1, 1, 1, 1] },
      weights: { w: [[1, w.length, 1, 1], w], ...(bias === undefined ? {} : { b: [[1], [bias]] as const }) },
    });
    const lowered = bm168x.lower(graph, plan({ in: 2, y: 3 }));
    const [filter] = [...lowered.weights].filter(([name]) => name.includes('filter'));
    return { type: filter![1].type.dtype, codes: Array.from(filter![1].data as Int8Array) };
  };

  it('are unsigned without bias when none is negative', () => {
    expect(codes([0.51, 0.25])).toEqual({ type: 'u8', codes: [255, 125] });
    expect(codes([0.51, 0.25], 0.1).type).toBe('i8');
  });
  it('keep their values when they are integers over a power of two', () => {
    expect(codes([0.5, -0.25, 2])).toEqual({ type: 'i8', codes: [2, -1, 8] });
    expect(codes([200, 3])).toEqual({ type: 'u8', codes: [200, 3] });
  });
  it('have a smallest scale', () => {
    expect(codes([1e-9, -1e-9]).codes).toEqual([0, 0]);
  });
});

describe('a product (numerics.md 7.2)', () => {
  const graph = network({
    inputs: { in: [1, 3] },
    ops: [
      op('top.MatMul', 'y', ['in', 'w', 'b'], {
        rightTranspose: false,
        leftTranspose: false,
        outputTranspose: false,
        hdimIsBatch: false,
        keepDims: true,
      }),
    ],
    shapes: { y: [1, 1] },
    weights: {
      w: [
        [3, 1],
        [0.8, -0.4, 0.05],
      ],
      b: [[1], [0.25]],
    },
  });
  it('has one scale for all weights', () => {
    const lowered = bm168x.lower(graph, plan({ in: 4, y: 10 }));
    expect(lowered.weights.get('y_filter_int8')!.data).toEqual(Int8Array.of(127, -63, 8));
    expect(lowered.weights.get('y_bias_int32')!.data).toEqual(Int32Array.of(1260));
    expect(lowered.ops.find((o) => o.type === 'tpu.MatMul')!.attributes).toMatchObject({
      multipliers: [2705491],
      rshifts: [30],
    });
  });
});

describe('mixed precision', () => {
  const chain = network({
    inputs: { in: [1, 3, 2, 2] },
    ops: [
      op('top.Relu', 'a', ['in'], { reluLimit: -1 }),
      op('top.SiLU', 'b', ['a']),
      op('top.Relu', 'c', ['b'], { reluLimit: -1 }),
    ],
    shapes: { a: [1, 3, 2, 2], b: [1, 3, 2, 2], c: [1, 3, 2, 2] },
  });
  const table = plan({ in: 4, a: [4, 0], b: 4, c: [4, 0] });

  it('casts at the boundaries and names the casts after value and user', () => {
    const mixed = {
      ...table,
      ops: new Map([['b', { precision: 'F32', reason: { code: 'user', rule: 'test' } }]] as const),
    };
    const lowered = bm168x.lower(chain, mixed);
    expect(lowered.ops.map(({ name, type }) => `${type} ${name}`)).toEqual([
      'top.Input in',
      'tpu.Cast ina_ui8',
      'tpu.Relu a',
      'tpu.Cast ab_f32',
      'tpu.Active b',
      'tpu.Cast bc_ui8',
      'tpu.Relu c',
      'tpu.Cast c_f32',
    ]);
    expect(bm168x.artefacts(lowered, mixed).map(({ name }) => name)[1]).toBe(
      'toy_bm1684x_int8_sym_tpu_qtable_weights.npz',
    );
  });

  it('runs all of it in F16 without calibration', () => {
    const lowered = bm168x.lower(chain, plan({}, { precision: 'F16' }));
    // SiLU has no F16 form on bm1684x.
    expect(lowered.ops.map(({ name, type }) => `${type} ${name}`)).toEqual([
      'top.Input in',
      'tpu.Cast ina_f16',
      'tpu.Relu a',
      'tpu.Cast ab_f32',
      'tpu.Active b',
      'tpu.Cast bc_f16',
      'tpu.Relu c',
      'tpu.Cast c_f32',
    ]);
    expect(lowered.values.get('c')).toEqual({ shape: [1, 3, 2, 2], dtype: 'f16' });
  });
});

describe('refusals', () => {
  const refusal = (run: () => unknown): QError => {
    try {
      run();
    } catch (error) {
      return error as QError;
    }
    throw new Error('nothing was refused');
  };
  it('tells all missing thresholds at once', () => {
    const error = refusal(() => bm168x.lower(conv, plan({ in: 2 })));
    expect(error.code).toBe('lower.threshold-missing');
    expect(error.issues.map(({ where }) => where)).toEqual(['relu_Relu', 'pool_MaxPool']);
    expect(error.hint).toMatch(/quantize table/);
  });
  it('names thresholds that are not positive', () => {
    const error = refusal(() => bm168x.lower(conv, plan({ in: 0, relu_Relu: -1, pool_MaxPool: 1 })));
    expect(error.code).toBe('lower.threshold-invalid');
    expect(error.issues.map(({ where }) => where)).toEqual(['in', 'relu_Relu']);
  });
  const codesOf = (options: Partial<Plan>): readonly string[] =>
    refusal(() => bm168x.lower(conv, plan({ in: 2 }, options))).issues.map(({ code }) => code);
  it('names processors and precisions that are not defined', () => {
    expect(codesOf({ processor: 'bm1699' })).toEqual(['lower.plan.processor']);
    expect(codesOf({ precision: 'UINT8' })).toEqual(['lower.plan.precision']);
    expect(codesOf({ precision: 'INT4' })).toEqual(['lower.plan.precision']);
    expect(refusal(() => bm168x.floatType('k1')).code).toBe('lower.plan.processor');
  });
  it('names options that a processor lacks', () => {
    expect(codesOf({ processor: 'bm1690', options: { matmulPerChannel: true } })).toEqual(['lower.plan.option']);
    expect(codesOf({ precision: 'F16', options: { groupSize: 63 } })).toEqual(['lower.plan.option']);
  });
  it('keeps weight-only precisions of the two 16-bit types apart', () => {
    const ops = new Map([['relu_Relu', { precision: 'W8F16', reason: { code: 'user', rule: 'test' } }]] as const);
    expect(codesOf({ precision: 'BF16', ops })).toEqual(['lower.plan.precision']);
  });
  it('names every operator without definition', () => {
    const graph = network({
      inputs: { in: [1, 2, 2, 2] },
      ops: [op('top.NonZero', 'a', ['in'], { order: 'RowMajor' }), op('top.Shape', 'b', ['a'])],
      shapes: { a: [1, 2], b: [2] },
    });
    const error = refusal(() => bm168x.lower(graph, plan({ in: 2, a: 1, b: 1 })));
    expect(error.code).toBe('lower.unsupported-operator');
    expect(error.issues.map(({ where }) => where)).toEqual(['top.NonZero a', 'top.Shape b']);
  });
  it('has nothing to calibrate an INT8 network with', () => {
    expect(refusal(() => bm168x.lower(conv, plan({}))).code).toBe('lower.threshold-missing');
  });
});
