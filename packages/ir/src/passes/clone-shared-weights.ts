import type { Graph, Op } from '../graph.ts';

/**
 * Gives every use of a weight a weight of its own, as shape inference in TPU-MLIR does: `<weight>_0`, `<weight>_1`, … in the
 * order of use; the original goes (ir.md 4.1). The data are shared, not copied.
 */
export function cloneSharedWeights(graph: Graph): Graph {
  const uses = new Map<string, number>();
  for (const input of graph.ops.flatMap((op) => op.inputs)) {
    if (input !== null && graph.weights.has(input)) uses.set(input, (uses.get(input) ?? 0) + 1);
  }
  const weights = new Map(graph.weights);
  const next = new Map<string, number>();
  const taken = (name: string) => weights.has(name) || graph.values.has(name);
  const clone = (name: string): string => {
    let index = next.get(name) ?? 0;
    while (taken(`${name}_${index}`)) index++;
    next.set(name, index + 1);
    weights.set(`${name}_${index}`, graph.weights.get(name)!);
    return `${name}_${index}`;
  };
  const ops = graph.ops.map((op): Op => {
    if (!op.inputs.some((input) => (uses.get(input ?? '') ?? 0) > 1)) return op;
    return {
      ...op,
      inputs: op.inputs.map((input) => ((uses.get(input ?? '') ?? 0) > 1 ? clone(input!) : input)),
    } as Op;
  });
  for (const [name, count] of uses) if (count > 1) weights.delete(name);
  return { ...graph, ops, weights };
}
