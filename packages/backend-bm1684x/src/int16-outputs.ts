import type { Op, Plan, Precision } from '@q/ir';
import type { WorkingGraph } from '@q/ir/lowering';
import { isIntegerPrecision, type Processor } from './processors.ts';

/**
 * Convolutions and products that hand 16-bit codes to a float operator (numerics.md 4.3): their 8-bit codes would be the
 * coarsest step on the way. Only with 8-bit activations as the default, on the processors that have the rule.
 */
export function findInt16Outputs(
  graph: WorkingGraph,
  precisions: ReadonlyMap<string, Precision>,
  plan: Plan,
  processor: Processor,
): ReadonlySet<string> {
  if ((plan.precision !== 'INT8' && plan.precision !== 'W4INT8') || !processor.hasInt16Outputs) return new Set();
  const isFloat = (op: Op): boolean => !isIntegerPrecision(precisions.get(op.name)!);
  const found = new Set<string>();
  const isYolo = hasSpatialPyramid(graph);
  for (const op of graph.ops) {
    if (isFloat(op)) continue;
    const user = onlyUser(graph, op);
    if (user === undefined) continue;
    if (op.type === 'top.MatMul' && user.type === 'top.Add' && isFloat(user)) found.add(op.name);
    if (isYolo && op.type === 'top.Conv' && isHeadConv(graph, op, user) && /F16$/.test(precisions.get(user.name)!)) {
      found.add(op.name);
    }
  }
  return found;
}

function onlyUser(graph: WorkingGraph, op: Op): Op | undefined {
  return graph.useCount(op.name) === 1 ? graph.usersOf(op.name)[0] : undefined;
}

/** A Conv after SiLU or LeakyRelu whose result goes through a Reshape or Concat, and not into another Conv. */
function isHeadConv(graph: WorkingGraph, op: Op, user: Op): boolean {
  const before = graph.producerOf(op.inputs[0]!)?.type;
  if (before !== 'top.SiLU' && before !== 'top.LeakyRelu') return false;
  if (user.type !== 'top.Reshape' && user.type !== 'top.Concat') return false;
  return graph.usersOf(user.name).every((next) => next.type !== 'top.Conv');
}

/** Three MaxPools in a row, all of which end in one Concat. */
function hasSpatialPyramid(graph: WorkingGraph): boolean {
  const users = (op: Op): readonly Op[] => graph.usersOf(op.name);
  return graph.ops.some((first) => {
    if (first.type !== 'top.MaxPool' || users(first).length !== 2) return false;
    const concat = users(first).find((op) => op.type === 'top.Concat');
    const second = users(first).find((op) => op.type === 'top.MaxPool');
    if (!concat || !second || users(second).length !== 2 || !users(second).includes(concat)) return false;
    const third = users(second).find((op) => op.type === 'top.MaxPool');
    return third !== undefined && users(third).length === 1 && users(third)[0] === concat;
  });
}
