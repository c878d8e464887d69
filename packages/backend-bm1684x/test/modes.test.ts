import type { Graph, Plan, Precision, QEvent } from '@q/ir';
import { parseMlir, printMlir } from '@q/ir';
import { createSession } from '@q/runtime';
import { describe, expect, it } from 'vitest';
import { bm168x } from '../src/index.ts';
import { CONV_1X1, network, op, plan } from './networks.ts';

/** Bounds of the values of `graph`, not symmetric. */
function observed(bounds: Readonly<Record<string, readonly [number, number]>>, options: Partial<Plan> = {}): Plan {
  const values = Object.entries(bounds).map(
    ([name, [min, max]]) => [name, { threshold: Math.max(-min, max), min, max }] as const,
  );
  return plan({}, { values: new Map(values), ...options });
}

const MAT_MUL = {
  rightTranspose: false,
  leftTranspose: false,
  outputTranspose: false,
  hdimIsBatch: false,
  keepDims: true,
};
const POOL = { padValue: 0, isAdaptive: false, countIncludePad: true, keepdims: true };
const typesOf = (graph: Graph): string[] => graph.ops.map(({ type, name }) => `${type} ${name}`);
const weight = (graph: Graph, name: string): number[] => Array.from(graph.weights.get(name)!.data as ArrayLike<number>);

describe('asymmetric INT8 (numerics.md 5, 7)', () => {
  const asymmetric = { asymmetric: true };
  it('takes the input zero point off in the bias of a convolution', () => {
    const graph = network({
      inputs: { in: [1, 3, 1, 1] },
      ops: [op('top.Conv', 'y', ['in', 'w', 'b'], CONV_1X1)],
      shapes: { y: [1, 1, 1, 1] },
      weights: {
        w: [
          [1, 3, 1, 1],
          [0.5, -0.25, 0.1],
        ],
        b: [[1], [0.3]],
      },
    });
    const lowered = bm168x.lower(graph, observed({ in: [-1, 3], y: [-0.3, 6] }, asymmetric));
    expect(lowered.values.get('iny_si8')!.quantization).toMatchObject({ scale: 4 / 255, zeroPoint: -64 });
    expect(lowered.values.get('y')!.quantization).toMatchObject({ scale: 6.3 / 255, zeroPoint: -116 });
    const Sw = Math.fround(0.5 / 127);
    expect(weight(lowered, 'y_bias_int32')).toEqual([
      Math.round(Math.fround(0.3) / (Sw * (4 / 255)) + 64 * (127 - 64 + 25)),
    ]);
  });
  it('adds a bias to products and convolutions that had none', () => {
    const graph = network({
      inputs: { in: [1, 2] },
      ops: [op('top.MatMul', 'y', ['in', 'w', null], MAT_MUL)],
      shapes: { y: [1, 2] },
      weights: {
        w: [
          [2, 2],
          [1, -1, 0.5, 0.25],
        ],
      },
    });
    const lowered = bm168x.lower(graph, observed({ in: [-1, 3], y: [-2, 2] }, asymmetric));
    // Codes 127 −127 / 64 32: 64 · (127 + 64) and 64 · (−127 + 32).
    expect(weight(lowered, 'y_bias_int32')).toEqual([12224, -6080]);
  });
  it('runs in float what has no integer form with zero points', () => {
    const unary = (type: string, attributes: object) => {
      const graph = network({
        inputs: { in: [1, 4] },
        ops: [op(type, 'y', ['in'], attributes)],
        shapes: { y: [1, 4] },
      });
      return bm168x.lower(graph, observed({ in: [-1, 3], y: [-1, 3] }, asymmetric)).values.get('y')!.dtype;
    };
    expect(unary('top.Relu', { reluLimit: -1 })).toBe('f32');
    expect(unary('top.LeakyRelu', { alpha: 0.1 })).toBe('f16');
    expect(unary('top.AddConst', { constVal: 1 })).toBe('f16');
    expect(unary('top.MulConst', { constVal: 0.5 })).toBe('i8');
  });
  it('averages with a real factor, where the windows tile the input', () => {
    const graph = (size: number) =>
      network({
        inputs: { in: [1, 1, size, size] },
        ops: [op('top.AvgPool', 'y', ['in'], { ...POOL, kernelShape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] })],
        shapes: { y: [1, 1, 2, 2] },
      });
    const bounds = observed({ in: [-1, 3], y: [-0.5, 3] }, asymmetric);
    const pool = bm168x.lower(graph(4), bounds).ops.find(({ name }) => name === 'y')!;
    const [Si, So] = [4 / 255, 3.5 / 255];
    expect(pool.attributes).toMatchObject({ scale: Si / (4 * So), offset: -92 - (Si / So) * -64 });
    expect(bm168x.lower(graph(5), bounds).values.get('y')!.dtype).toBe('f32');
  });
  it('brings the operands of a concatenation to its parameters by RequantInt', () => {
    const graph = network({
      inputs: { a: [1, 2], b: [1, 2] },
      ops: [op('top.Concat', 'y', ['a', 'b'], { axis: 1, onlyMerge: false }), op('top.Add', 'z', ['a', 'b'], {})],
      shapes: { y: [1, 4], z: [1, 2] },
      outputs: ['y', 'z'],
    });
    const lowered = bm168x.lower(graph, observed({ a: [-1, 3], b: [-1, 1], y: [-1, 3], z: [-2, 4] }, asymmetric));
    expect(typesOf(lowered).filter((name) => name.startsWith('tpu.Requant'))).toEqual(['tpu.RequantInt b_to_y']);
  });
  it("keeps upstream's symmetric tables under asymmetric types, and says so", () => {
    const graph = network({
      inputs: { in: [1, 4] },
      ops: [op('top.HardSwish', 'h', ['in']), op('top.SiLU', 's', ['h'])],
      shapes: { h: [1, 4], s: [1, 4] },
    });
    const events: QEvent[] = [];
    const bounds = observed({ in: [-3, 3], h: [-0.375, 3], s: [-0.25, 3] }, asymmetric);
    const lowered = bm168x.lower(graph, bounds, (event) => events.push(event));
    expect(lowered.values.get('h')!.quantization).toMatchObject({ zeroPoint: -100 });
    // The entry of the highest input code is the highest *symmetric* code; SiLU's table follows its type.
    expect(weight(lowered, 'h_table')[127]).toBe(127);
    expect(weight(lowered, 's_table')[0x80 + 28]).toBe(-108);
    expect(events.map((event) => (event as { code?: string }).code)).toEqual(['lower.asymmetric-tables']);
  });
});

