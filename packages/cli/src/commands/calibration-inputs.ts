import { applyTransform, parseTransform } from '@q/dataset';
import type { Graph } from '@q/ir';
import type { Arguments } from '../arguments/arguments.ts';

/** A network as samples are prepared for it, and what may be misunderstood about that. */
export interface FedGraph {
  readonly graph: Graph;
  readonly warnings: readonly string[];
}

/** The network with the preprocessing of `--cali_image_preprocess` where it is given (bm1684-tools.md 3.3). */
export function fedGraph(graph: Graph, args: Arguments): FedGraph {
  const text = args.optionalString('cali_image_preprocess');
  if (text === undefined) return { graph, warnings: [] };
  const settings = parseTransform(text);
  return { graph: applyTransform(graph, settings), warnings: settings.warnings };
}
