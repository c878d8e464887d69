import type { RangeLimits } from '@q/calib';
import type { Graph, Op } from '@q/ir';

/** Below this a sigmoid is as good as 0. */
const SIGMOID_FLOOR = -10;

/**
 * Bounds that the activations behind a value imply (spacemit.md 7.5): what only a Sigmoid reads, alone or as the gate of a
 * SiLU, need not go below −10; what only a HardSigmoid reads, not below the point where it becomes 0. The vendor's upper
 * bounds are computed and lost, and do not exist here.
 */
export function rangeLimits(graph: Graph): Map<string, RangeLimits> {
  const readers = new Map<string, Op[]>();
  for (const op of graph.ops)
    for (const name of new Set(op.inputs)) if (name !== null) readers.set(name, [...(readers.get(name) ?? []), op]);
  const limits = new Map<string, RangeLimits>();
  for (const op of graph.ops) {
    for (const name of op.outputs) {
      const min = name === null || op.type === 'top.Input' ? undefined : lowerBound(name, readers.get(name) ?? []);
      if (min !== undefined) limits.set(name!, { min });
    }
  }
  return limits;
}

function lowerBound(value: string, readers: readonly Op[]): number | undefined {
  const gate = readers.find(({ type }) => type === 'top.Sigmoid' || type === 'top.HardSigmoid');
  if (gate === undefined) return readers.length === 1 && readers[0]!.type === 'top.SiLU' ? SIGMOID_FLOOR : undefined;
  const others = readers.filter((op) => op !== gate);
  const isGated = others.every((op) => op.type === 'top.Mul' && op.inputs.includes(gate.outputs[0]!));
  if (others.length > 1 || !isGated || !gate.inputs.includes(value)) return undefined;
  if (gate.type === 'top.HardSigmoid') return -gate.attributes.beta / gate.attributes.alpha;
  return gate.type === 'top.Sigmoid' && !gate.attributes.log ? SIGMOID_FLOOR : undefined;
}
