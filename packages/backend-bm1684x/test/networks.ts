import type { Graph, KnownOp, Plan, TensorType, ValueRange, Weight } from '@q/ir';

/** One operator of a test network: `op('top.Relu', 'y', ['x'])`. */
export function op(type: string, name: string, inputs: readonly (string | null)[], attributes: object = {}): KnownOp {
  const relu = [
    'top.Conv',
    'top.Add',
    'top.Sub',
    'top.Mul',
    'top.MatMul',
    'top.AddConst',
    'top.SubConst',
    'top.MulConst',
    'top.AvgPool',
    'top.MaxPool',
    'top.Deconv',
    'top.Concat',
    'top.Scale',
  ];
  const defaults = relu.includes(type) ? { doRelu: false, reluLimit: -1 } : {};
  return { type, name, inputs, outputs: [name], attributes: { ...defaults, ...attributes } } as unknown as KnownOp;
}

export interface NetworkParts {
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly ops: readonly KnownOp[];
  /** Shapes of the values that operators make. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly weights?: Readonly<Record<string, readonly [readonly number[], readonly number[]]>>;
  readonly outputs?: readonly string[];
}

/** A Top graph from its parts; the last operator is the output unless told. */
export function network({ inputs, ops, shapes, weights = {}, outputs }: NetworkParts): Graph {
  const f32 = (shape: readonly number[]): TensorType => ({ shape, dtype: 'f32' });
  const inputOps = Object.keys(inputs).map(
    (name) =>
      ({
        type: 'top.Input',
        name,
        inputs: [],
        outputs: [name],
        attributes: { doPreprocess: false },
      }) as unknown as KnownOp,
  );
  return {
    name: 'toy',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops: [...inputOps, ...ops],
    values: new Map(Object.entries({ ...inputs, ...shapes }).map(([name, shape]) => [name, f32(shape)])),
    weights: new Map(
      Object.entries(weights).map(([name, [shape, data]]): [string, Weight] => [
        name,
        { type: f32(shape), data: Float32Array.from(data) },
      ]),
    ),
    outputs: outputs ?? [ops.at(-1)!.name],
    tensorNames: new Map(),
    moduleAttributes: {},
  };
}

/** Rows of a calibration table: threshold (signed), or [threshold, 0] for values that are never negative. */
export function plan(
  thresholds: Readonly<Record<string, number | readonly [number, number]>>,
  options: Partial<Plan> = {},
): Plan {
  const values = Object.entries(thresholds).map(([name, row]): [string, ValueRange] => {
    const [threshold, min] = typeof row === 'number' ? [row, -row] : row;
    return [name, { threshold, min, max: threshold }];
  });
  return {
    processor: 'bm1684x',
    precision: 'INT8',
    asymmetric: false,
    ops: new Map(),
    values: new Map(values),
    ...options,
  };
}

export const CONV_1X1 = {
  kernelShape: [1, 1],
  strides: [1, 1],
  pads: [0, 0, 0, 0],
  dilations: [1, 1],
  group: 1,
  weightIsCoeff: 1,
  dynweightReordered: false,
};
