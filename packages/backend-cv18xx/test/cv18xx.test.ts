import {
  type Graph,
  type KnownOp,
  type Plan,
  printMlir,
  type QError,
  type TensorType,
  type ValueRange,
  type Weight,
} from '@q/ir';
import { createSession } from '@q/runtime';
import { describe, expect, it } from 'vitest';
import { cv18xx } from '../src/index.ts';

const relu = { doRelu: false, reluLimit: -1 };
const CONV = {
  kernelShape: [1, 1],
  strides: [1, 1],
  pads: [0, 0, 0, 0],
  dilations: [1, 1],
  group: 1,
  weightIsCoeff: 1,
  dynweightReordered: false,
  ...relu,
};

function network(
  input: readonly number[],
  ops: readonly (readonly [string, string, readonly (string | null)[], object, readonly number[]])[],
  weights: Readonly<Record<string, readonly [readonly number[], readonly number[]]>> = {},
): Graph {
  const f32 = (shape: readonly number[]): TensorType => ({ shape, dtype: 'f32' });
  const make = (type: string, name: string, inputs: readonly (string | null)[], attributes: object) =>
    ({ type, name, inputs, outputs: [name], attributes }) as unknown as KnownOp;
  return {
    name: 'toy',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops: [
      make('top.Input', 'in', [], { doPreprocess: false }),
      ...ops.map(([type, name, inputs, attributes]) => make(type, name, inputs, attributes)),
    ],
    values: new Map([['in', f32(input)], ...ops.map(([, name, , , shape]) => [name, f32(shape)] as const)]),
    weights: new Map(
      Object.entries(weights).map(([name, [shape, data]]): [string, Weight] => [
        name,
        { type: f32(shape), data: Float32Array.from(data) },
      ]),
    ),
    outputs: [ops.at(-1)![1]],
    tensorNames: new Map(),
    moduleAttributes: {},
  };
}

function plan(thresholds: Readonly<Record<string, number>>, options: Partial<Plan> = {}): Plan {
  const values = Object.entries(thresholds).map(([name, threshold]): [string, ValueRange] => [
    name,
    { threshold, min: 0, max: threshold },
  ]);
  return {
    processor: 'cv183x',
    precision: 'INT8',
    asymmetric: false,
    ops: new Map(),
    values: new Map(values),
    ...options,
  };
}

async function execute(graph: Graph, table: Plan, input: readonly number[]) {
  const lowered = cv18xx.lower(graph, table);
  const session = await createSession(lowered, { retain: 'all' });
  session.run(new Map([['in', Float32Array.from(input)]]));
  const values = new Map([...lowered.values.keys()].map((name) => [name, Array.from(session.slot(name).view())]));
  session.dispose();
  return { lowered, value: (name: string) => values.get(name)! };
}

const reals = (codes: readonly number[], threshold: number) => codes.map((code) => (code * threshold) / 127);

function refusal(run: () => unknown): QError {
  try {
    run();
  } catch (error) {
    return error as QError;
  }
  throw new Error('nothing was refused');
}

describe('a convolution with a fused Relu (numerics.md 16, CV18xx column)', () => {
  const graph = network([1, 3, 1, 1], [['top.Conv', 'y', ['in', 'w', 'b'], { ...CONV, doRelu: true }, [1, 1, 1, 1]]], {
    w: [
      [1, 3, 1, 1],
      [0.5, -0.25, 0.1],
    ],
    b: [[1], [0.3]],
  });
  const table = plan({ in: 2, y: 3 });

  it('has the documented multiplier and codes', () => {
    const lowered = cv18xx.lower(graph, table);
    const conv = lowered.ops.find((op) => op.type === 'tpu.Conv2D')!;
    expect(conv.attributes).toMatchObject({ multiplier: [1442928640], rshift: [8], quantMode: 'QDM', reluLimit: -1 });
    expect(lowered.weights.get('y_filter_i8')!.data).toEqual(Int8Array.of(127, -64, 25));
    expect(lowered.weights.get('y_bias_int32')!.data).toEqual(Int32Array.of(4839));
    expect(lowered.values.get('y')).toMatchObject({ dtype: 'i8', quantization: { scale: 3 / 127 } });
  });

  it.each([
    [[100, -50, 20], 56],
    [[-100, 50, 20], 0],
    [[127, -128, 127], 85],
    [[1, 0, 0], 13],
  ])('%j → %i', async (codes, expected) => {
    const { value } = await execute(graph, table, reals(codes, 2));
    expect(value('iny_si8')).toEqual(codes);
    expect(value('y')).toEqual([expected]);
  });

  it('quantizes its input with the CPU operator and writes the module', () => {
    const lowered = cv18xx.lower(graph, table);
    const { text } = printMlir(lowered, { weightFile: 'w.npz' });
    expect(text).toContain(
      '"tpu.GenericCpu"(%0) {cpu_op_name = "quant", param = {from = "FP32", scale = 6.350000e+01 : f32, to = "INT8"}}',
    );
    expect(text).toContain('module.chip = "cv183x"');
    expect(cv18xx.artefacts(lowered, table).map(({ name }) => name)).toEqual([
      'toy_cv183x_int8_sym_tpu.mlir',
      'toy_cv183x_int8_sym_tpu_weights.npz',
    ]);
  });

  it('answers bfloat16 values', async () => {
    const { value } = await execute(graph, table, reals([127, -128, 127], 2));
    // 85 · bf16(3/127) as a bfloat16.
    expect(value('y_f32')).toEqual([2.015625]);
  });
});

