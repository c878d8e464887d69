import { type DType, elementCount, type TypedArray } from '../../dtype.ts';
import { QError } from '../../errors.ts';
import { type Graph, type KnownOp, type Op, type OpOf, typeOf, type Weight } from '../../graph.ts';
import type { OpType } from '../../operators/index.ts';
import type { TensorType } from '../../tensor-type.ts';
import { DATA_TYPES } from '../tensor-data.ts';
import type { NodeWire, TensorWire } from '../wire.ts';
import { type AttributeValue, attributeWire, tensorWire } from './tensor-wire.ts';

type Attributes = Readonly<Record<string, AttributeValue>>;

/** Nodes and initializers of the model being written, and the ONNX name of every value. */
export class OnnxWriter {
  readonly nodes: NodeWire[] = [];
  readonly initializers: TensorWire[] = [];
  private readonly names = new Map<string, string>();
  private readonly taken = new Set<string>();
  private readonly nodeNames = new Set<string>();
  private readonly constants = new Map<string, string>();
  /** ONNX bools behind truth values, by the float tensor that stands for them. */
  private readonly bools = new Map<string, string>();
  private readonly turned = new Set<string>();
  private readonly graph: Graph;
  private current: KnownOp | undefined;

  constructor(
    graph: Graph,
    /** Version of the standard operator set that the nodes may use. */
    readonly opset: number,
    private readonly givenNodeNames: ReadonlyMap<string, string> = new Map(),
  ) {
    this.graph = graph;
    // Values that the outside knows get their names first; a clash gives the later one a suffix. An input keeps its own
    // name: what the graph knows of it besides is the name of an output that merely passes it on.
    const inputs = graph.ops.filter(({ type }) => type === 'top.Input').map(({ name }) => name);
    for (const input of inputs) this.names.set(input, this.fresh(input));
    for (const value of [...graph.outputs, ...graph.values.keys()]) {
      if (!this.names.has(value)) this.names.set(value, this.fresh(graph.tensorNames.get(value) ?? value));
    }
  }

  /** Nodes that are added from here on belong to `op`. */
  begin(op: KnownOp): void {
    this.current = op;
  }

  type(name: string): TensorType {
    const type = typeOf(this.graph, name);
    if (type !== undefined) return type;
    throw new QError(`The graph has no value ${name}.`, { code: 'onnx.export-value', found: name });
  }

  shape(name: string): readonly number[] {
    return this.type(name).shape;
  }

  weight(name: string | null | undefined): Weight | undefined {
    return name == null ? undefined : this.graph.weights.get(name);
  }

  /** ONNX name of a value, or of a weight, which becomes an initializer; `''` for an absent operand. */
  tensor(name: string | null | undefined): string {
    if (name == null) return '';
    const known = this.names.get(name);
    if (known !== undefined) return known;
    const weight = this.weight(name);
    if (weight === undefined)
      throw new QError(`The graph has no value ${name}.`, { code: 'onnx.export-value', found: name });
    const tensor = this.constant(name, weight.type.dtype, weight.type.shape, weight.data);
    this.names.set(name, tensor);
    return tensor;
  }

  /** ONNX name of one of the current op's results; results that nobody asked for get a name of their own. */
  output(op: KnownOp, index = 0): string {
    const name = op.outputs[index];
    return name == null ? this.fresh(`${op.name}_unused`) : this.tensor(name);
  }

  /** Drops nodes and initializers that contribute to none of these tensors. */
  prune(outputs: readonly string[]): void {
    const read = new Set(outputs);
    const kept = this.nodes.reverse().filter(({ input, output }) => {
      const isRead = output!.some((name) => read.has(name));
      if (isRead) for (const name of input!) read.add(name);
      return isRead;
    });
    this.nodes.splice(0, this.nodes.length, ...kept.reverse());
    const initializers = this.initializers.filter(({ name }) => read.has(name!));
    this.initializers.splice(0, this.initializers.length, ...initializers);
  }

  /** Gives a value a new name, so that its old one, which is returned, can stand for something else. */
  rename(name: string): string {
    const old = this.tensor(name);
    this.names.set(name, this.fresh(`${old}_f32`));
    return old;
  }

  /** A tensor name that nothing else has. */
  fresh(base: string): string {
    return unique(base, this.taken);
  }

  /** Adds a node of the standard set and answers its first output. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    outputs?: string | readonly string[],
  ): string {
    const layer = this.current?.name ?? opType;
    const owner = this.givenNodeNames.get(layer) ?? layer;
    const results = typeof outputs === 'string' ? [outputs] : (outputs ?? [this.fresh(`${owner}/${opType}`)]);
    let last = inputs.length;
    while (last > 0 && inputs[last - 1] === '') last--;
    this.nodes.push({
      name: unique(owner, this.nodeNames),
      opType,
      input: inputs.slice(0, last),
      output: [...results],
      attribute: Object.entries(attributes).map(([name, value]) => attributeWire(name, value)),
    });
    return results[0]!;
  }

  /** An initializer under this name or one close to it. */
  constant(base: string, dtype: DType, dims: readonly number[], data: TypedArray): string {
    const name = this.fresh(base);
    this.initializers.push(tensorWire(name, dtype, dims, data));
    return name;
  }