describe('INT4 (numerics.md 13)', () => {
  const four = { processor: 'bm1688', precision: 'INT4' } as const;
  const graph = network({
    inputs: { in: [1, 3, 1, 1] },
    ops: [
      op('top.Conv', 'a', ['in', 'w', null], CONV_1X1),
      op('top.Relu', 'r', ['a'], { reluLimit: -1 }),
      op('top.Conv', 'b', ['r', 'v', null], CONV_1X1),
    ],
    shapes: { a: [1, 1, 1, 1], r: [1, 1, 1, 1], b: [1, 1, 1, 1] },
    weights: {
      w: [
        [1, 3, 1, 1],
        [0.5, -0.25, 0.1],
      ],
      v: [[1, 1, 1, 1], [1.5]],
    },
  });
  it('has weights of seven steps, and 8-bit results of scale 1 without INT4 rows', () => {
    const lowered = bm168x.lower(graph, plan({ in: 2, a: 3, r: [3, 0], b: 4 }, four));
    expect(weight(lowered, 'a_filter_i4')).toEqual([7, -3, 1]);
    expect(lowered.values.get('ina_si4')).toMatchObject({ dtype: 'i4', quantization: { scale: 2 / 7 } });
    expect(lowered.values.get('a')!.quantization).toMatchObject({ scale: 1, zeroPoint: 0 });
    // Unsigned: there is no bias and nothing negative.
    expect(lowered.weights.get('b_filter_u4')!.type.dtype).toBe('u8');
  });
  it('crosses into 4 bits by a requantization where the table has rows for both', () => {
    const row = (threshold: number, min: number, max: number) => ({ threshold, min, max });
    const sections = {
      int4: new Map([
        ['in', row(2, -16 / 7, 2)],
        ['a', row(3, -24 / 7, 3)],
        ['r', row(3, -24 / 7, 3)],
        ['b', row(4, -32 / 7, 4)],
      ]),
      fp8: new Map(),
      asymmetricOps: [],
      int4Ops: [],
      weightScales: new Map(),
    };
    const bounds = observed({ in: [-2, 2], a: [-1.2, 3], r: [0, 3], b: [-4, 4] }, { ...four, sections });
    const lowered = bm168x.lower(graph, bounds);
    expect(typesOf(lowered)).toEqual([
      'top.Input in',
      'tpu.Cast ina_si4',
      'tpu.Conv2D a',
      'tpu.Relu r',
      'tpu.RequantFp r_to_b4_for_b',
      'tpu.Conv2D b',
      'tpu.Cast b_f32',
    ]);
    expect(lowered.values.get('a')!.quantization).toMatchObject({ scale: 0.01647058823529412, zeroPoint: -55 });
    // Only listed operators: now `b` is read as an INT8 operator's result.
    const some = bm168x.lower(graph, { ...bounds, sections: { ...sections, int4Ops: ['a'] } });
    expect(typesOf(some)).not.toContain('tpu.RequantFp r_to_b4_for_b');
  });
  it('makes two forms of a result that both kinds of operators read', () => {
    const both = network({
      inputs: { in: [1, 1, 1, 1] },
      ops: [
        op('top.Conv', 'a', ['in', 'w', null], CONV_1X1),
        op('top.Conv', 'b', ['a', 'w', null], CONV_1X1),
        op('top.Add', 'c', ['a', 'b'], {}),
      ],
      shapes: { a: [1, 1, 1, 1], b: [1, 1, 1, 1], c: [1, 1, 1, 1] },
      weights: { w: [[1, 1, 1, 1], [-0.7]] },
    });
    const lowered = bm168x.lower(both, plan({ in: 2, a: 3, b: 4, c: 5 }, four));
    expect(typesOf(lowered)).toContain('tpu.Conv2D a_int32');
    const inputsOf = (name: string) => lowered.ops.find((found) => found.name === name)!.inputs;
    expect(inputsOf('b')[0]).toBe('requant_int4_for_a');
    expect(inputsOf('c')[0]).toBe('requant_int8_for_a');
    expect(lowered.weights.get('a_w_quant_int4_for_a')!.type.shape).toEqual([1, 1, 1, 1, 2]);
  });
  it('keeps depthwise convolutions in INT8; W4INT8 limits the weights alone', () => {
    const depthwise = network({
      inputs: { in: [1, 2, 1, 1] },
      ops: [op('top.Conv', 'y', ['in', 'w', null], { ...CONV_1X1, group: 2 })],
      shapes: { y: [1, 2, 1, 1] },
      weights: {
        w: [
          [2, 1, 1, 1],
          [0.3, -0.7],
        ],
      },
    });
    expect(weight(bm168x.lower(depthwise, plan({ in: 2, y: 3 }, four)), 'y_filter_i8')).toEqual([127, -127]);
    const limited = bm168x.lower(graph, plan({ in: 2, a: 3, r: [3, 0], b: 4 }, { precision: 'W4INT8' }));
    expect(weight(limited, 'a_filter_i8')).toEqual([7, -3, 1]);
    expect(limited.values.get('a')!.dtype).toBe('u8');
  });
});

