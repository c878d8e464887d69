import type { Graph, KnownOp, Op, OpOf, Weight } from '../../graph.ts';
import { attributesWithDefaults } from '../../operators/defaults.ts';
import { type OpAttributes, type OpType, operatorTable } from '../../operators/index.ts';
import type { TensorType } from '../../tensor-type.ts';

export interface OpDraft<T extends OpType> {
  readonly name: string;
  readonly inputs: readonly (string | null)[];
  readonly attributes: Partial<OpAttributes[T]>;
}

/** A graph while rules rewrite it: who makes and who reads a value, replacing, renaming, new weights. */
export class Rewriter {
  private ops: Op[];
  private readonly values: Map<string, TensorType>;
  private readonly weights: Map<string, Weight>;
  private outputs: string[];
  private readonly tensorNames: Map<string, string>;
  private readonly source: Graph;
  private producers = new Map<string, Op>();
  private readers = new Map<string, Op[]>();
  private stale = true;

  constructor(graph: Graph) {
    this.source = graph;
    this.ops = [...graph.ops];
    this.values = new Map(graph.values);
    this.weights = new Map(graph.weights);
    this.outputs = [...graph.outputs];
    this.tensorNames = new Map(graph.tensorNames);
  }

  /** The rewritten graph without dead operators, unused weights and names of vanished values. */
  finish(): Graph {
    this.dropDead();
    const live = new Set(this.ops.flatMap((op) => op.outputs));
    const used = new Set(this.ops.flatMap((op) => op.inputs));
    return {
      ...this.source,
      ops: this.ops,
      values: new Map([...this.values].filter(([name]) => live.has(name))),
      weights: new Map([...this.weights].filter(([name]) => used.has(name))),
      outputs: this.outputs,
      tensorNames: new Map([...this.tensorNames].filter(([name]) => live.has(name))),
    };
  }

  get list(): readonly Op[] {
    return this.ops;
  }

  isLive(op: Op): boolean {
    this.refresh();
    const output = op.outputs.find((name) => name !== null);
    return output !== undefined && this.producers.get(output) === op;
  }

  /** The operator that makes a value, when it is of this type. */
  producer<T extends OpType>(value: string | null | undefined, type: T): OpOf<T> | undefined {
    const op = this.anyProducer(value);
    return op?.type === type ? (op as unknown as OpOf<T>) : undefined;
  }

  anyProducer(value: string | null | undefined): Op | undefined {
    this.refresh();
    return value == null ? undefined : this.producers.get(value);
  }

  users(value: string): readonly Op[] {
    this.refresh();
    return this.readers.get(value) ?? [];
  }

  isOutput(value: string): boolean {
    return this.outputs.includes(value);
  }

  /** One reader, counted per operand, and no network output. */
  hasOneUse(value: string): boolean {
    return this.users(value).length === 1 && !this.isOutput(value);
  }

  weight(name: string | null | undefined): Weight | undefined {
    return name == null ? undefined : this.weights.get(name);
  }

  /** f32 data of a weight operand. */
  weightData(name: string | null | undefined): Float32Array | undefined {
    const data = this.weight(name)?.data;
    return data instanceof Float32Array ? data : undefined;
  }

  type(value: string): TensorType {
    const type = this.values.get(value) ?? this.weights.get(value)?.type;
    if (type === undefined) throw new RangeError(`no type for ${value}`);
    return type;
  }

  shape(value: string | null): readonly number[] {
    return value === null ? [] : this.type(value).shape;
  }

  /** Adds a weight `<op>_<suffix>`, or `<op>_<k>_<suffix>` when that exists (ir.md 4.1). */
  addWeight(opName: string, suffix: string, shape: readonly number[], data: Float32Array): string {
    let name = `${opName}_${suffix}`;
    for (let count = 1; this.weights.has(name) || this.values.has(name); count++) name = `${opName}_${count}_${suffix}`;
    this.weights.set(name, { type: { shape, dtype: 'f32' }, data });
    return name;
  }

