import type { Graph } from '@q/ir';
import { type ModelWire, type NodeWire, onnxNode, onnxTensor } from '@q/ir/onnx';
import type { Fusion } from '../config/settings.ts';
import { WireGraph } from '../modes/wire-graph.ts';
import { tensorOf } from '../prepare/read-model.ts';
import { DOMAIN, functionBody } from './function-bodies.ts';
import type { FusedGroup } from './fused-group.ts';
import { fusedGroups } from './fused-groups.ts';

/** Functions are part of a model since this version of the format. */
const FUNCTION_IR_VERSION = 8;

/** Writes the fused groups of an exported network as calls of functions, whose bodies go into the file (spacemit.md 6.2). */
export function writeFunctions(
  model: ModelWire,
  graph: Graph,
  { fusions, opset }: { readonly fusions: readonly Fusion[]; readonly opset: number },
): void {
  const groups = fusedGroups(graph, fusions);
  if (groups.length === 0) return;
  const wire = new WireGraph(model.graph!);
  for (const group of groups) replaceGroup(wire, group, graph);
  wire.nodes = neededNodes(wire);
  wire.finish();
  const types = [...new Set(groups.map(({ opType }) => opType))].sort();
  model.functions = [...(model.functions ?? []), ...types.map((type) => functionBody(type, opset))];
  model.opsetImport = [...(model.opsetImport ?? []), { domain: DOMAIN, version: 1 }];
  model.irVersion = Math.max(Number(model.irVersion ?? 0), FUNCTION_IR_VERSION);
}

function replaceGroup(wire: WireGraph, group: FusedGroup, graph: Graph): void {
  const { opType, operands, attributes } = group;
  const result = nodeOf(wire, group.result.name, graph);
  const { name: own = '' } = nodeOf(wire, group.namedAfter.name, graph);
  const name = opType === 'YoloDecode' ? `yolo_decode_${own}` : `${opType}_${own}`;
  const inputs = operands.map(({ of, at, isFlat }) => {
    const { input = [] } = nodeOf(wire, of, graph);
    const tensor = at === 'constant' ? input.find((candidate) => wire.isConstant(candidate)) : input[at];
    return isFlat === true ? flattened(wire, tensor!) : tensor!;
  });
  const call = onnxNode(opType, wire.fresh(name), inputs, [tensorOf(graph, group.result.name)], attributes);
  wire.nodes = wire.nodes.map((node) => (node === result ? { ...call, domain: DOMAIN } : node));
}

/** The node that makes a value. */
function nodeOf(wire: WireGraph, value: string, graph: Graph): NodeWire {
  const node = wire.nodes.find(({ output }) => output?.includes(tensorOf(graph, value)));
  if (node !== undefined) return node;
  throw new Error(`the written model has no tensor ${tensorOf(graph, value)}`);
}

function flattened(wire: WireGraph, tensor: string): string {
  const { data } = wire.floats(tensor)!;
  return wire.add(onnxTensor(wire.fresh(`${tensor}_flat`), 'f32', [data.length], data));
}

/** Nodes that an output of the network depends on. */
function neededNodes(wire: WireGraph): NodeWire[] {
  const needed = new Set((wire.graph.output ?? []).map(({ name = '' }) => name));
  const kept = wire.nodes.toReversed().filter(({ input = [], output = [] }) => {
    if (!output.some((name) => needed.has(name))) return false;
    for (const name of input) needed.add(name);
    return true;
  });
  return kept.reverse();
}