describe('integer weights alone (numerics.md 13)', () => {
  const graph = network({
    inputs: { in: [1, 5] },
    ops: [op('top.MatMul', 'y', ['in', 'w', 'b'], { ...MAT_MUL, doRelu: true })],
    shapes: { y: [1, 1] },
    weights: {
      w: [
        [6, 1],
        [-0.3, -0.1, 0, 0.2, 0.5, 0.5],
      ],
      b: [[1], [1]],
    },
  });
  const lowerAs = (precision: Precision, groupSize: number) =>
    bm168x.lower(graph, plan({}, { precision, options: { groupSize } }));
  it('4 bits: minimum to maximum in fifteen steps', () => {
    const lowered = lowerAs('W4F16', 6);
    // Codes 0 4 6 10 15 15, the even one in the low nibble.
    expect(weight(lowered, 'y_uint')).toEqual([0x40, 0xa6, 0xff]);
    expect(weight(lowered, 'y_zp')).toEqual([6]);
    expect(lowered.weights.get('y_scale_f16')!.type.shape).toEqual([1, 1]);
    expect(weight(lowered, 'y_scale_f16')).toEqual([0x2ad4]);
    expect(typesOf(lowered)).toContain('tpu.A16MatMul y_a16matmul');
    expect(typesOf(lowered)).toContain('tpu.Relu y');
  });
  it('8 bits without groups: signed, one scale per column', () => {
    const lowered = lowerAs('W8BF16', 0);
    expect(weight(lowered, 'y_int')).toEqual([-76, -25, 0, 51, 127, 127]);
    expect(lowered.ops.find(({ type }) => type === 'tpu.A16MatMul')!.inputs[3]).toBeNull();
    expect(lowered.weights.get('y_scale_bf16')!.type.dtype).toBe('bf16');
  });
  it('is a plain 16-bit product where groups do not divide the depth', () => {
    expect(typesOf(lowerAs('W4F16', 4))).toContain('tpu.MatMul y');
  });
});

