import { QError } from '../errors.ts';
import type { Op, OpOf } from '../graph.ts';
import type { Plan } from '../plan.ts';
import type { Range } from './calibrated-ranges.ts';
import { floatsOf, type WorkingGraph } from './working-graph.ts';

/**
 * Range propagation before the INT8 conversion (numerics.md 4.4; calibration.md 8.6): makes operators that cannot
 * rescale share the parameters of their operands. Every step is a set of rules run to a fixpoint, from
 * the last operator to the first: the order of MLIR's greedy driver decides where Concats feed Concats (found by yolox with
 * TPU-MLIR 1.17; numerics.md 17 leaves it open).
 */
interface Propagation {
  readonly graph: WorkingGraph;
  readonly ranges: Map<string, Range>;
  readonly plan: Plan;
}

/** One rule: answers whether it changed anything. */
type Rule = (p: Propagation, op: Op, index: number) => boolean;

const same = (a: Range, b: Range): boolean => a.min === b.min && a.max === b.max;
const slightlySigned = (max: number): number => Math.fround(-max * 0.1);
const input = (op: Op, index = 0): string => op.inputs[index]!;
const output = (op: Op): string => op.outputs[0]!;

/** Gives Reshape and Permute users the range as well. */
function pushForward(p: Propagation, value: string): void {
  for (const user of p.graph.usersOf(value)) {
    if (user.type === 'top.Reshape' || user.type === 'top.Permute') p.ranges.set(output(user), p.ranges.get(value)!);
  }
}

/** The same, and to pools and Abs that must keep the sign. */
function pushSign(p: Propagation, value: string): void {
  for (const user of p.graph.usersOf(value)) {
    if (user.type === 'top.AvgPool' || user.type === 'top.MaxPool' || user.type === 'top.Abs') {
      p.ranges.set(output(user), p.ranges.get(value)!);
    } else {
      pushForward(p, value);
    }
  }
}

/** Goes one Reshape, Permute or Depth2Space further back. */
function pushBackward(p: Propagation, value: string): void {
  const producer = p.graph.producerOf(value);
  if (producer && ['top.Reshape', 'top.Permute', 'top.Depth2Space'].includes(producer.type)) {
    p.ranges.set(input(producer), p.ranges.get(value)!);
  }
}

const forward =
  (...types: readonly string[]): Rule =>
  (p, op) => {
    if (!types.includes(op.type)) return false;
    const from = p.ranges.get(input(op));
    const to = p.ranges.get(output(op));
    if (from === undefined || (to !== undefined && same(from, to))) return false;
    p.ranges.set(output(op), from);
    pushForward(p, output(op));
    return true;
  };

/** Pools and Abs cannot change the sign of their codes. */
const keepSign: Rule = (p, op) => {
  if (op.type !== 'top.AvgPool' && op.type !== 'top.MaxPool' && op.type !== 'top.Abs') return false;
  const from = p.ranges.get(input(op));
  const to = p.ranges.get(output(op));
  if (!from || !to || from.min < 0 === to.min < 0) return false;
  p.ranges.set(output(op), { min: from.min < 0 ? slightlySigned(to.max) : 0, max: to.max });
  pushSign(p, output(op));
  return true;
};

/** A sum of what cannot be negative is not signed. */
const keepAddSign: Rule = (p, op) => {
  if (op.type !== 'top.Add') return false;
  const to = p.ranges.get(output(op));
  const from = op.inputs.map((name) => p.ranges.get(name!));
  if (!to || to.min >= 0 || from.some((range) => range === undefined)) return false;
  const canBeNegative = from.some((range, index) => {
    const coefficient = op.attributes.coeff?.[index] ?? 1;
    return range!.min * coefficient < 0 || range!.max * coefficient < 0;
  });
  if (canBeNegative) return false;
  p.ranges.set(output(op), { min: 0, max: to.max });
  pushForward(p, output(op));
  return true;
};

/** Subtracting from what is not negative may give something that is. */
const signedDifference: Rule = (p, op) => {
  const subtracts = op.type === 'top.SubConst' || (op.type === 'top.AddConst' && op.attributes.constVal < 0);
  if (!subtracts) return false;
  const from = p.ranges.get(input(op));
  const to = p.ranges.get(output(op));
  if (!from || !to || from.min < 0 || to.min < 0) return false;
  p.ranges.set(output(op), { min: to.max * -0.1, max: to.max });
  pushForward(p, output(op));
  return true;
};

const signedSub: Rule = (p, op) => {
  if (op.type !== 'top.Sub') return false;
  const to = p.ranges.get(output(op));
  if (!to || to.min < 0) return false;
  p.ranges.set(output(op), { min: to.max * -0.1, max: to.max });
  pushForward(p, output(op));
  return true;
};

/** Sign of an operand of a Mul; undefined when it is not known. */
function isSigned(p: Propagation, name: string): boolean | undefined {
  const weight = p.graph.weights.get(name);
  if (weight) return weight.data.length === 1 ? floatsOf(weight)[0]! < 0 : undefined;
  const range = p.ranges.get(name);
  return range && range.min < 0;
}

