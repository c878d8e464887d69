import type { Graph } from '../../graph.ts';
export function canonicalize(graph: Graph): Graph {
  return graph;
}