describe('BF16 (numerics.md 12)', () => {
  const typeOf = (type: string, processor: string, attributes: object = {}) => {
    const graph = network({ inputs: { in: [1, 4] }, ops: [op(type, 'y', ['in'], attributes)], shapes: { y: [1, 4] } });
    return bm168x.lower(graph, plan({}, { processor, precision: 'BF16' })).values.get('y')!.dtype;
  };
  it.each([
    ['top.Tanh', 'bm1684x', 'bf16'],
    ['top.Sigmoid', 'bm1684x', 'f32'],
    ['top.SiLU', 'bm1684x', 'f32'],
    ['top.SiLU', 'bm1690', 'bf16'],
    ['top.Erf', 'bm1684x', 'f32'],
    ['top.Erf', 'bm1688', 'bf16'],
    ['top.Sqrt', 'bm1690', 'f32'],
  ])('%s on %s is %s', (type, processor, expected) => {
    expect(typeOf(type, processor)).toBe(expected);
  });
  it('keeps long softmaxes in F32', () => {
    const softmax = (length: number, processor: string) => {
      const graph = network({
        inputs: { in: [1, length] },
        ops: [op('top.Softmax', 'y', ['in'], { axis: -1, log: false, beta: 1 })],
        shapes: { y: [1, length] },
      });
      return bm168x.lower(graph, plan({}, { processor, precision: 'BF16' })).values.get('y')!.dtype;
    };
    expect([softmax(8192, 'bm1684x'), softmax(8193, 'bm1684x'), softmax(8192, 'bm1688')]).toEqual([
      'bf16',
      'f32',
      'f32',
    ]);
  });
});

describe('casts', () => {
  it('between F16 and BF16 pass through F32 on bm1688 and cv186x', () => {
    const graph = network({
      inputs: { in: [1, 4] },
      ops: [op('top.Relu', 'a', ['in'], { reluLimit: -1 }), op('top.Tanh', 'b', ['a'])],
      shapes: { a: [1, 4], b: [1, 4] },
    });
    const ops = new Map([['b', { precision: 'BF16', reason: { code: 'user', rule: 'test' } }]] as const);
    const casts = (processor: string) =>
      typesOf(bm168x.lower(graph, plan({}, { processor, precision: 'F16', ops }))).filter((name) =>
        name.includes(' ab'),
      );
    expect(casts('bm1684x')).toEqual(['tpu.Cast ab_bf16']);
    expect(casts('bm1688')).toEqual(['tpu.Cast ab_f32', 'tpu.Cast ab_bf16']);
  });
  it('around a function become a table of codes', () => {
    const relu = { reluLimit: -1 };
    const graph = network({
      inputs: { in: [1, 4] },
      ops: [op('top.Relu', 'r', ['in'], relu), op('top.Tan', 't', ['r']), op('top.Relu', 'y', ['t'], relu)],
      shapes: { r: [1, 4], t: [1, 4], y: [1, 4] },
    });
    const table = plan({ in: 1, r: 1, t: 1.6, y: 1.6 });
    const lowered = bm168x.lower(graph, table);
    expect(typesOf(lowered)).toEqual([
      'top.Input in',
      'tpu.Cast inr_si8',
      'tpu.Relu r',
      'tpu.Lut ty_si8',
      'tpu.Relu y',
      'tpu.Cast y_f32',
    ]);
    expect(weight(lowered, 'ty_si8_table')[64]).toBe(Math.round(Math.tan(64 / 127) / (1.6 / 127)));
    expect(typesOf(bm168x.lower(graph, { ...table, processor: 'bm1690' }))).toContain('tpu.Active t');
  });
});

