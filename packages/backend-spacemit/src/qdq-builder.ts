import {
  attributesWithDefaults,
  type Graph,
  type KnownOp,
  type Op,
  type OpAttributes,
  type OpOf,
  type OpType,
  type TensorType,
  type Weight,
} from '@q/ir';
import type { Int8Parameters, QuantizedConstant } from './parameters.ts';

/** Suffix of a quantized operator's own result; the value's name passes to the DequantizeLinear behind it. */
export const RAW_SUFFIX = '_unquantized';

/** Collects the ops, values and weights of the graph being lowered. */
export class QdqBuilder {
  readonly ops: Op[] = [];
  readonly values = new Map<string, TensorType>();
  readonly weights = new Map<string, Weight>();
  private readonly graph: Graph;
  private readonly constants = new Map<string, string>();

  constructor(graph: Graph) {
    this.graph = graph;
  }

  type(name: string): TensorType {
    return (
      this.values.get(name) ??
      this.weights.get(name)?.type ??
      this.graph.values.get(name) ??
      this.graph.weights.get(name)!.type
    );
  }

  /** Copies an op as it is, with the weights that it reads. */
  keep(op: Op): void {
    for (const name of op.outputs) if (name !== null) this.values.set(name, this.graph.values.get(name)!);
    this.push(op);
  }

  /** Adds an op whose results have their types already. */
  push(op: Op): void {
    for (const name of op.inputs) this.useWeight(name);
    this.ops.push(op);
  }

  /** Adds an op with one float result. */
  add(op: KnownOp, shape: readonly number[]): void {
    this.values.set(op.name, { shape, dtype: 'f32' });
    this.push(op);
  }

  /** Adds an op by parts; `attributes` complete the schema's defaults. */
  create<T extends OpType>(
    type: T,
    name: string,
    inputs: readonly (string | null)[],
    attributes: Partial<OpAttributes[T]>,
    shape: readonly number[],
  ): string {
    const op = { type, name, inputs, outputs: [name], attributes: attributesWithDefaults(type, attributes) };
    // Type and attributes come from the same row.
    this.add(op as unknown as KnownOp, shape);
    return name;
  }

  /** QuantizeLinear and DequantizeLinear from `raw` to the value `name`. */
  pair(raw: string, name: string, { scale, zeroPoint }: Int8Parameters): void {
    const { shape } = this.type(raw);
    const codes = `${name}_quantized`;
    const quantized = { yScale: [scale], yZeroPoint: [zeroPoint] };
    this.create('top.QuantizeLinear', codes, [raw], quantized, shape);
    this.values.set(codes, {
      shape,
      dtype: 'i8',
      quantization: { kind: 'uniform', expressed: 'f32', scale, zeroPoint },
    });
    this.create('top.DequantizeLinear', name, [codes], { xScale: [scale], xZeroPoint: [zeroPoint] }, shape);
  }

  /** An integer weight under its original name, and the DequantizeLinear that reads it; shared by its readers. */
  constant(name: string, shape: readonly number[], make: (data: Float32Array) => QuantizedConstant): string {
    const known = this.constants.get(`${name} ${shape.join()}`);
    if (known !== undefined) return known;
    const source = this.graph.weights.get(name)!;
    const dequantized = this.codes(name, shape, make(source.data as Float32Array));
    this.constants.set(`${name} ${shape.join()}`, dequantized);
    return dequantized;
  }

  /** Codes as a weight, and the DequantizeLinear that reads them. */
  codes(name: string, shape: readonly number[], { codes, scales, zeroPoints, axis = 0 }: QuantizedConstant): string {
    const key = this.freeWeight(name);
    this.weights.set(key, { type: { shape, dtype: codes instanceof Int8Array ? 'i8' : 'i32' }, data: codes });
    const attributes = { xScale: scales, xZeroPoint: zeroPoints, axis: scales.length === 1 ? 1 : axis };
    return this.create('top.DequantizeLinear', `${key}_dequantized`, [key], attributes, shape);
  }

  /** Scales of the constant behind a DequantizeLinear made here. */
  scalesOf(dequantized: string): readonly number[] {
    const op = this.ops.find(({ name }) => name === dequantized) as OpOf<'top.DequantizeLinear'>;
    return op.attributes.xScale;
  }

  /** A float weight made here. */
  weight(name: string, shape: readonly number[], data: Float32Array): string {
    const key = this.freeWeight(name);
    this.weights.set(key, { type: { shape, dtype: 'f32' }, data });
    return key;
  }

  private useWeight(name: string | null): void {
    const weight = name === null ? undefined : this.graph.weights.get(name);
    if (weight !== undefined && !this.weights.has(name!)) this.weights.set(name!, weight);
  }

  /** A weight that is also read as float keeps its name for that. */
  private freeWeight(name: string): string {
    let key = name;
    for (let i = 1; this.weights.has(key) || this.values.has(key); i++) key = `${name}_${i}`;
    return key;
  }
}
