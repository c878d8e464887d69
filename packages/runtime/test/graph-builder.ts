import {
  type AttributeSpec,
  elementCount,
  type Graph,
  type KnownOp,
  type Op,
  type OpType,
  operatorTable,
  type TensorType,
  type TypedArray,
  type Weight,
} from '@q/ir';

export interface TensorLike {
  readonly shape: readonly number[];
  readonly data: Exclude<TypedArray, BigInt64Array | BigUint64Array>;
}

export function tensor(shape: readonly number[], values: ArrayLike<number>): TensorLike {
  const data = Float32Array.from(values);
  if (data.length !== elementCount(shape)) throw new Error(`${data.length} values for [${shape}]`);
  return { shape, data };
}

/** Values that are easy to tell apart and not symmetric: … -1.5, -1.25 … in a fixed scramble. */
export function ramp(shape: readonly number[], step = 0.25): TensorLike {
  const count = elementCount(shape);
  return tensor(
    shape,
    Array.from({ length: count }, (_, i) => step * (((i * 7) % count) - Math.floor(count / 3))),
  );
}

export interface OpRequest {
  readonly type: OpType;
  readonly name?: string;
  readonly inputs: readonly (string | null)[];
  readonly outputs?: readonly (string | null)[];
  readonly attributes?: Record<string, unknown>;
  /** Types of the results where inference is not wanted (quantized storage). */
  readonly types?: readonly TensorType[];
}

/** Builds small graphs; types come from the operator table's own shape rules. */
export class GraphBuilder {
  readonly #ops: Op[] = [];
  readonly #values = new Map<string, TensorType>();
  readonly #weights = new Map<string, Weight>();

  input(name: string, shape: readonly number[], dtype: TensorType['dtype'] = 'f32'): string {
    this.#values.set(name, { shape, dtype });
    const attributes = { doPreprocess: false };
    this.#ops.push({ type: 'top.Input', name, inputs: [], outputs: [name], attributes } as KnownOp);
    return name;
  }

  weight(name: string, { shape, data }: TensorLike, dtype: TensorType['dtype'] = 'f32'): string {
    this.#weights.set(name, { type: { shape, dtype }, data });
    return name;
  }

  add(request: OpRequest): string {
    const name = request.name ?? `op${this.#ops.length}`;
    const row = operatorTable[request.type];
    const inputs = request.inputs.map((input) =>
      input === null ? null : (this.#values.get(input) ?? this.#weights.get(input)!.type),
    );
    const attributes = { ...defaults(row.attributes), ...request.attributes };
    const weight = (index: number): Weight | undefined => this.#weights.get(request.inputs[index] ?? '');
    const inferred = row.inferShapes({ attributes: attributes as never, inputs, weight });
    const outputs = request.outputs ?? inferred.outputs.map((_, index) => (index === 0 ? name : null));
    outputs.forEach((output, index) => {
      const type = request.types?.[index] ?? inferred.outputs[index];
      if (output !== null && type) this.#values.set(output, type);
    });
    const final = { ...attributes, ...inferred.attributes };
    this.#ops.push({ type: request.type, name, inputs: request.inputs, outputs, attributes: final } as KnownOp);
    return outputs.find((output) => output !== null)!;
  }

  graph(outputs: readonly string[]): Graph {
    return {
      name: 'test',
      state: 'TOP_F32',
      chip: 'ALL',
      platform: 'ONNX',
      ops: this.#ops,
      values: this.#values,
      weights: this.#weights,
      outputs,
      tensorNames: new Map(),
      moduleAttributes: {},
    };
  }
}

function defaults(schema: Readonly<Record<string, AttributeSpec>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, spec]) => (spec.fallback === undefined ? [] : [[key, spec.fallback]])),
  );
}
