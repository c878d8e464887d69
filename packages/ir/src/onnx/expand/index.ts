import { isQError, QError } from '../../errors.ts';
import { type OnnxGraph, type OnnxNode, type OnnxType, replaceNode } from '../onnx-graph.ts';
import { attentionExpanders } from './attention.ts';
import { controlFlowExpanders } from './control-flow.ts';
import { einsum } from './einsum.ts';
import { elementwiseExpanders } from './elementwise.ts';
import { type Expander, Expansion, NotYet } from './expansion.ts';
import { indexingExpanders } from './indexing.ts';
import { LEGACY_BROADCASTS, withLegacyBroadcast } from './legacy-broadcast.ts';
import { lossExpanders } from './loss.ts';
import { normalizationExpanders } from './normalization.ts';
import { quantizationExpanders } from './quantization.ts';
import { reductionExpanders } from './reduction.ts';
import { signalExpanders } from './signal.ts';
import { stateExpanders } from './state.ts';

const modern: Readonly<Record<string, Expander>> = {
  ...attentionExpanders,
  ...controlFlowExpanders,
  ...elementwiseExpanders,
  ...indexingExpanders,
  ...lossExpanders,
  ...normalizationExpanders,
  ...quantizationExpanders,
  ...reductionExpanders,
  ...signalExpanders,
  ...stateExpanders,
  Einsum: einsum,
};

const expanders: ReadonlyMap<string, Expander> = new Map([
  ...Object.entries(modern),
  ...LEGACY_BROADCASTS.map((type) => [type, withLegacyBroadcast(modern[type])] as const),
]);

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
    throw isQError(error) ? error : malformed(node, error);
  }
  return expansion.nodes.length === 0 ? undefined : expansion.nodes;
}

/** A node that breaks an expander lacks something that ONNX requires of its type. */
function malformed(node: OnnxNode, cause: unknown): QError {
  const where = node.name || node.outputs[0]!;
  const found = cause instanceof Error ? cause.message : String(cause);
  const issue = { code: 'onnx.malformed-node', where, found, expected: `inputs and attributes of ${node.opType}` };
  return new QError(`The ${node.opType} node ${where} is not usable: ${found}.`, issue, { cause });
}