/** The first operand of a Mul has the sign of the result. */
const mulSign: Rule = (p, op, index) => {
  if (op.type !== 'top.Mul' || op.inputs.length !== 2) return false;
  const to = p.ranges.get(output(op));
  const [first, second] = op.inputs.map((name) => isSigned(p, name!));
  if (!to || first === undefined || second === undefined) return false;
  const result = to.min < 0;
  if (first === result) return false;
  if (second === result) {
    p.graph.replace(index, { ...op, inputs: [...op.inputs].reverse() });
    return true;
  }
  if (!first) {
    throw new QError(`The calibration of ${op.name} is signed, but neither of its operands is.`, {
      code: 'lower.range-contradiction',
      where: op.name,
      found: `[${to.min}, ${to.max}]`,
      expected: 'a minimum that is not negative',
      hint: 'calibrate again: this table does not belong to this network',
    });
  }
  p.ranges.set(output(op), { min: slightlySigned(to.max), max: to.max });
  pushForward(p, output(op));
  return true;
};

/** Concat, Min and Max mix codes of all operands: all take one range where nobody else is disturbed. */
const unify: Rule = (p, op) => {
  if (op.type !== 'top.Concat' && op.type !== 'top.Min' && op.type !== 'top.Max') return false;
  const to = p.ranges.get(output(op));
  const from = op.inputs.map((name) => p.ranges.get(name!));
  if (!to || from.some((range) => range === undefined)) return false;
  const isShared = op.inputs.some((name) => {
    if (p.graph.useCount(name!) === 1) return false;
    const isOutput = p.graph.outputs.includes(name!);
    return isOutput || p.graph.usersOf(name!).some((user) => user.name !== op.name && user.type !== 'top.MaxPool');
  });
  if (isShared) return false;
  const [first] = from as [Range, ...Range[]];
  if (op.type === 'top.Concat' && from.some((range) => range!.min < 0 !== first.min < 0)) return false;
  if (from.every((range) => same(range!, first))) {
    if (same(first, to)) return false;
    p.ranges.set(output(op), first);
    return true;
  }
  for (const name of op.inputs) {
    p.ranges.set(name!, to);
    pushBackward(p, name!);
  }
  return true;
};

const backward =
  (keepMin: boolean, ...types: readonly string[]): Rule =>
  (p, op) => {
    if (!types.includes(op.type)) return false;
    const to = p.ranges.get(output(op));
    const from = p.ranges.get(input(op));
    if (!to || p.graph.useCount(input(op)) !== 1) return false;
    if (from && from.max === to.max && (keepMin || from.min === to.min)) return false;
    p.ranges.set(input(op), keepMin && from ? { min: from.min, max: to.max } : to);
    pushBackward(p, input(op));
    return true;
  };

/** An Add of two products that nobody else reads: both take its range. */
const addToMuls: Rule = (p, op) => {
  const to = op.type === 'top.Add' ? p.ranges.get(output(op)) : undefined;
  if (!to) return false;
  const fits = op.inputs.every(
    (name) => p.ranges.has(name!) && p.graph.producerOf(name!)?.type === 'top.Mul' && p.graph.useCount(name!) === 1,
  );
  if (!fits || op.inputs.every((name) => same(p.ranges.get(name!)!, to))) return false;
  for (const name of op.inputs) {
    p.ranges.set(name!, to);
    pushBackward(p, name!);
  }
  return true;
};

const compareUnion: Rule = (p, op) => {
  if (op.type !== 'top.Compare') return false;
  const [left, right] = [p.ranges.get(input(op, 0)), p.ranges.get(input(op, 1))];
  if (!left || !right || same(left, right)) return false;
  const union = { min: Math.min(left.min, right.min), max: Math.max(left.max, right.max) };
  p.ranges.set(input(op, 0), union);
  p.ranges.set(input(op, 1), union);
  return true;
};

/** Constants that an operator selects, and the operands it selects from. */
function selection(op: Op): { readonly constants: readonly number[]; readonly data: readonly string[] } | undefined {
  if (op.type === 'top.MaskedFill') return { constants: [op.attributes.constVal], data: [input(op, 1)] };
  if (op.type !== 'top.Where') return undefined;
  const { xIsConst, yIsConst, xConstVal, yConstVal } = (op as OpOf<'top.Where'>).attributes;
  return {
    constants: [...(xIsConst ? [xConstVal] : []), ...(yIsConst ? [yConstVal] : [])],
    data: [...(xIsConst ? [] : [input(op, 1)]), ...(yIsConst ? [] : [input(op, 2)])],
  };
}

