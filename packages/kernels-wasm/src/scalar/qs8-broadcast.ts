import type { CodeOpName } from '../op-codes.ts';
import { multiplyByQuantizedMultiplier, multiplyShift } from './requant.ts';

/** One operand of an operation on codes. */
export interface CodeOperand {
  readonly zero: number;
  readonly multiplier: number;
  readonly rshift: number;
}

export interface CodePair {
  readonly op: CodeOpName;
  readonly a: CodeOperand;
  readonly b: CodeOperand;
  /** Zero point of the result and its clamp. */
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
}

type CodeFunction = (p: number, q: number, a: CodeOperand, b: CodeOperand) => number;

const term = (value: number, { multiplier, rshift }: CodeOperand): number =>
  multiplyShift(value, multiplier, rshift, 'HalfUp');

/** Of codes that lost their zero points (numerics.md 7.3, 9.3, 18.13). */
const CODE: Readonly<Record<CodeOpName, CodeFunction>> = {
  add: (p, q, a, b) => term(p, a) + term(q, b),
  // The rounded term is subtracted: rounding a negated product would differ at ties.
  sub: (p, q, a, b) => term(p, a) - term(q, b),
  addShared: (p, q, a, b) => multiplyShift(p * a.multiplier + q * b.multiplier, 1, a.rshift, 'HalfUp'),
  mul: (p, q, a) => term(p * q, a),
  mulQdm: (p, q, a) => multiplyByQuantizedMultiplier(p * q, a.multiplier, -a.rshift, 'HalfAwayFromZero'),
  max: (p, q) => Math.max(p, q),
  min: (p, q) => Math.min(p, q),
  equal: (p, q) => Number(p === q),
  notEqual: (p, q) => Number(p !== q),
  less: (p, q) => Number(p < q),
  lessOrEqual: (p, q) => Number(p <= q),
  xor: (p, q) => Number((p !== 0) !== (q !== 0)),
};

/** One code of the result: the definition of `qs8_binary_nd`. */
export function codePair(p: number, q: number, { op, a, b, zero, lo, hi }: CodePair): number {
  return Math.min(Math.max(CODE[op](p - a.zero, q - b.zero, a, b) + zero, lo), hi);
}
