import type { Graph, Op } from '../graph.ts';
import type { Plan, ValueRange } from '../plan.ts';

/** Calibrated bounds of a value; signed iff `min < 0`. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Calibrated values by name; a value that is missing stays plain float. */
export type Ranges = ReadonlyMap<string, Range>;

const ABSENT: ValueRange = { threshold: 0, min: 0, max: 0 };

/** True for a Mul of one value with itself, or whose operands all come out of Sigmoid or Relu. */
function isMulOfNonNegatives(op: Op, producers: ReadonlyMap<string, Op>): boolean {
  if (op.inputs.every((name) => name === op.inputs[0])) return true;
  return op.inputs.every((name) => {
    const type = name === null ? undefined : producers.get(name)?.type;
    return type === 'top.Sigmoid' || type === 'top.Relu';
  });
}

/** The row of the table in numerics.md 4.2 that fits `op`; symmetric mode. */
function rangeOf(op: Op, row: ValueRange, producers: ReadonlyMap<string, Op>): Range {
  const { threshold, min } = row;
  const symmetric: Range = { min: min < 0 ? -threshold : 0, max: threshold };
  switch (op.type) {
    case 'top.Abs':
      return { min: -threshold, max: threshold };
    case 'top.Sigmoid':
      return op.attributes.log ? symmetric : { min: 0, max: 1 };
    case 'top.Softmax':
      return { min: 0, max: 1 };
    case 'top.Mul':
      return isMulOfNonNegatives(op, producers) ? { min: 0, max: threshold } : symmetric;
    case 'top.Sub':
      return { min: min < 0 ? -threshold : -1e-5, max: threshold };
    default:
      return symmetric;
  }
}

function doesRelu(op: Op): boolean {
  return 'doRelu' in op.attributes && op.attributes.doRelu === true;
}

/** What the caller's chip does to every range after the rules. */
export type RangeAdjustment = (range: Range) => Range;

/**
 * Imports a calibration (numerics.md 4.2): the range of every float result of every operator. A name without a row
 * behaves as 0, 0, 0; a result whose bounds are both 0 stays uncalibrated.
 */
export function importRanges(graph: Graph, plan: Plan, adjust: RangeAdjustment = (range) => range): Map<string, Range> {
  const producers = new Map<string, Op>();
  for (const op of graph.ops) for (const name of op.outputs) if (name !== null) producers.set(name, op);
  const ranges = new Map<string, Range>();
  for (const op of graph.ops) {
    for (const name of op.outputs) {
      if (name === null || graph.values.get(name)?.dtype !== 'f32') continue;
      const found = rangeOf(op, plan.values.get(name) ?? ABSENT, producers);
      const range = adjust(doesRelu(op) && op.type !== 'top.Sub' ? { min: 0, max: found.max } : found);
      if (range.min !== 0 || range.max !== 0) ranges.set(name, { min: range.min + 0, max: range.max + 0 });
    }
  }
  return ranges;
}
