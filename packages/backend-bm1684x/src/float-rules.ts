import type { Op, Plan, Precision } from '@q/ir';
import { absMax, floatsOf, type Range, type Ranges, type WorkingGraph } from '@q/ir/lowering';
import { isIntegerPrecision } from './processors.ts';

const magnitude = (range: Range): number => Math.fround(Math.max(Math.abs(range.min), Math.abs(range.max)));

/** An Add of two activations of very different size loses the smaller one in INT8. */
function addIsUneven(inputs: readonly string[], graph: WorkingGraph, ranges: Ranges): boolean {
  if (inputs.length !== 2 || inputs.some((name) => graph.isWeight(name) || !ranges.has(name))) return false;
  const [a, b] = inputs.map((name) => magnitude(ranges.get(name)!)) as [number, number];
  return a >= 1e-8 && b >= 1e-8 && Math.max(a / b, b / a) > 64;
}

/** A difference that is smaller than what it is made of magnifies the rounding of its operands. */
function differenceIsSmall(result: string, sizes: readonly (number | undefined)[], ranges: Ranges): boolean {
  const range = ranges.get(result);
  return range !== undefined && sizes.some((size) => size !== undefined && magnitude(range) < size);
}

/** Only Conv and MatMul have 4-bit forms: elsewhere those precisions mean INT8. */
function integerKind(op: Op, precision: Precision): Precision {
  if (precision !== 'INT4' && precision !== 'W4INT8') return precision;
  return op.type === 'top.Conv' || op.type === 'top.MatMul' ? precision : 'INT8';
}

/**
 * Precision of every operator (numerics.md 4.3): what the plan says by name, then the rules that put INT8 operators into
 * F16, then the plan's default.
 */
export function assignPrecisions(graph: WorkingGraph, ranges: Ranges, plan: Plan): Map<string, Precision> {
  const precisions = new Map<string, Precision>();
  const sizeOf = (name: string): number | undefined => {
    const weight = graph.weights.get(name);
    if (weight) return absMax(floatsOf(weight));
    const range = ranges.get(name);
    return range && magnitude(range);
  };
  const isInteger = isIntegerPrecision(plan.precision);
  for (const op of graph.ops) {
    const chosen = plan.ops.get(op.name)?.precision;
    const inputs = op.inputs.filter((name) => name !== null);
    let automatic: Precision | undefined;
    if (op.type === 'top.Add' && addIsUneven(inputs, graph, ranges)) automatic = 'F16';
    if (isInteger && op.type === 'top.Sub' && differenceIsSmall(op.name, inputs.map(sizeOf), ranges)) {
      automatic = 'F16';
    }
    if (isInteger && op.type === 'top.SubConst') {
      const sizes = [...inputs.map(sizeOf), Math.abs(op.attributes.constVal)];
      if (differenceIsSmall(op.name, sizes, ranges)) automatic = 'F16';
    }
    if (plan.options?.highPrecision && (op.type === 'top.AvgPool' || op.type === 'top.Softmax')) automatic = 'F32';
    precisions.set(op.name, integerKind(op, chosen ?? automatic ?? plan.precision));
  }
  return precisions;
}
