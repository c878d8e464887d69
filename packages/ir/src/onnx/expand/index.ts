import { type OnnxGraph, type OnnxNode, type OnnxType, replaceNode } from '../onnx-graph.ts';
import { attentionExpanders } from './attention.ts';
import { controlFlowExpanders } from './control-flow.ts';
import { einsum } from './einsum.ts';
import { elementwiseExpanders } from './elementwise.ts';
import { type Expander, Expansion, NotYet } from './expansion.ts';
import { indexingExpanders } from './indexing.ts';
import { normalizationExpanders } from './normalization.ts';
import { quantizationExpanders } from './quantization.ts';
import { reductionExpanders } from './reduction.ts';

const expanders: ReadonlyMap<string, Expander> = new Map(
  Object.entries<Expander>({
    ...attentionExpanders,
    ...controlFlowExpanders,
    ...elementwiseExpanders,
    ...indexingExpanders,
    ...normalizationExpanders,
    ...quantizationExpanders,
    ...reductionExpanders,
    Einsum: einsum,
  }),
);

/**
 * Replaces operators, and forms of operators, that Top does not have by nodes that it has: what ONNX calls function
 * bodies, and control flow whose course is known. Nodes whose operand types are not known yet wait for the next call; with
 * `isFinal` those that wait for constants throw `onnx.unsupported-attribute`. Returns whether anything changed.
 */
export function expandNodes(graph: OnnxGraph, types: ReadonlyMap<string, OnnxType>, isFinal = false): boolean {
  let changed = false;
  for (const node of [...graph.nodes]) {
    const replacement = expansionOf(node, graph, types, isFinal);
    if (replacement === undefined) continue;
    replaceNode(graph, node, ...replacement);
    changed = true;
  }
  return changed;
}

function expansionOf(
  node: OnnxNode,
  graph: OnnxGraph,
  types: ReadonlyMap<string, OnnxType>,
  isFinal: boolean,
): readonly OnnxNode[] | undefined {
  const expander = expanders.get(node.opType);
  if (expander === undefined) return undefined;
  const expansion = new Expansion(node, graph, types);
  try {
    expander(node, expansion);
  } catch (error) {
    // What is computed at run time now may be a constant after the next folding.
    if (error instanceof NotYet || !isFinal) return undefined;
    throw error;
  }
  return expansion.nodes.length === 0 ? undefined : expansion.nodes;
}
