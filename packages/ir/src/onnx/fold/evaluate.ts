import { elementCount } from '../../dtype.ts';
import type { OnnxGraph, OnnxNode, OnnxType } from '../onnx-graph.ts';
import { intAttribute, removeDeadNodes, tensorAttribute } from '../onnx-graph.ts';
import type { Constant } from '../tensor-data.ts';
import { arithmeticEvaluators } from './arithmetic.ts';
import { int64Vector } from './constant-array.ts';
import { movementEvaluators } from './movement.ts';
import { reductionEvaluators } from './reduction.ts';
import { selectionEvaluators } from './selection.ts';
import { signalEvaluators } from './signal.ts';

export interface FoldContext {
  readonly opset: number;
}

/** Results of a node whose inputs are all constant; undefined when this variant of the operator is not evaluated. */
export type Evaluator = (
  inputs: readonly (Constant | undefined)[],
  node: OnnxNode,
  context: FoldContext,
) => Constant[] | undefined;

const evaluators: Readonly<Record<string, Evaluator>> = {
  ...movementEvaluators,
  ...arithmeticEvaluators,
  ...reductionEvaluators,
  ...selectionEvaluators,
  ...signalEvaluators,
};

/**
 * Evaluates nodes whose inputs are all constants, and `Shape` of values whose type is known (ir.md 8.1, step 3). Their
 * results become constants under their own tensor names; QuantizeLinear and DequantizeLinear stay. Returns whether
 * anything was folded.
 */
export function foldConstants(graph: OnnxGraph, types: ReadonlyMap<string, OnnxType>): boolean {
  const remaining: OnnxNode[] = [];
  for (const node of graph.nodes) {
    const results = evaluated(node, graph, types);
    if (results === undefined) remaining.push(node);
    else
      node.outputs.forEach((output, index) => {
        if (output !== '') graph.constants.set(output, results[index]!);
      });
  }
  const folded = remaining.length < graph.nodes.length;
  graph.nodes = remaining;
  if (folded) removeDeadNodes(graph);
  return folded;
}

/** Constants that are small can make one that is not; such a node is left to the executor, which knows its memory. */
const MOST_ELEMENTS = 2 ** 24;

function evaluated(node: OnnxNode, graph: OnnxGraph, types: ReadonlyMap<string, OnnxType>): Constant[] | undefined {
  const given = node.inputs.reduce((sum, input) => sum + (graph.constants.get(input)?.data.length ?? 0), 0);
  const made = node.outputs.reduce((sum, output) => sum + elementCount(types.get(output)?.shape ?? []), 0);
  if (made > Math.max(MOST_ELEMENTS, 2 * given)) return undefined;
  try {
    return constantResults(node, graph, types);
  } catch {
    // A malformed node stays where it is: its conversion names it.
    return undefined;
  }
}

function constantResults(
  node: OnnxNode,
  graph: OnnxGraph,
  types: ReadonlyMap<string, OnnxType>,
): Constant[] | undefined {
  if (node.opType === 'Constant') return constantNode(node);
  if (node.opType === 'Size') return sizeResult(types.get(node.inputs[0]!) ?? graph.constants.get(node.inputs[0]!));
  if (node.opType === 'Shape')
    return shapeResult(node, types.get(node.inputs[0]!) ?? graph.constants.get(node.inputs[0]!));
  const evaluator = evaluators[node.opType];
  const present = node.inputs.filter((input) => input !== '');
  if (evaluator === undefined || present.length === 0 || !present.every((input) => graph.constants.has(input)))
    return undefined;
  return evaluator(
    node.inputs.map((input) => graph.constants.get(input)),
    node,
    { opset: graph.opset },
  );
}

function constantNode(node: OnnxNode): Constant[] | undefined {
  const tensor = tensorAttribute(node, 'value');
  if (tensor !== undefined) return [tensor];
  const [name, attribute] = [...node.attributes][0] ?? [];
  if (attribute?.kind === 'int') return [{ ...int64Vector([attribute.value]), shape: [] }];
  if (attribute?.kind === 'ints') return [int64Vector(attribute.value)];
  if (attribute?.kind === 'float') return [{ shape: [], elementType: 'f32', data: Float32Array.of(attribute.value) }];
  if (attribute?.kind === 'floats' && name === 'value_floats') {
    return [{ shape: [attribute.value.length], elementType: 'f32', data: Float32Array.from(attribute.value) }];
  }
  return undefined;
}

function sizeResult(type: OnnxType | undefined): Constant[] | undefined {
  if (type === undefined || type.shape.includes(-1)) return undefined;
  return [{ ...int64Vector([elementCount(type.shape)]), shape: [] }];
}

function shapeResult(node: OnnxNode, type: OnnxType | undefined): Constant[] | undefined {
  if (type === undefined || type.shape.includes(-1)) return undefined;
  const end = intAttribute(node, 'end');
  return [int64Vector(type.shape.slice(intAttribute(node, 'start', 0), end))];
}
