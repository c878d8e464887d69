import { QError } from '../../errors.ts';
import type { Emit } from '../../events.ts';
import type { OpType } from '../../operators/index.ts';
import { numbersOf, type OnnxGraph, type OnnxNode, type OnnxType } from '../onnx-graph.ts';
import type { Constant } from '../tensor-data.ts';
import { type NewOp, TopBuilder } from '../top-builder.ts';

/** Turns one ONNX node into Top operators (ir.md 8.2-8.5). */
export type Converter = (node: OnnxNode, to: Conversion) => void;

/** f32 data of a constant: a view when it is f32 already. */
export function floatData(constant: Constant): Float32Array {
  const { data } = constant;
  return data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number | bigint>, Number);
}

/** Where converters read the ONNX graph and write the Top graph. */
export class Conversion {
  readonly builder = new TopBuilder();
  /** Top value of every ONNX tensor that has one. */
  readonly values = new Map<string, string>();
  /** Types of ONNX values, with rank 0 kept. */
  readonly types = new Map<string, OnnxType>();
  /** ONNX tensor of every Top value that has one. */
  readonly tensorNames = new Map<string, string>();
  private readonly graph: OnnxGraph;
  private readonly read: ReadonlySet<string>;
  private readonly emit: Emit | undefined;

  constructor(graph: OnnxGraph, emit?: Emit) {
    this.graph = graph;
    this.emit = emit;
    this.read = new Set([...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs]);
  }

  get opset(): number {
    return this.graph.opset;
  }

  /** Whether anybody reads this ONNX value. */
  isRead(tensor: string): boolean {
    return tensor !== '' && this.read.has(tensor);
  }

  /** Tells the user that a layer will not compute exactly what the node says. */
  warn(node: OnnxNode, code: string, message: string): void {
    const where = layerName(node);
    this.emit?.({ type: 'warning', code, where, message: `${where}: ${message}` });
  }

  constant(tensor: string | undefined): Constant | undefined {
    return tensor === undefined || tensor === '' ? undefined : this.graph.constants.get(tensor);
  }

  /** The numbers of a constant input; undefined when it is absent or not constant. */
  numbers(tensor: string | undefined): number[] | undefined {
    const constant = this.constant(tensor);
    return constant === undefined ? undefined : numbersOf(constant);
  }

  /**
   * The value of a constant whose elements are all equal, as f32: TPU-MLIR's scalar test, which accepts uniform arrays
   * (ir.md 8.5). Undefined for anything else.
   */
  scalar(tensor: string | undefined): number | undefined {
    const constant = this.constant(tensor);
    if (constant === undefined || constant.data.length === 0) return undefined;
    const first = constant.data[0]!;
    const uniform = (constant.data as Float32Array).every((value) => value === first);
    return uniform ? Math.fround(Number(first)) : undefined;
  }

  type(tensor: string): OnnxType {
    const type = this.types.get(tensor) ?? this.constant(tensor);
    if (type === undefined) {
      throw new QError(`The type of ${tensor} is not known.`, { code: 'onnx.unknown-value', where: tensor });
    }
    return type;
  }

  /** The Top value or weight of an ONNX tensor; `null` for an absent one. */
  operand(tensor: string | undefined): string | null {
    if (tensor === undefined || tensor === '') return null;
    const constant = this.constant(tensor);
    if (constant !== undefined) return this.builder.addWeight(tensor, constant.shape, () => floatData(constant));
    const value = this.values.get(tensor);
    if (value === undefined) {
      throw new QError(`The tensor ${tensor} is read before it is made.`, {
        code: 'onnx.unknown-value',
        where: tensor,
      });
    }
    return value;
  }

  /** Adds a Top operator that is not the last one of its node. */
  add<T extends OpType>(type: T, op: NewOp<T>): string {
    return this.builder.add(type, op);
  }

  /** Adds the Top operator that makes the node's first output, named `<output>_<op type>`. */
  finish<T extends OpType>(node: OnnxNode, type: T, op: Omit<NewOp<T>, 'name'> & { readonly name?: string }): void {
    const tensor = node.outputs[0]!;
    this.define(tensor, this.builder.add(type, { ...op, name: op.name ?? layerName(node) }));
  }

  /** Says which Top value an ONNX tensor is. */
  define(tensor: string, value: string): void {
    this.values.set(tensor, value);
    if (!this.tensorNames.has(value)) this.tensorNames.set(value, tensor);
  }

  /** The node makes no layer: its output is its input (ir.md 8.4). */
  skip(node: OnnxNode, input: string = node.inputs[0]!): void {
    const value = this.operand(input)!;
    this.values.set(node.outputs[0]!, value);
  }
}

/** `<first output tensor name>_<op type>` (ir.md 8.2). */
export function layerName(node: OnnxNode): string {
  return node.layer ?? `${node.outputs[0]}_${node.opType}`;
}

/** An attribute value or input that no Top operator can express. */
export function unsupported(node: OnnxNode, found: string, expected: string): QError {
  return new QError(`The ${node.opType} node ${node.name || node.outputs[0]} is of a kind that is not supported.`, {
    code: 'onnx.unsupported-attribute',
    where: node.name || node.outputs[0]!,
    found,
    expected,
  });
}

/** A constant that must be known while importing. */
export function requiredNumbers(node: OnnxNode, to: Conversion, index: number, what: string): number[] {
  const numbers = to.numbers(node.inputs[index]);
  if (numbers === undefined) throw unsupported(node, `${what} computed at run time`, `constant ${what}`);
  return numbers;
}
