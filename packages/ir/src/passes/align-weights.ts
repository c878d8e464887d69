import type { Graph, Weight } from '../graph.ts';

/** Operators whose constant operands get the rank of the other operand. */
const BINARY: ReadonlySet<string> = new Set(['top.Add', 'top.Sub', 'top.Mul']);

/**
 * Ones in front of the shape of a weight that is added, subtracted or multiplied with a value of more dimensions, as shape
 * inference in TPU-MLIR 1.17 and 1.30 writes them. The graph's weights must have one reader each.
 */
export function alignWeights(graph: Graph): Graph {
  const weights = new Map<string, Weight>(graph.weights);
  for (const op of graph.ops) {
    if (!BINARY.has(op.type)) continue;
    const rank = graph.values.get(op.name)?.shape.length ?? 0;
    for (const name of op.inputs) {
      const weight = name === null ? undefined : weights.get(name);
      const missing = weight === undefined ? 0 : rank - weight.type.shape.length;
      if (weight === undefined || missing <= 0) continue;
      const shape = [...new Array<number>(missing).fill(1), ...weight.type.shape];
      // A weight of one element becomes a number later.
      if (weight.data.length > 1) weights.set(name!, { ...weight, type: { ...weight.type, shape } });
    }
  }
  return { ...graph, weights };
}
