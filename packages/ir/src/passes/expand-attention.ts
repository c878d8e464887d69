import type { Graph, KnownOp, Op, OpOf, Weight } from '../graph.ts';
import { attributesWithDefaults } from '../operators/defaults.ts';
import type { OpAttributes, OpType } from '../operators/index.ts';
import type { TensorType } from '../tensor-type.ts';

type Attention = OpOf<'top.ScaleDotProductAttention'>;

/** What a mask adds where nothing may be seen: enough for a Softmax, and no infinity for what is calibrated (ir.md 7.3, Where). */
const UNSEEN = -1e4;

/**
 * Writes every `top.ScaleDotProductAttention` with matrix products and a Softmax, in the order and under the names of TPU-MLIR's
 * canonicalisation (ir.md 7.3); the last product keeps the layer's name. For lowerings: no processor has the operator. A graph
 * without attention comes back as it is.
 */
export function expandAttention(graph: Graph): Graph {
  const isAttention = (op: Op): op is Attention => op.type === 'top.ScaleDotProductAttention';
  if (!graph.ops.some(isAttention)) return graph;
  const values = new Map(graph.values);
  const weights = new Map(graph.weights);
  const ops = graph.ops.flatMap((op): readonly Op[] => (isAttention(op) ? new Steps(op, values, weights).all() : [op]));
  return { ...graph, ops, values, weights };
}

/** The operators that one attention becomes. */
class Steps {
  private readonly op: Attention;
  private readonly values: Map<string, TensorType>;
  private readonly weights: Map<string, Weight>;
  private readonly ops: KnownOp[] = [];

  constructor(op: Attention, values: Map<string, TensorType>, weights: Map<string, Weight>) {
    this.op = op;
    this.values = values;
    this.weights = weights;
  }

  all(): KnownOp[] {
    const { inputs, attributes } = this.op;
    const [query, key, value] = inputs as readonly [string, string, string];
    const [B, H, T, D] = this.shape(key) as [number, number, number, number];
    const shape = [B, H, this.shape(query)[2]!, T];
    const turned = this.add('top.Permute', `${key}_permute`, [key], [B, H, D, T], { order: [0, 1, 3, 2] });
    const product = this.add('top.MatMul', `${query}_kvmatmul`, [query, turned, null], shape);
    const constVal = attributes.scale === 0 ? 1 / Math.sqrt(D) : attributes.scale;
    let scores = this.add('top.MulConst', `${query}_kvmatmul_with_scaled`, [product], shape, { constVal });
    if (attributes.softcap !== undefined) scores = this.capped(scores, shape, attributes.softcap);
    for (const mask of this.masks(shape)) scores = this.add('top.Add', `${query}_kv_masked`, [scores, mask], shape);
    const weights = this.add('top.Softmax', `${query}_kv_scaled_softmax`, [scores], shape, { axis: 3 });
    this.push('top.MatMul', this.op.name, [weights, value, null]);
    return this.ops;
  }

  private capped(scores: string, shape: readonly number[], cap: number): string {
    const small = this.add('top.MulConst', `${scores}_capped`, [scores], shape, { constVal: 1 / cap });
    const bent = this.add('top.Tanh', `${scores}_tanh`, [small], shape);
    return this.add('top.MulConst', `${scores}_softcap`, [bent], shape, { constVal: cap });
  }

  /** What is added to the scores: the causal mask as a weight, and the mask operand. */
  private masks(shape: readonly number[]): string[] {
    const given = this.op.inputs[3];
    const masks = given == null ? [] : [this.finite(given)];
    if (!this.op.attributes.isCausal) return masks;
    const [S, T] = shape.slice(2) as [number, number];
    const data = Float32Array.from({ length: S * T }, (_, at) => (at % T > Math.floor(at / T) ? UNSEEN : 0));
    const name = this.free(`${this.op.name}_causal_mask`);
    this.weights.set(name, { type: { shape: [1, 1, S, T], dtype: 'f32' }, data });
    return [name, ...masks];
  }

  /** A mask that is a weight, without infinities. */
  private finite(mask: string): string {
    const weight = this.weights.get(mask);
    if (!(weight?.data instanceof Float32Array) || weight.data.every((value) => value >= UNSEEN)) return mask;
    const name = this.free(`${mask}_finite`);
    this.weights.set(name, { ...weight, data: weight.data.map((value) => Math.max(value, UNSEEN)) });
    return name;
  }

  private shape(name: string): readonly number[] {
    return (this.values.get(name) ?? this.weights.get(name)?.type)!.shape;
  }

  /** A key that several layers share gives its name only once. */
  private free(name: string): string {
    let free = name;
    for (let count = 1; this.values.has(free) || this.weights.has(free); count++) free = `${name}_${count}`;
    return free;
  }

  private add<T extends OpType>(
    type: T,
    name: string,
    inputs: readonly (string | null)[],
    shape: readonly number[],
    attributes: Partial<OpAttributes[T]> = {},
  ): string {
    const free = this.free(name);
    this.values.set(free, { shape, dtype: 'f32' });
    this.push(type, free, inputs, attributes);
    return free;
  }

  private push<T extends OpType>(
    type: T,
    name: string,
    inputs: readonly (string | null)[],
    attributes: Partial<OpAttributes[T]> = {},
  ): void {
    const full = attributesWithDefaults(type, attributes);
    this.ops.push({ type, name, inputs, outputs: [name], attributes: full } as unknown as KnownOp);
  }
}