  /** An operator with one result whose type its row infers. It must still be put into the graph. */
  make<T extends OpType>(type: T, { name, inputs, attributes }: OpDraft<T>): KnownOp {
    const full = attributesWithDefaults(type, attributes);
    const result = operatorTable[type].inferShapes({
      attributes: full,
      inputs: inputs.map((input) => (input === null ? null : this.type(input))),
      weight: (index) => this.weight(inputs[index]),
    });
    this.values.set(name, result.outputs[0]!);
    return { type, name, inputs, outputs: [name], attributes: result.attributes ?? full } as unknown as KnownOp;
  }

  /** The same operator with other operands, attributes or name of its first result; types are not inferred again. */
  change<T extends OpType>(op: OpOf<T>, change: Partial<Pick<OpOf<T>, 'name' | 'inputs' | 'attributes'>>): KnownOp {
    const name = change.name ?? op.name;
    const outputs = op.outputs.map((output, index) => (index === 0 && output !== null ? name : output));
    if (op.outputs[0] != null && name !== op.name) this.values.set(name, this.type(op.name));
    return { ...op, ...change, outputs } as unknown as KnownOp;
  }

  /** Puts operators in the place of one; an empty list removes it. */
  replace(op: Op, ...replacement: readonly Op[]): void {
    this.ops.splice(this.ops.indexOf(op), 1, ...replacement);
    this.stale = true;
  }

  /** Removes an operator and lets the readers of its result read `value`. */
  bypass(op: Op, value: string): void {
    this.redirect(op.name, value);
    this.replace(op);
  }

  /** Every reader of `from`, the network's outputs included, reads `to` instead. */
  redirect(from: string, to: string): void {
    const renamed = (name: string | null) => (name === from ? to : name);
    this.ops = this.ops.map((op) =>
      op.inputs.includes(from) ? ({ ...op, inputs: op.inputs.map(renamed) } as Op) : op,
    );
    if (this.isOutput(from) && this.anyProducer(to)?.type !== 'top.Input') {
      // Exporters give the network's outputs back their names in the source framework.
      this.tensorNames.set(to, this.tensorNames.get(from) ?? from);
    }
    this.outputs = this.outputs.map((name) => (name === from ? to : name));
    this.stale = true;
  }

  /** Gives a value another name everywhere. */
  rename(op: KnownOp, name: string): void {
    this.replace(op, this.change(op as OpOf<OpType>, { name }));
    this.redirect(op.name, name);
  }

  private refresh(): void {
    if (!this.stale) return;
    this.producers = new Map();
    this.readers = new Map();
    for (const op of this.ops) {
      for (const output of op.outputs) if (output !== null) this.producers.set(output, op);
      for (const input of op.inputs) {
        if (input === null) continue;
        const list = this.readers.get(input);
        if (list === undefined) this.readers.set(input, [op]);
        else list.push(op);
      }
    }
    this.stale = false;
  }

  private dropDead(): void {
    const needed = new Set<string | null>(this.outputs);
    const kept: Op[] = [];
    for (const op of this.ops.toReversed()) {
      const live = op.type === 'top.Input' || op.outputs.some((output) => output !== null && needed.has(output));
      if (!live) continue;
      for (const input of op.inputs) needed.add(input);
      kept.push(op);
    }
    this.ops = kept.reverse();
    this.stale = true;
  }
}

/** A rewrite that starts at operators of one type; returns whether it changed the graph. */
export interface Rule {
  readonly type: OpType;
  apply(op: KnownOp, rw: Rewriter): boolean;
}

export function rule<T extends OpType>(type: T, apply: (op: OpOf<T>, rw: Rewriter) => boolean): Rule {
  return { type, apply: (op, rw) => apply(op as unknown as OpOf<T>, rw) };
}
