import type { Graph, Op, Plan } from '@q/ir';

/** Operators that can have 4-bit codes, lowered or not: products and convolutions that are not depthwise. */
export function isInt4Kind(op: Op): boolean {
  switch (op.type) {
    case 'top.MatMul':
    case 'tpu.MatMul':
      return true;
    case 'top.Conv':
    case 'tpu.Conv2D':
      return op.attributes.group === 1;
    default:
      return false;
  }
}

/**
 * The operators that the section `int4_op` of the calibration table names. TPU-MLIR v1.17 has no such section in its own
 * tables and then takes every operator that can have 4-bit codes; so is it here when the section is absent.
 */
export function int4Listing(plan: Plan): (op: Op) => boolean {
  const { int4, int4Ops } = plan.sections ?? {};
  if (int4 === undefined || int4.size === 0 || !runsInt4(plan)) return () => false;
  if (int4Ops === undefined || int4Ops.length === 0) return isInt4Kind;
  const named = new Set(int4Ops);
  return (op) => isInt4Kind(op) && named.has(op.name);
}

const runsInt4 = (plan: Plan): boolean =>
  plan.precision === 'INT4' || [...plan.ops.values()].some(({ precision }) => precision === 'INT4');

/** Results whose range comes from the section `int4_th`: those of listed operators, and inputs that go into one first. */
export function usesInt4Range(graph: Graph, plan: Plan): (op: Op) => boolean {
  const isListed = int4Listing(plan);
  return (op) => {
    if (op.type !== 'top.Input') return isListed(op);
    const first = graph.ops.find((other) => other.inputs.includes(op.name));
    return first !== undefined && isListed(first);
  };
}
