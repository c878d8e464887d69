import type { BinaryOpName } from '../op-codes.ts';
import { clamp } from './clamp.ts';

const f = Math.fround;
const truth = (b: boolean): number => (b ? 1 : 0);

/** The definition of every `BinaryOp` on two float32; p and q are addScaled's coefficients. */
export const BINARY: Readonly<Record<BinaryOpName, (a: number, b: number, p: number, q: number) => number>> = {
  add: (a, b) => f(a + b),
  sub: (a, b) => f(a - b),
  mul: (a, b) => f(a * b),
  div: (a, b) => f(a / b),
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
  pow: (a, b) => f(a ** b),
  addScaled: (a, b, p, q) => f(f(p * a) + f(q * b)),
  squaredDifference: (a, b) => f(f(a - b) ** 2),
  fmod: (a, b) => a % b,
  floorMod: (a, b) => {
    const r = a % b;
    return f(r !== 0 && r < 0 !== b < 0 ? r + b : r);
  },
  equal: (a, b) => truth(a === b),
  notEqual: (a, b) => truth(a !== b),
  less: (a, b) => truth(a < b),
  lessOrEqual: (a, b) => truth(a <= b),
  greater: (a, b) => truth(a > b),
  greaterOrEqual: (a, b) => truth(a >= b),
  // NaN is "not zero", hence true.
  and: (a, b) => truth(a !== 0 && b !== 0),
  or: (a, b) => truth(a !== 0 || b !== 0),
  xor: (a, b) => truth((a !== 0) !== (b !== 0)),
};

/** addScaled's coefficients and the fused clamp. */
export interface BinaryOptions {
  readonly ca?: number;
  readonly cb?: number;
  readonly lo?: number;
  readonly hi?: number;
}

/** numpy-style broadcast of contiguous operands. */
export function binary(
  op: BinaryOpName,
  a: Float32Array,
  shapeA: readonly number[],
  b: Float32Array,
  shapeB: readonly number[],
  options: BinaryOptions = {},
): Float32Array {
  const { ca = 1, cb = 1, lo = -Infinity, hi = Infinity } = options;
  const rank = Math.max(shapeA.length, shapeB.length);
  const dimsA = [...Array<number>(rank - shapeA.length).fill(1), ...shapeA];
  const dimsB = [...Array<number>(rank - shapeB.length).fill(1), ...shapeB];
  const dims = dimsA.map((d, i) => (d === 1 ? dimsB[i]! : d));
  const count = dims.reduce((n, d) => n * d, 1);
  const y = new Float32Array(count);
  const index = Array<number>(rank).fill(0);
  for (let i = 0; i < count; i++) {
    const at = (shape: number[]): number => shape.reduce((sum, d, axis) => sum * d + (d === 1 ? 0 : index[axis]!), 0);
    y[i] = clamp(BINARY[op](a[at(dimsA)]!, b[at(dimsB)]!, f(ca), f(cb)), lo, hi);
    for (let axis = rank - 1; axis >= 0 && ++index[axis]! === dims[axis]; axis--) index[axis] = 0;
  }
  return y;
}