  /** An initializer of float numbers; equal ones of one shape are shared. */
  floats(values: readonly number[] | Float32Array, dims: readonly number[] = [values.length]): string {
    const data = Float32Array.from(values);
    const key = `f32 ${dims.join('x')} ${new Uint32Array(data.buffer).join()}`;
    return this.shared(key, () => this.constant(`${this.current?.name ?? 'constant'}/float`, 'f32', dims, data));
  }

  scalar(value: number): string {
    return this.floats([value], []);
  }

  /** A one-dimensional int64 initializer; equal ones are shared. */
  ints(values: readonly number[]): string {
    const key = `i64 ${values.join()}`;
    const data = BigInt64Array.from(values, BigInt);
    return this.shared(key, () =>
      this.constant(`${this.current?.name ?? 'constant'}/int`, 'i64', [values.length], data),
    );
  }

  /** A weight with another shape of the same size. */
  reshapedWeight(name: string, weight: Weight, dims: readonly number[]): string {
    const { dtype, shape } = weight.type;
    if (dims.length === shape.length && dims.every((dim, axis) => dim === shape[axis])) return this.tensor(name);
    return this.shared(`${name} ${dims.join('x')}`, () => this.constant(name, dtype, dims, weight.data));
  }

  /**
   * An operand of indices, counts or axes, as int64: `.mlir` graphs hold them as f32. `dims` gives a weight another shape.
   */
  indices(name: string, dims: readonly number[] = this.shape(name)): string {
    const weight = this.weight(name);
    if (weight === undefined) return this.cast(this.tensor(name), 'i64');
    const values = Array.from(weight.data as ArrayLike<number | bigint>, Number);
    const data = BigInt64Array.from(values, (value) => BigInt(Math.trunc(value)));
    return this.shared(`${name} i64 ${dims.join('x')}`, () => this.constant(name, 'i64', dims, data));
  }

  cast(tensor: string, dtype: DType, output?: string): string {
    return this.node('Cast', [tensor], { to: DATA_TYPES[dtype] }, output);
  }

  reshape(tensor: string, dims: readonly number[], output?: string): string {
    return this.node('Reshape', [tensor, this.ints(dims)], {}, output);
  }

  transpose(tensor: string, perm: readonly number[], output?: string): string {
    return this.node('Transpose', [tensor], { perm }, output);
  }

  /** min(max(x, 0), limit); a limit ≤ 0 means none. */
  relu(tensor: string, limit: number, output?: string): string {
    const isBounded = limit > 0 && limit !== Number.POSITIVE_INFINITY;
    if (!isBounded) return this.node('Relu', [tensor], {}, output);
    return this.node('Clip', [tensor, this.scalar(0), this.scalar(limit)], {}, output);
  }

  /** Emits an operator whose first result may have a Relu fused into it. */
  withRelu(
    op: KnownOp,
    fused: { readonly doRelu: boolean; readonly reluLimit: number },
    emit: (output: string) => void,
  ): void {
    const output = this.output(op);
    if (!fused.doRelu) {
      emit(output);
      return;
    }
    const before = this.fresh(`${output}_before_relu`);
    emit(before);
    this.relu(before, fused.reluLimit, output);
  }

  /** Truth values are floats 0 and 1 in Top. */
  fromBool(tensor: string, output: string): void {
    this.cast(tensor, 'f32', output);
    this.bools.set(output, tensor);
  }

  toBool(tensor: string): string {
    return this.bools.get(tensor) ?? this.cast(tensor, 'bool');
  }

  /** Says that a Deconv's filter was written in ONNX's order already. */
  markTurned(name: string): void {
    this.turned.add(name);
  }

  isTurned(name: string): boolean {
    return this.turned.has(name);
  }

  /** The ops that read a value. */
  readersOf(name: string): Op[] {
    return this.graph.ops.filter((op) => op.inputs.includes(name));
  }

  /** Number of elements of a value or weight. */
  count(name: string): number {
    return elementCount(this.shape(name));
  }

  private shared(key: string, make: () => string): string {
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.constants.set(key, made);
    return made;
  }
}

function unique(base: string, taken: Set<string>): string {
  let name = base;
  for (let i = 1; taken.has(name); i++) name = `${base}_${i}`;
  taken.add(name);
  return name;
}

/** How one operator type is written. It must define every result of the op. */
export type Emitter<Op> = (op: Op, to: OnnxWriter) => void;

/** A table of them, by operator type. */
export type Emitters = { readonly [T in OpType]?: Emitter<OpOf<T>> };

/** Something the operator says that ONNX cannot. */
export function cannotExport(op: KnownOp, found: string, expected: string): never {
  throw new QError(`${op.name} (${op.type}) cannot be written as ONNX: ${found}.`, {
    code: 'onnx.export-unsupported',
    where: op.name,
    found: `${op.type} with ${found}`,
    expected,
  });
}
