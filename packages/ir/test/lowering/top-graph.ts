import type { Graph, KnownOp } from '../../src/graph.ts';
import type { Plan, ValueRange } from '../../src/plan.ts';
import type { TensorType } from '../../src/tensor-type.ts';

/** `['top.Relu', 'y', ['x'], attributes?]` */
export type OpShort = readonly [string, string, readonly (string | null)[], object?];

const RELU = ['Conv', 'Add', 'Sub', 'Mul', 'MulConst', 'AddConst', 'SubConst', 'MaxPool', 'AvgPool', 'Scale', 'Concat'];

/** A Top graph of tensors of shape [1, 2, 2, 2] (unless told); `in…` names are inputs, `w…` names are weights. */
export function topGraph(
  ops: readonly OpShort[],
  weights: Readonly<Record<string, readonly number[]>> = {},
  outputs?: readonly string[],
  shapes: Readonly<Record<string, readonly number[]>> = {},
): Graph {
  const f32 = (name: string): TensorType => ({ shape: shapes[name] ?? [1, 2, 2, 2], dtype: 'f32' });
  const made = new Set(ops.map(([, name]) => name));
  const inputs = [...new Set(ops.flatMap(([, , names]) => names))].filter(
    (name): name is string => name !== null && !made.has(name) && weights[name] === undefined,
  );
  const full = (type: string, name: string, operands: readonly (string | null)[], attributes: object = {}): KnownOp => {
    const relu = RELU.includes(type.slice(4)) ? { doRelu: false, reluLimit: -1 } : {};
    return {
      type,
      name,
      inputs: operands,
      outputs: [name],
      attributes: { ...relu, ...attributes },
    } as unknown as KnownOp;
  };
  return {
    name: 'net',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops: [
      ...inputs.map((name) => full('top.Input', name, [], { doPreprocess: false })),
      ...ops.map(([type, name, operands, attributes]) => full(type, name, operands, attributes)),
    ],
    values: new Map([...inputs, ...made].map((name) => [name, f32(name)])),
    weights: new Map(
      Object.entries(weights).map(([name, data]) => [
        name,
        { type: { shape: shapes[name] ?? [data.length], dtype: 'f32' }, data: Float32Array.from(data) },
      ]),
    ),
    outputs: outputs ?? [ops.at(-1)![1]],
    tensorNames: new Map(),
    moduleAttributes: {},
  };
}

/** Rows [threshold, min]. */
export function tablePlan(
  rows: Readonly<Record<string, readonly [number, number]>>,
  options: Partial<Plan> = {},
): Plan {
  const values = Object.entries(rows).map(([name, [threshold, min]]): [string, ValueRange] => [
    name,
    { threshold, min, max: threshold },
  ]);
  return {
    processor: 'bm1684x',
    precision: 'INT8',
    asymmetric: false,
    ops: new Map(),
    values: new Map(values),
    ...options,
  };
}
