import type { Graph, Op, OpOf } from '@q/ir';
import type { FinetuneLevel } from '../config/settings.ts';

export type Computing = OpOf<'top.Conv'> | OpOf<'top.Deconv'> | OpOf<'top.MatMul'>;

/** Operators whose channels meet: what makes them, and what reads them. A factor per channel can be moved between the two. */
export interface EqualizationPair {
  readonly upstream: readonly Computing[];
  readonly downstream: readonly Computing[];
}

/** Operators that a positive factor per channel passes through unchanged. */
const TRANSPARENT = new Set<string>(['top.Relu', 'top.MaxPool', 'top.PRelu', 'top.AvgPool', 'top.LeakyRelu']);
const JOINING = new Set<string>(['top.Add', 'top.Sub']);

/**
 * Groups of Conv, Gemm and ConvTranspose that are connected through activations and pools alone, from level 1 on also through
 * Add and Sub (spacemit.md 8.5). Groups with another kind of end, a network output among them, are left out.
 */
export function equalizationPairs(graph: Graph, level: FinetuneLevel, limit?: ReadonlySet<Op>): EqualizationPair[] {
  const search = new PairSearch(graph, level, limit);
  const seen = new Set<string>();
  const pairs: EqualizationPair[] = [];
  for (const op of graph.ops) {
    if (!isComputing(op, graph) || seen.has(op.name)) continue;
    const found = search.from(op.name);
    for (const value of found.values) seen.add(value);
    if (found.isClosed && found.downstream.size > 0) {
      pairs.push({ upstream: [...found.upstream], downstream: [...found.downstream] });
    }
  }
  return pairs;
}

class PairSearch {
  private readonly readers = new Map<string, Op[]>();
  private readonly producers = new Map<string, Op>();

  constructor(
    private readonly graph: Graph,
    private readonly level: FinetuneLevel,
    private readonly limit: ReadonlySet<Op> | undefined,
  ) {
    for (const op of graph.ops) {
      for (const name of new Set(op.inputs))
        if (name !== null) this.readers.set(name, [...(this.readers.get(name) ?? []), op]);
      for (const name of op.outputs) if (name !== null) this.producers.set(name, op);
    }
  }

  from(start: string) {
    const values = new Set<string>();
    const upstream = new Set<Computing>();
    const downstream = new Set<Computing>();
    let isClosed = true;
    const waiting = [start];
    for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
      if (values.has(value)) continue;
      values.add(value);
      const producer = this.producers.get(value);
      if (producer !== undefined && isComputing(producer, this.graph) && this.isInside(producer))
        upstream.add(producer);
      else if (producer !== undefined && this.passes(producer)) waiting.push(...this.activations(producer));
      else isClosed = false;
      if (this.graph.outputs.includes(value)) isClosed = false;
      for (const reader of this.readers.get(value) ?? []) {
        if (this.isInside(reader) && isComputing(reader, this.graph) && reader.inputs[0] === value)
          downstream.add(reader);
        else if (this.passes(reader)) waiting.push(...this.activations(reader), reader.outputs[0]!);
        else isClosed = false;
      }
    }
    return { values, upstream, downstream, isClosed };
  }

  private isInside(op: Op): boolean {
    return this.limit === undefined || this.limit.has(op);
  }

  private passes(op: Op): boolean {
    if (!this.isInside(op)) return false;
    if (op.type === 'top.Relu') return op.attributes.reluLimit <= 0;
    if (TRANSPARENT.has(op.type)) return true;
    if (this.level < 1 || !JOINING.has(op.type)) return false;
    const shapes = op.inputs.map((name) => this.graph.values.get(name!)?.shape.join());
    return shapes.length === 2 && shapes[0] !== undefined && shapes[0] === shapes[1];
  }

  private activations(op: Op): string[] {
    return op.inputs.filter((name): name is string => name !== null && this.graph.values.has(name));
  }
}

/** Conv, ConvTranspose or Gemm with constants. */
export function isComputing(op: Op, graph: Graph): op is Computing {
  if (op.type !== 'top.Conv' && op.type !== 'top.Deconv' && op.type !== 'top.MatMul') return false;
  if ('doRelu' in op.attributes && op.attributes.doRelu) return false;
  const isFloat = (name: string | null | undefined) =>
    name != null && graph.weights.get(name)?.data instanceof Float32Array;
  if (!isFloat(op.inputs[1]) || (op.inputs[2] != null && !isFloat(op.inputs[2]))) return false;
  return op.type !== 'top.MatMul' || (op.inputs[2] != null && graph.values.get(op.name)!.shape.length === 2);
}
