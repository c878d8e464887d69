import {
  attributesWithDefaults,
  type Graph,
  type KnownOp,
  type Op,
  type OpAttributes,
  type OpType,
  type TensorType,
  type Weight,
} from '@q/ir';

/** A graph while its operators are being replaced; `finish` gives the new one, without what nobody reads any more. */
export class Rewriting {
  ops: Op[];
  readonly values: Map<string, TensorType>;
  readonly weights: Map<string, Weight>;
  readonly tensorNames: Map<string, string>;
  private readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
    this.ops = [...graph.ops];
    this.values = new Map(graph.values);
    this.weights = new Map(graph.weights);
    this.tensorNames = new Map(graph.tensorNames);
  }

  readers(value: string): Op[] {
    return this.ops.filter(({ inputs }) => inputs.includes(value));
  }

  producer(value: string | null | undefined): Op | undefined {
    return value == null ? undefined : this.ops.find(({ outputs }) => outputs.includes(value));
  }

  /** The only op that reads a value which is no network output. */
  soleReader(value: string): Op | undefined {
    const readers = this.readers(value);
    return readers.length === 1 && !this.graph.outputs.includes(value) ? readers[0] : undefined;
  }

  isOutput(value: string): boolean {
    return this.graph.outputs.includes(value);
  }

  shape(name: string): readonly number[] {
    return (this.values.get(name) ?? this.weights.get(name)!.type).shape;
  }

  /** Float data of a weight operand. */
  data(name: string | null | undefined): Float32Array | undefined {
    const data = name == null ? undefined : this.weights.get(name)?.data;
    return data instanceof Float32Array ? data : undefined;
  }

  addWeight(base: string, shape: readonly number[], data: Float32Array): string {
    let name = base;
    for (let i = 1; this.weights.has(name) || this.values.has(name); i++) name = `${base}_${i}`;
    this.weights.set(name, { type: { shape, dtype: 'f32' }, data });
    return name;
  }

  make<T extends OpType>(
    type: T,
    name: string,
    inputs: readonly (string | null)[],
    attributes: Partial<OpAttributes[T]> = {},
  ): KnownOp {
    const op = { type, name, inputs, outputs: [name], attributes: attributesWithDefaults(type, attributes) };
    // Type and attributes come from the same row.
    return op as unknown as KnownOp;
  }

  replace(op: Op, ...by: readonly Op[]): void {
    this.ops.splice(this.ops.indexOf(op), 1, ...by);
  }

  /** Every op in turn, also those that `visit` puts in their places; whether anything changed. */
  sweep(visit: (op: Op) => boolean): boolean {
    let changed = false;
    for (const op of [...this.ops]) if (this.ops.includes(op)) changed = visit(op) || changed;
    return changed;
  }

  finish(): Graph {
    const needed = new Set<string>(this.graph.outputs);
    const kept: Op[] = [];
    for (const op of this.ops.toReversed()) {
      const isNeeded = op.type === 'top.Input' || op.outputs.some((name) => name !== null && needed.has(name));
      if (!isNeeded) continue;
      for (const name of op.inputs) if (name !== null) needed.add(name);
      kept.push(op);
    }
    const ops = kept.reverse();
    const made = new Set(ops.flatMap(({ outputs }) => outputs));
    const pick = <T>(map: ReadonlyMap<string, T>, keep: (name: string) => boolean) =>
      new Map([...map].filter(([name]) => keep(name)));
    return {
      ...this.graph,
      ops,
      values: pick(this.values, (name) => made.has(name)),
      weights: pick(this.weights, (name) => needed.has(name)),
      tensorNames: pick(this.tensorNames, (name) => made.has(name)),
    };
  }
}