describe('options of a whole network', () => {
  const gelu = network({
    inputs: { in: [1, 4] },
    ops: [op('top.GELU', 'y', ['in'], { approxMode: 'normal' })],
    shapes: { y: [1, 4] },
  });
  it('one form for every GELU', () => {
    const modeOf = (form: 'normal' | 'tanh' | 'sigm') =>
      bm168x
        .lower(gelu, plan({}, { processor: 'bm1684x', precision: 'F32', options: { gelu: form } }))
        .ops.find(({ type }) => type === 'tpu.Active')!.attributes;
    expect([modeOf('normal'), modeOf('tanh'), modeOf('sigm')]).toMatchObject([
      { mode: 'GELU' },
      { mode: 'TGELU' },
      { mode: 'QGELU' },
    ]);
  });
  it('high precision: softmax, averages and GELU in F32', () => {
    const high = (processor: string) =>
      bm168x.lower(gelu, plan({}, { processor, precision: 'F16', options: { highPrecision: true } })).values.get('y')!
        .dtype;
    expect(high('bm1688')).toBe('f32');
  });
});

describe('what is not pinned down', () => {
  it('is listed for every processor, by operators that exist', () => {
    for (const processor of bm168x.processors) {
      const points = bm168x.openPoints!(processor);
      expect(points.length).toBeGreaterThan(4);
      expect(new Set(points.map(({ topic }) => topic)).size).toBe(points.length);
      for (const { assumed } of points) expect(assumed.length).toBeGreaterThan(20);
    }
  });
});

describe('printing and parsing again', () => {
  const graph = network({
    inputs: { in: [1, 4, 4, 4] },
    ops: [
      op('top.Conv', 'c', ['in', 'w', 'b'], { ...CONV_1X1, doRelu: true }),
      op('top.SiLU', 's', ['c']),
      op('top.Add', 'a', ['s', 'in'], {}),
      op('top.Concat', 'k', ['a', 'c'], { axis: 1, onlyMerge: false }),
      op('top.AvgPool', 'p', ['k'], { ...POOL, kernelShape: [4, 4], strides: [1, 1], pads: [0, 0, 0, 0] }),
      op('top.Reshape', 'f', ['p'], { shape: [1, 8], flattenStartDim: -1 }),
      op('top.MatMul', 'm', ['f', 'v', null], MAT_MUL),
      op('top.Softmax', 'y', ['m'], { axis: 1, log: false, beta: 1 }),
    ],
    shapes: {
      c: [1, 4, 4, 4],
      s: [1, 4, 4, 4],
      a: [1, 4, 4, 4],
      k: [1, 8, 4, 4],
      p: [1, 8, 1, 1],
      f: [1, 8],
      m: [1, 4],
      y: [1, 4],
    },
    weights: {
      w: [[4, 4, 1, 1], Array.from({ length: 16 }, (_, i) => Math.sin(i * 1.7))],
      b: [[4], [0.1, -0.2, 0.3, 0]],
      v: [[8, 4], Array.from({ length: 32 }, (_, i) => Math.cos(i * 2.3))],
    },
  });
  const bounds = {
    in: [-1, 1.2],
    c: [0, 2],
    s: [-0.27, 1.8],
    a: [-1.2, 3],
    k: [-1.2, 3],
    p: [-0.4, 2],
    f: [-0.4, 2],
    m: [-3, 4],
    y: [0, 1],
  } as const;
  it.each([
    ['bm1684x', 'INT8', {}],
    ['bm1684x', 'INT8', { asymmetric: true }],
    ['bm1688', 'INT8', { options: { matmulPerChannel: true } }],
    ['bm1688', 'INT4', {}],
    ['cv186x', 'W4INT8', {}],
    ['bm1690', 'F16', {}],
    ['bm1684x', 'BF16', {}],
    ['bm1688', 'W8BF16', { options: { groupSize: 4 } }],
    ['bm1684x', 'W4F16', { options: { groupSize: 4 } }],
    ['bm1684x', 'F32', {}],
  ] as const)('%s %s %j: the same outputs bit for bit', async (processor, precision, options) => {
    const lowered = bm168x.lower(graph, observed(bounds, { processor, precision, ...options }));
    const { text, weights } = printMlir(lowered, { weightFile: 'weights.npz' });
    const parsed = parseMlir(text, weights);
    const input = new Map([['in', Float32Array.from({ length: 64 }, (_, i) => Math.sin(i) * 1.1)]]);
    const outputsOf = async (module: Graph) => {
      const session = await createSession(module);
      const outputs = [...session.run(input).values()].map((data) => Array.from(data as ArrayLike<number>));
      session.dispose();
      return outputs;
    };
    expect(await outputsOf(parsed)).toEqual(await outputsOf(lowered));
  });
});
