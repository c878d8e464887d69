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

/** The row of the table in numerics.md 4.2 that fits `op`; `asymmetric` keeps what the table observed. */
function rangeOf(op: Op, row: ValueRange, producers: ReadonlyMap<string, Op>, asymmetric: boolean): Range {
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
      return asymmetric ? { min, max: row.max } : symmetric;
  }
}

/** The network's own choice, or that of one operator: the section `asym_op` counts for GELU and SiLU only. */
function isAsymmetric(op: Op, plan: Plan): boolean {
  if (plan.asymmetric) return true;
  if (op.type !== 'top.GELU' && op.type !== 'top.SiLU') return false;
  return plan.sections?.asymmetricOps.includes(op.name) ?? false;
}

function doesRelu(op: Op): boolean {
  return 'doRelu' in op.attributes && op.attributes.doRelu === true;
}

/** What the caller's chip does to every range after the rules. */
export type RangeAdjustment = (range: Range) => Range;

const unchanged: RangeAdjustment = (range) => range;

/**
 * Imports a calibration (numerics.md 4.2): the range of every float result of every operator. A name without a row
 * behaves as 0, 0, 0; a result whose bounds are both 0 stays uncalibrated. Results of the operators that `isInt4` names
 * take their rows from the section `int4_th` (numerics.md 13).
 */
export function importRanges(
  graph: Graph,
  plan: Plan,
  adjust: RangeAdjustment = unchanged,
  isInt4: (op: Op) => boolean = () => false,
): Map<string, Range> {
  const producers = new Map<string, Op>();
  for (const op of graph.ops) for (const name of op.outputs) if (name !== null) producers.set(name, op);
  const ranges = new Map<string, Range>();
  for (const op of graph.ops) {
    for (const name of op.outputs) {
      if (name === null || graph.values.get(name)?.dtype !== 'f32') continue;
      const row = (isInt4(op) ? plan.sections?.int4.get(name) : undefined) ?? plan.values.get(name) ?? ABSENT;
      const found = rangeOf(op, row, producers, isAsymmetric(op, plan));
      const range = adjust(doesRelu(op) && op.type !== 'top.Sub' ? { min: 0, max: found.max } : found);
      if (range.min !== 0 || range.max !== 0) ranges.set(name, { min: range.min + 0, max: range.max + 0 });
    }
  }
  return ranges;
}
