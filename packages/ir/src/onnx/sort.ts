import { QError } from '../errors.ts';
import { type OnnxGraph, type OnnxNode, readsOf } from './onnx-graph.ts';

/**
 * Puts the nodes in topological order, keeping the file's order where it is one already. Throws `onnx.cycle` or
 * `onnx.unknown-value` for inputs that nothing makes.
 */
export function sortNodes(graph: OnnxGraph): void {
  const made = new Set(['', ...graph.constants.keys(), ...graph.inputs.map(({ name }) => name)]);
  const sorted: OnnxNode[] = [];
  let waiting = graph.nodes;
  while (waiting.length > 0) {
    const rest: OnnxNode[] = [];
    for (const node of waiting) {
      if (readsOf(node).every((input) => made.has(input))) {
        sorted.push(node);
        for (const output of node.outputs) made.add(output);
      } else rest.push(node);
    }
    if (rest.length === waiting.length) throw stuck(graph, rest);
    waiting = rest;
  }
  graph.nodes = sorted;
}

function stuck(graph: OnnxGraph, rest: readonly OnnxNode[]): QError {
  const produced = new Set(graph.nodes.flatMap((node) => node.outputs));
  const issues = rest.flatMap((node) =>
    readsOf(node)
      .filter((input) => input !== '' && !produced.has(input) && !graph.constants.has(input))
      .filter((input) => !graph.inputs.some(({ name }) => name === input))
      .map((input) => ({ code: 'onnx.unknown-value', where: node.name || node.outputs[0]!, found: input })),
  );
  if (issues.length > 0) {
    return new QError(`The node ${issues[0]!.where} reads ${issues[0]!.found}, which nothing makes.`, issues[0]!, {
      issues,
    });
  }
  const names = rest.map((node) => node.name || node.outputs[0]!).join(', ');
  return new QError('The nodes of the ONNX graph form a cycle.', { code: 'onnx.cycle', where: names });
}