/** Where and MaskedFill: the result must hold the constant; otherwise the data take the result's range. */
const select: Rule = (p, op) => {
  const chosen = selection(op);
  const to = chosen && p.ranges.get(output(op));
  if (!chosen || !to) return false;
  const largest = Math.fround(Math.max(0, ...chosen.constants.map(Math.abs)));
  if (to.max < largest) {
    const negative = chosen.constants.some((value) => value < 0) || to.min < 0;
    p.ranges.set(output(op), { min: negative ? Math.fround(-largest * 0.1) : 0, max: largest });
    return true;
  }
  const precision = p.plan.ops.get(op.name)?.precision;
  if (precision === 'F32' || precision === 'F16') return false;
  const differing = chosen.data.filter((name) => p.ranges.has(name) && !same(p.ranges.get(name)!, to));
  for (const name of differing) p.ranges.set(name, to);
  return differing.length > 0;
};

const mulConst: Rule = (p, op) => {
  if (op.type !== 'top.MulConst') return false;
  const from = p.ranges.get(input(op));
  const c = op.attributes.constVal;
  if (!from) return false;
  const [low, high] = c >= 0 ? [from.min, from.max] : [from.max, from.min];
  const range = c === 0 ? { min: low, max: high } : { min: low * c, max: high * c };
  const to = p.ranges.get(output(op));
  if (to && same(range, to)) return false;
  p.ranges.set(output(op), range);
  pushForward(p, output(op));
  return true;
};

const argValues: Rule = (p, op) => {
  const values = op.type === 'top.Arg' ? op.outputs[1] : null;
  const from = values == null ? undefined : p.ranges.get(input(op));
  if (values == null || !from) return false;
  const to = p.ranges.get(values);
  if (to && same(from, to)) return false;
  p.ranges.set(values, from);
  return true;
};

/** ReduceMax and ReduceMin answer one of their operand's values. */
const forwardExtremum: Rule = (p, op, index) =>
  op.type === 'top.Reduce' && (op.attributes.mode === 'ReduceMax' || op.attributes.mode === 'ReduceMin')
    ? forward('top.Reduce')(p, op, index)
    : false;

const SIGNS: readonly Rule[] = [keepSign, keepAddSign, signedDifference];

/** Processor families differ in which operators can rescale or change the sign of codes. */
export type ProcessorFamily = 'bm1684' | 'bm1684x' | 'cv18xx';

const COPIES: readonly string[] = [
  'Relu',
  'MaxPool',
  'MinConst',
  'MaxConst',
  'Reshape',
  'Unsqueeze',
  'Squeeze',
  'Slice',
  'Tile',
  'Pad',
  'Permute',
  'Reverse',
  'Upsample',
  'LeakyRelu',
  'Abs',
].map((name) => `top.${name}`);

/** Steps 1 to 5 of the BM processors. */
const BM_FIRST: readonly (readonly Rule[])[] = [
  [forward('top.Reshape', 'top.Permute')],
  SIGNS,
  [mulSign, signedDifference, signedSub],
  [unify],
  [
    backward(false, 'top.Relu', 'top.MaxPool', 'top.Depth2Space', 'top.Abs'),
    backward(true, 'top.PRelu', 'top.LeakyRelu'),
  ],
];

/** The numbered steps of numerics.md 4.4. */
const STEPS: Readonly<Record<ProcessorFamily, readonly (readonly Rule[])[]>> = {
  bm1684: [
    ...BM_FIRST,
    [compareUnion],
    [select],
    [forward(...COPIES, 'top.PRelu', 'top.AvgPool'), mulConst, argValues],
    SIGNS,
    [select],
  ],
  bm1684x: [
    ...BM_FIRST,
    [addToMuls],
    [compareUnion],
    [select],
    [forward(...COPIES, 'top.PRelu'), mulConst, argValues],
    SIGNS,
    [select],
  ],
  cv18xx: [
    [forward('top.Reshape', 'top.Permute')],
    SIGNS,
    [unify],
    [backward(false, 'top.Relu', 'top.MaxPool', 'top.Depth2Space', 'top.Abs', 'top.LeakyRelu', 'top.ScatterND')],
    [compareUnion],
    [select],
    [forward(...COPIES), forwardExtremum, mulConst, argValues],
    SIGNS,
    [select],
  ],
};

/**
 * Conflicting constraints never settle. Upstream's rewrite driver gives up after ten sweeps and keeps what it has
 * (MLIR: GreedyRewriteConfig::maxIterations), and so do the ranges here.
 */
const MAX_SWEEPS = 10;

function runToFixpoint(p: Propagation, rules: readonly Rule[]): boolean {
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let changed = false;
    for (let index = p.graph.ops.length - 1; index >= 0; index--) {
      for (const rule of rules) changed = rule(p, p.graph.ops[index]!, index) || changed;
    }
    if (!changed) return true;
  }
  return false;
}

/**
 * Rewrites `ranges` (and the operand order of Mul) in place. Nothing happens without calibration. Answers whether every
 * step settled.
 */
export function propagateRanges(
  graph: WorkingGraph,
  ranges: Map<string, Range>,
  plan: Plan,
  family: ProcessorFamily,
): boolean {
  if (ranges.size === 0) return true;
  return STEPS[family].map((rules) => runToFixpoint({ graph, ranges, plan }, rules)).every((settled) => settled);
}
