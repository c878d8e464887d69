import type { Graph } from '@q/ir';

/** Operators to execute, in order, so that wanted values hold their data. */
export interface WalkPlan {
  readonly operators: readonly number[];
  /** Network inputs must be loaded first. */
  readonly needsInputs: boolean;
}

/** Which operators of a graph make which values, and how long those are needed. */
export class BaseWalk {
  readonly #graph: Graph;
  readonly #isConstant: (value: string) => boolean;
  readonly #producer = new Map<string, number>();
  readonly #lastReader = new Map<string, number>();

  constructor(graph: Graph, isConstant: (value: string) => boolean) {
    this.#graph = graph;
    this.#isConstant = isConstant;
    graph.ops.forEach((op, at) => {
      for (const name of op.inputs) if (name !== null) this.#lastReader.set(name, at);
      for (const name of op.outputs) if (name !== null) this.#producer.set(name, at);
    });
    for (const name of graph.outputs) this.#lastReader.set(name, graph.ops.length);
  }

  /** The last position in the operators at which all `wanted` values are still alive or yet to be made. */
  latestCut(wanted: Iterable<string>): number {
    let cut = this.#graph.ops.length;
    for (const name of wanted) {
      const end = Math.max(this.#lastReader.get(name) ?? 0, this.#producer.get(name) ?? 0);
      cut = Math.min(cut, end);
    }
    return cut;
  }

  /** Values made before operator `cut` that it or a later one, or the caller of the network, reads. */
  aliveAt(cut: number): string[] {
    return [...this.#producer]
      .filter(([name, at]) => at < cut && (this.#lastReader.get(name) ?? -1) >= cut && !this.#isConstant(name))
      .map(([name]) => name);
  }

  /** What to execute for `wanted` when only `known` values (and constants) hold data. */
  planFor(wanted: Iterable<string>, known: ReadonlySet<string>): WalkPlan {
    const operators = new Set<number>();
    let needsInputs = false;
    const queue = [...wanted];
    const seen = new Set<string>();
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      if (seen.has(name) || known.has(name) || this.#isConstant(name)) continue;
      seen.add(name);
      const at = this.#producer.get(name);
      if (at === undefined) continue;
      const op = this.#graph.ops[at]!;
      if (op.type === 'top.Input') needsInputs = true;
      else if (!operators.has(at)) {
        operators.add(at);
        for (const input of op.inputs) if (input !== null) queue.push(input);
      }
    }
    return { operators: [...operators].sort((a, b) => a - b), needsInputs };
  }
}