it('raises the factor for a large bias, which then loses bits (numerics.md 16)', async () => {
  const graph = network([1, 2, 1, 1], [['top.Conv', 'y', ['in', 'w', 'b'], CONV, [1, 1, 1, 1]]], {
    w: [
      [1, 2, 1, 1],
      [1e-4, -2e-5],
    ],
    b: [[1], [1.7]],
  });
  const { lowered, value } = await execute(graph, plan({ in: 2, y: 3 }), reals([100, 37], 2));
  expect(lowered.ops.find((op) => op.type === 'tpu.Conv2D')!.attributes).toMatchObject({
    multiplier: [1182047104],
    rshift: [20],
  });
  expect(lowered.weights.get('y_filter_i8')!.data).toEqual(Int8Array.of(127, -25));
  expect(lowered.weights.get('y_bias_int32')!.data).toEqual(Int32Array.of(137096496));
  expect(value('y')).toEqual([72]);
});

it('lowers products, tables and moves', async () => {
  const graph = network(
    [1, 2],
    [
      [
        'top.MatMul',
        'm',
        ['in', 'w', null],
        {
          ...relu,
          rightTranspose: false,
          leftTranspose: false,
          outputTranspose: false,
          hdimIsBatch: false,
          keepDims: true,
        },
        [1, 2],
      ],
      ['top.Sigmoid', 's', ['m'], { log: false }, [1, 2]],
      ['top.Reshape', 'r', ['s'], { shape: [2, 1], flattenStartDim: -1 }, [2, 1]],
    ],
    {
      w: [
        [2, 2],
        [1, 0, 0, -1],
      ],
    },
  );
  const { value } = await execute(graph, plan({ in: 8, m: 8, s: 1, r: 1 }), reals([16, 64], 8));
  // A factor of 1 is clamped just below it; the table is numerics.md 9.3's.
  expect(value('m')).toEqual([16, -64]);
  expect(value('r')).toEqual([93, 2]);
});

describe('refusals', () => {
  it('name every operator without definition', () => {
    const graph = network(
      [1, 4],
      [
        ['top.Erf', 'a', ['in'], {}, [1, 4]],
        ['top.Softmax', 'b', ['a'], { axis: 1, log: false, beta: 2 }, [1, 4]],
        ['top.MulConst', 'c', ['b'], { constVal: 2, ...relu, doRelu: true }, [1, 4]],
      ],
    );
    const error = refusal(() => cv18xx.lower(graph, plan({ in: 1, a: 1, b: 1, c: 1 })));
    expect(error.code).toBe('lower.unsupported-operator');
    expect(error.issues.map(({ where }) => where)).toEqual(['top.Erf a', 'top.Softmax b', 'top.MulConst c']);
    const inFloat = refusal(() => cv18xx.lower(graph, plan({}, { precision: 'BF16' })));
    expect(inFloat.issues.map(({ where }) => where)).toEqual(['top.Erf a', 'top.Softmax b', 'top.MulConst c']);
  });
  it('name modes and options that the processors lack', () => {
    const graph = network([1, 4], [['top.Tanh', 'a', ['in'], {}, [1, 4]]]);
    const ops = new Map([['a', { precision: 'INT4', reason: { code: 'user', rule: 'x' } } as const]]);
    const options = { matmulPerChannel: true, highPrecision: true, gelu: 'tanh' } as const;
    const issues = (table: Plan) => refusal(() => cv18xx.lower(graph, table)).issues.map(({ where }) => where);
    expect(issues(plan({ in: 1, a: 1 }, { asymmetric: true, ops }))).toEqual(['asymmetric', 'a']);
    expect(issues(plan({}, { precision: 'W4F16' }))).toEqual(['precision']);
    expect(issues(plan({ in: 1, a: 1 }, { options }))).toEqual([
      '--matmul_perchannel',
      '--high_precision',
      '--gelu_mode',
    ]);
  });
  it('name what the plan asks for in vain', () => {
    const graph = network([1, 4], [['top.Relu', 'a', ['in'], { reluLimit: -1 }, [1, 4]]]);
    const tanh = network([1, 4], [['top.Tanh', 'a', ['in'], {}, [1, 4]]]);
    const wrong = plan({ in: -1 }, { processor: 'bm1684x', precision: 'F32' });
    expect(refusal(() => cv18xx.lower(graph, wrong)).issues.map(({ code }) => code)).toEqual([
      'lower.plan.processor',
      'lower.plan.precision',
      'lower.threshold-invalid',
    ]);
    expect(refusal(() => cv18xx.lower(tanh, plan({ in: 1 }))).issues).toMatchObject([
      { code: 'lower.threshold-missing', where: 'a' },
    ]);
  });
  it('are foreseen by precisions()', () => {
    const graph = network(
      [1, 4],
      [
        ['top.Relu', 'a', ['in'], { reluLimit: -1 }, [1, 4]],
        ['top.Softmax', 'b', ['a'], { axis: 1 }, [1, 4]],
      ],
    );
    expect(graph.ops.map((op) => cv18xx.precisions(op, 'cv181x'))).toEqual([['F32'], ['INT8', 'BF16'], ['BF16']]);
    expect(cv18xx.floatType('cv180x')).toBe('BF16');
  });
});
