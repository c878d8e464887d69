import {
  attributesWithDefaults,
  elementCount,
  type Graph,
  type KnownOp,
  type Op,
  type OpAttributes,
  type OpType,
  operatorTable,
  type Plan,
  type TensorType,
  type TypedArray,
  type ValueRange,
  verify,
  type Weight,
} from '@q/ir';
import { createSession } from '@q/runtime';

/** Deterministic numbers in [−1, 1). */
export function noise(count: number, seed = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Builds small Top graphs; result types come from the operators' own shape rules. */
export class GraphBuilder {
  private readonly ops: Op[] = [];
  private readonly types = new Map<string, TensorType>();
  private readonly weights = new Map<string, Weight>();

  input(name: string, shape: readonly number[]): string {
    this.types.set(name, { shape, dtype: 'f32' });
    const attributes = attributesWithDefaults('top.Input', {});
    this.ops.push({ type: 'top.Input', name, inputs: [], outputs: [name], attributes });
    return name;
  }

  weight(
    name: string,
    shape: readonly number[],
    data: ArrayLike<number> = noise(elementCount(shape), name.length),
  ): string {
    this.weights.set(name, { type: { shape, dtype: 'f32' }, data: Float32Array.from(data) });
    return name;
  }

  add<T extends OpType>(
    type: T,
    name: string,
    inputs: readonly (string | null)[],
    given: Partial<OpAttributes[T]> = {},
    outputs: readonly string[] = [name],
  ): string {
    const weight = (index: number) => this.weights.get(inputs[index] ?? '');
    const operands = inputs.map((input) =>
      input === null ? null : (this.types.get(input) ?? this.weights.get(input)!.type),
    );
    const attributes = attributesWithDefaults(type, given);
    const row = operatorTable[type];
    const inferred = row.inferShapes({ attributes: attributes as never, inputs: operands, weight });
    outputs.forEach((output, i) => {
      this.types.set(output, inferred.outputs[i]!);
    });
    this.ops.push({ type, name, inputs, outputs, attributes: inferred.attributes ?? attributes } as unknown as KnownOp);
    return name;
  }

  shape(name: string): readonly number[] {
    return this.types.get(name)!.shape;
  }

  conv(
    name: string,
    input: string,
    filter: readonly number[],
    options: { bias?: boolean; group?: number; relu?: number } = {},
  ): string {
    const kernel = filter.slice(2);
    const bias = options.bias === false ? null : this.weight(`${name}.bias`, [filter[0]!]);
    return this.add('top.Conv', name, [input, this.weight(`${name}.weight`, filter), bias], {
      kernelShape: kernel,
      strides: kernel.map(() => 1),
      pads: [...kernel, ...kernel].map((k) => (k - 1) / 2),
      group: options.group ?? 1,
      doRelu: options.relu !== undefined,
      reluLimit: options.relu ?? -1,
    });
  }

  build(outputs: readonly string[], name = 'net'): Graph {
    const { ops, types: values, weights } = this;
    const graph: Graph = {
      name,
      state: 'TOP_F32',
      chip: 'ALL',
      platform: 'ONNX',
      ops,
      values,
      weights,
      outputs,
      tensorNames: new Map(),
      moduleAttributes: {},
    };
    const issues = verify(graph);
    if (issues.length > 0) throw new Error(JSON.stringify(issues));
    return graph;
  }
}

export type Feeds = ReadonlyMap<string, TypedArray>;

/** Smallest and largest element of every value over some samples. */
export async function observe(graph: Graph, samples: readonly Feeds[]): Promise<Map<string, ValueRange>> {
  const session = await createSession(graph);
  const ranges = new Map<string, ValueRange>();
  const { memory } = session.kernels;
  for (const feeds of samples) {
    session.run(feeds, (value, pointer, length) => {
      const known = ranges.get(value);
      let [min, max] = [known?.min ?? Number.POSITIVE_INFINITY, known?.max ?? Number.NEGATIVE_INFINITY];
      for (const x of new Float32Array(memory.buffer, pointer, length)) {
        if (x < min) min = x;
        if (x > max) max = x;
      }
      ranges.set(value, { min, max, threshold: Math.max(Math.abs(min), Math.abs(max)) });
    });
  }
  session.dispose();
  return ranges;
}

export function planOf(values: ReadonlyMap<string, ValueRange>, float: readonly string[] = []): Plan {
  const ops = new Map(
    float.map((name) => [name, { precision: 'F32', reason: { code: 'user', rule: 'test' } }] as const),
  );
  return { processor: 'k1', precision: 'INT8', asymmetric: false, ops, values };
}

export async function run(graph: Graph, feeds: Feeds): Promise<Map<string, Float32Array>> {
  const session = await createSession(graph);
  const outputs = new Map([...session.run(feeds)].map(([name, data]) => [name, Float32Array.from(data)]));
  session.dispose();
  return outputs;
}

export function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((x, i) => {
    ab += x * b[i]!;
    aa += x * x;
    bb += b[i]! * b[i]!;
  });
  return ab / Math.sqrt(aa * bb);
}
