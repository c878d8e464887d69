import type { Op, Plan } from '@q/ir';
import { absMax, floatsOf, type Range, type Ranges, type WorkingGraph } from '@q/ir/lowering';
import { precisionHere } from './check-plan.ts';

const magnitude = (range: Range): number => Math.fround(Math.max(Math.abs(range.min), Math.abs(range.max)));

/** Size of an operand: of the constant, or of the calibrated range. */
function sizeOf(name: string, graph: WorkingGraph, ranges: Ranges): number | undefined {
  const weight = graph.weights.get(name);
  if (weight) return absMax(floatsOf(weight));
  const range = ranges.get(name);
  return range && magnitude(range);
}

/** An Add of two activations of very different size loses the smaller one in INT8. */
function addIsUneven(op: Op, graph: WorkingGraph, ranges: Ranges): boolean {
  if (op.type !== 'top.Add' || op.inputs.length !== 2) return false;
  if (op.inputs.some((name) => graph.isWeight(name) || !ranges.has(name!))) return false;
  const [a, b] = op.inputs.map((name) => magnitude(ranges.get(name!)!)) as [number, number];
  return a >= 1e-8 && b >= 1e-8 && Math.max(a / b, b / a) > 64;
}

/** A difference that is smaller than what it is made of magnifies the rounding of its operands. */
function differenceIsSmall(op: Op, graph: WorkingGraph, ranges: Ranges): boolean {
  if (op.type !== 'top.Sub' && op.type !== 'top.SubConst') return false;
  const result = ranges.get(op.name);
  if (result === undefined) return false;
  const sizes = op.inputs.map((name) => sizeOf(name!, graph, ranges));
  if (op.type === 'top.SubConst') sizes.push(Math.abs(op.attributes.constVal));
  return sizes.some((size) => size !== undefined && magnitude(result) < size);
}

/**
 * Precision of every operator (numerics.md 4.3): what the quantize table says by name, then the rules that put INT8
 * operators into BF16, then the plan's default.
 */
export function assignPrecisions(graph: WorkingGraph, ranges: Ranges, plan: Plan): Map<string, 'INT8' | 'BF16'> {
  const byDefault = precisionHere(plan.precision)!;
  const isFloat = (op: Op): boolean => addIsUneven(op, graph, ranges) || differenceIsSmall(op, graph, ranges);
  return new Map(
    graph.ops.map((op) => {
      const chosen = plan.ops.get(op.name);
      if (chosen !== undefined) return [op.name, precisionHere(chosen.precision)!];
      return [op.name, byDefault === 'INT8' && isFloat(op) ? 'BF16' : byDefault];
    }),
  );
}
