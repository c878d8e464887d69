import type { Graph, KnownOp, Op, Weight } from '../graph.ts';
import { expandAttention } from '../passes/expand-attention.ts';
import type { TensorType } from '../tensor-type.ts';

/** A graph while a lowering rewrites it. The graph that came in is never touched: maps are copies. */
export class WorkingGraph {
  ops: Op[];
  readonly values: Map<string, TensorType>;
  readonly weights: Map<string, Weight>;
  readonly outputs: readonly string[];
  #users: Map<string, Op[]> | undefined;

  constructor(given: Graph) {
    const graph = expandAttention(given);
    this.ops = [...graph.ops];
    this.values = new Map(graph.values);
    this.weights = new Map(graph.weights);
    this.outputs = graph.outputs;
  }

  /** Replaces the op at `index`; `undefined` removes it. */
  replace(index: number, op: Op | undefined): void {
    this.ops.splice(index, 1, ...(op === undefined ? [] : [op]));
    this.#users = undefined;
  }

  /** Operators that read `value`, once per use; a use as network output is not among them. */
  usersOf(value: string): readonly Op[] {
    if (this.#users === undefined) {
      this.#users = new Map();
      for (const op of this.ops) {
        for (const input of op.inputs) {
          if (input !== null) this.#users.set(input, [...(this.#users.get(input) ?? []), op]);
        }
      }
    }
    return this.#users.get(value) ?? [];
  }

  /** Uses of a value, counting each network output. */
  useCount(value: string): number {
    return this.usersOf(value).length + this.outputs.filter((name) => name === value).length;
  }

  isWeight(name: string | null): name is string {
    return name !== null && this.weights.has(name);
  }

  producerOf(value: string): Op | undefined {
    return this.ops.find((op) => op.outputs.includes(value));
  }
}

/** Floats of a weight of a Top graph. */
export function floatsOf(weight: Weight): Float32Array {
  return weight.data instanceof Float32Array ? weight.data : Float32Array.from(weight.data as ArrayLike<number>);
}

/** Largest magnitude; 0 of nothing. */
export function absMax(data: ArrayLike<number>, from = 0, to = data.length): number {
  let largest = 0;
  for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(data[i]!));
  return largest;
}

/** Smallest and largest element. */
export function extremes(data: ArrayLike<number>): { readonly min: number; readonly max: number } {
  let min = data[0] ?? 0;
  let max = min;
  for (let i = 1; i < data.length; i++) {
    min = Math.min(min, data[i]!);
    max = Math.max(max, data[i]!);
  }
  return { min, max };
}

export function isKnown(op: Op): op is KnownOp {
  return op.type !== 'unknown';
}
