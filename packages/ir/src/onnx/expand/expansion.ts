import { QError } from '../../errors.ts';
import { int64Vector } from '../fold/constant-array.ts';
import { numbersOf, type OnnxAttribute, type OnnxGraph, type OnnxNode, type OnnxType } from '../onnx-graph.ts';
import { type Constant, DATA_TYPES, type ElementType } from '../tensor-data.ts';

/** Attributes of nodes that an expansion makes. */
export const int = (value: number): OnnxAttribute => ({ kind: 'int', value: BigInt(value) });
export const ints = (value: readonly number[]): OnnxAttribute => ({ kind: 'ints', value: value.map(BigInt) });
export const float = (value: number): OnnxAttribute => ({ kind: 'float', value });

type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** The type of a value is not known yet: the node is tried again after more of the graph is. */
export class NotYet extends Error {}

export const isFloatType = (type: ElementType): boolean =>
  type === 'f32' || type === 'f64' || type === 'f16' || type === 'bf16';

/** Collects the nodes that take the place of one. New values are called `<first output>_<operator>_<count>`. */
export class Expansion {
  readonly source: OnnxNode;
  readonly nodes: OnnxNode[] = [];
  private readonly graph: OnnxGraph;
  private readonly types: ReadonlyMap<string, OnnxType>;
  private count = 0;
  private taken: ReadonlySet<string> | undefined;
  private readonly base: string;

  constructor(source: OnnxNode, graph: OnnxGraph, types: ReadonlyMap<string, OnnxType>) {
    this.source = source;
    this.graph = graph;
    this.types = types;
    this.base = `${source.outputs.find((output) => output !== '') ?? source.name}_${source.opType}`;
  }

  get opset(): number {
    return this.graph.opset;
  }

  /** Name of an input; `''` when absent. */
  input(index: number): string {
    return this.source.inputs[index] ?? '';
  }

  has(index: number): boolean {
    return this.input(index) !== '';
  }

  type(tensor: string): OnnxType {
    const type = this.types.get(tensor) ?? this.graph.constants.get(tensor);
    if (type === undefined || type.shape.includes(-1)) throw new NotYet(tensor);
    return type;
  }

  shape(tensor: string): readonly number[] {
    return this.type(tensor).shape;
  }

  elementType(tensor: string): ElementType {
    return this.type(tensor).elementType;
  }

  constant(tensor: string | undefined): Constant | undefined {
    return tensor === undefined || tensor === '' ? undefined : this.graph.constants.get(tensor);
  }

  numbers(tensor: string | undefined): number[] | undefined {
    const constant = this.constant(tensor);
    return constant === undefined ? undefined : numbersOf(constant);
  }

  /** Whether somebody reads output `index` of the node. */
  wants(index: number): boolean {
    const output = this.source.outputs[index] ?? '';
    if (output === '') return false;
    return this.graph.outputs.includes(output) || this.graph.nodes.some((node) => node.inputs.includes(output));
  }

  /** A float constant; one number without shape is a scalar. */
  floats(values: number | readonly number[], shape?: readonly number[]): string {
    const data = Float32Array.from(typeof values === 'number' ? [values] : values);
    return this.keep({
      shape: shape ?? (typeof values === 'number' ? [] : [data.length]),
      elementType: 'f32',
      data,
    });
  }

  /** An int64 constant; one number is a scalar. */
  ints(values: number | readonly number[], shape?: readonly number[]): string {
    const list = typeof values === 'number' ? [values] : values;
    return this.keep({
      ...int64Vector(list),
      shape: shape ?? (typeof values === 'number' ? [] : [list.length]),
    });
  }

  boolean(value: boolean): string {
    return this.keep({ shape: [], elementType: 'bool', data: Uint8Array.of(value ? 1 : 0) });
  }

  keepAs(name: string, constant: Constant): void {
    this.graph.constants.set(name, constant);
  }

