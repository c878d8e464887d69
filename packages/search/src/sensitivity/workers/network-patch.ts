import type { Graph, Op, TensorType, Weight } from '@q/ir';
import { differenceOf } from '@q/runtime';

/** A network as what it has otherwise than a base: small enough to be sent to workers. */
export interface NetworkPatch {
  /** Operators in order; a number is the base's operator at that place. */
  readonly ops: readonly (number | Op)[];
  readonly values: ReadonlyMap<string, TensorType>;
  readonly weights: ReadonlyMap<string, Weight>;
  readonly outputs: readonly string[];
  readonly chip: string;
  readonly moduleAttributes: Graph['moduleAttributes'];
}

export function patchOf(base: Graph, graph: Graph): NetworkPatch {
  const places = new Map(base.ops.map((op, at) => [op.name, at]));
  const { local, weights } = differenceOf(base, graph);
  const own = new Set(local);
  const names = local.flatMap(({ outputs }) => outputs).filter((name) => name !== null);
  return {
    ops: graph.ops.map((op) => (own.has(op) ? op : places.get(op.name)!)),
    values: new Map(names.map((name) => [name, graph.values.get(name)!])),
    weights,
    outputs: graph.outputs,
    chip: graph.chip,
    moduleAttributes: graph.moduleAttributes,
  };
}

export function applyPatch(base: Graph, patch: NetworkPatch): Graph {
  const ops = patch.ops.map((op) => (typeof op === 'number' ? base.ops[op]! : op));
  const names = ops.flatMap(({ outputs }) => outputs).filter((name) => name !== null);
  return {
    ...base,
    ops,
    values: new Map(names.map((name) => [name, patch.values.get(name) ?? base.values.get(name)!])),
    weights: new Map([...base.weights, ...patch.weights]),
    outputs: patch.outputs,
    chip: patch.chip,
    moduleAttributes: patch.moduleAttributes,
  };
}
