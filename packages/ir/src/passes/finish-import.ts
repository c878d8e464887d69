import type { Graph } from '../graph.ts';
import { alignWeights } from './align-weights.ts';
import { canonicalize } from './canonicalize/index.ts';
import { cloneSharedWeights } from './clone-shared-weights.ts';
import { countFlops } from './flops.ts';

/**
 * How far an import goes. `nodes`: every node as it is in the file, nothing merged: what the framework computes, layer by
 * layer. `origin`: what the front end writes to `_origin.mlir` (ir.md 7). `final`: the network.
 */
export type ImportStage = 'nodes' | 'origin' | 'final';

/** From `origin` to `final`: the Top pipeline of model_transform (ir.md 7), and the count of its operations. */
export function finishImport(origin: Graph): Graph {
  const graph = canonicalize(alignWeights(cloneSharedWeights(origin)));
  const flops = { kind: 'int', value: countFlops(graph), type: 'i64' } as const;
  return { ...graph, moduleAttributes: { ...graph.moduleAttributes, 'module.FLOPs': flops } };
}
