import { type OnnxAttribute, type OnnxGraph, type OnnxNode, replaceValue } from '../onnx-graph.ts';

/** Text that is equal for nodes that compute the same; undefined for nodes that are not comparable. */
function signature(node: OnnxNode): string | undefined {
  if (/^Random|^Multinomial|^Bernoulli/.test(node.opType)) return undefined;
  const attributes = [...node.attributes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, attribute]) => [name, text(attribute)]);
  if (attributes.some(([, value]) => value === undefined)) return undefined;
  return JSON.stringify([node.opType, node.inputs, node.outputs.length, attributes]);
}

function text(attribute: OnnxAttribute): string | undefined {
  if (attribute.kind === 'tensor' || attribute.kind === 'other') return undefined;
  return `${attribute.kind}:${[attribute.value].flat().join(' ')}`;
}

/** Nodes that compute the same merge into the first of them. */
export function mergeDuplicates(graph: OnnxGraph): boolean {
  const first = new Map<string, string>();
  let merged = false;
  for (const output of graph.nodes.flatMap(({ outputs }) => (outputs.length === 1 ? outputs : []))) {
    // Merging has replaced nodes whose inputs changed: look the current one up.
    const node = graph.nodes.find(({ outputs }) => outputs[0] === output);
    const key = node === undefined ? undefined : signature(node);
    if (key === undefined) continue;
    const kept = first.get(key);
    if (kept === undefined) first.set(key, output);
    else merged = replaceValue(graph, output, kept) || merged;
  }
  return merged;
}