  keep(constant: Constant): string {
    const name = this.fresh('const');
    this.graph.constants.set(name, constant);
    return name;
  }

  /** Adds a node that is not the last one and returns its (first) result. */
  add(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = this.fresh(opType);
    this.push(opType, inputs, [output], attributes);
    return output;
  }

  /** The same with several results. */
  addMany(opType: string, inputs: readonly string[], outputs: number, attributes: Attributes = {}): string[] {
    const names = Array.from({ length: outputs }, () => this.fresh(opType));
    this.push(opType, inputs, names, attributes);
    return names;
  }

  /** Adds the node that makes an output of the expanded one; its layer has the name that the original would have. */
  finish(opType: string, inputs: readonly string[], attributes: Attributes = {}, output = 0): void {
    const name = this.source.outputs[output] ?? '';
    if (name === '') return;
    const layer = this.source.layer ?? `${name}_${this.source.opType}`;
    this.push(opType, inputs, [name], attributes, output === 0 ? layer : undefined);
  }

  /** A node under a layer name of its own. */
  named(layer: string, opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = this.fresh(opType);
    this.push(opType, inputs, [output], attributes, layer);
    return output;
  }

  cast(tensor: string, to: ElementType): string {
    return this.elementTypeIfKnown(tensor) === to ? tensor : this.add('Cast', [tensor], { to: int(DATA_TYPES[to]) });
  }

  finishCast(tensor: string, to: ElementType, output = 0): void {
    this.finish('Cast', [tensor], { to: int(DATA_TYPES[to]) }, output);
  }

  reshape(tensor: string, shape: readonly number[]): string {
    return this.add('Reshape', [tensor, this.ints(shape)], shape.includes(0) ? { allowzero: int(1) } : {});
  }

  transpose(tensor: string, perm: readonly number[]): string {
    return perm.every((axis, index) => axis === index) ? tensor : this.add('Transpose', [tensor], { perm: ints(perm) });
  }

  expand(tensor: string, shape: readonly number[]): string {
    return this.add('Expand', [tensor, this.ints(shape)]);
  }

  /** A reduction that keeps its dimensions, whatever the opset spells axes like. */
  reduce(opType: string, tensor: string, axes: readonly number[], keepdims = true): string {
    return this.add(opType, [tensor], { axes: ints(axes), keepdims: int(keepdims ? 1 : 0) });
  }

  slice(tensor: string, axis: number, start: number, end: number): string {
    return this.add('Slice', [tensor, this.ints([start]), this.ints([end]), this.ints([axis])]);
  }

  private elementTypeIfKnown(tensor: string): ElementType | undefined {
    return (this.types.get(tensor) ?? this.graph.constants.get(tensor))?.elementType;
  }

  private push(
    opType: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Attributes,
    layer?: string,
  ): void {
    const node: OnnxNode = {
      name: outputs[0]!,
      opType,
      inputs,
      outputs,
      attributes: new Map(Object.entries(attributes)),
    };
    this.nodes.push(layer === undefined ? node : { ...node, layer });
  }

  /** A node can be expanded more than once (an old form into a new one, that one into others): names go on counting. */
  private fresh(what: string): string {
    this.taken ??= new Set(this.graph.nodes.flatMap(({ outputs }) => outputs));
    let name: string;
    do name = `${this.base}_${what}_${this.count++}`;
    while (this.taken.has(name) || this.graph.constants.has(name));
    return name;
  }
}

/**
 * Rewrites one node into others by adding to the expansion; adding nothing leaves the node as it is, because Top has it
 * in this form.
 */
export type Expander = (node: OnnxNode, to: Expansion) => void;

/** A form of an operator that is not computed. */
export function notExpanded(node: OnnxNode, found: string, expected: string): QError {
  return new QError(`The ${node.opType} node ${node.name || node.outputs[0]} is of a kind that is not supported.`, {
    code: 'onnx.unsupported-attribute',
    where: node.name || node.outputs[0]!,
    found,
    expected,
  });
}
