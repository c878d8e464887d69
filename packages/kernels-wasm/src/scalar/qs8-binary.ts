import { multiplyByQuantizedMultiplier, multiplyShift } from './requant.ts';

/** One operand of an integer sum: its zero point and its own multiplier and shift. */
export interface ScaledOperand {
  readonly zero: number;
  readonly multiplier: number;
  readonly rshift: number;
}

/** Zero point and code range of a result; a fused Relu raises `lo` to the zero point. */
export interface CodeRange {
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
}

function clampCode(value: number, range: CodeRange): number {
  return Math.min(Math.max(value + range.zero, range.lo), range.hi);
}

/** One operand's term of an integer sum: rounded on its own, half up, before anything is added (numerics.md 7.3). */
export function scaledTerm(code: number, operand: ScaledOperand): number {
  return multiplyShift(code - operand.zero, operand.multiplier, operand.rshift, 'HalfUp');
}

/** Sum of codes of any number of operands, given their terms. */
export function qs8Add(codes: readonly number[], operands: readonly ScaledOperand[], range: CodeRange): number {
  let sum = 0;
  codes.forEach((code, index) => {
    sum += scaledTerm(code, operands[index]!);
  });
  return clampCode(sum, range);
}

/** Product of two codes (numerics.md 7.3): exact product, one rounding. */
export function qs8Mul(
  codes: readonly [number, number],
  zeros: readonly [number, number],
  requant: { readonly multiplier: number; readonly rshift: number },
  range: CodeRange,
): number {
  const product = (codes[0] - zeros[0]) * (codes[1] - zeros[1]);
  return clampCode(multiplyShift(product, requant.multiplier, requant.rshift, 'HalfUp'), range);
}

/** Sum of two codes under one shift, as the CV18xx have it (numerics.md 9.3): one rounding, half up. */
export function qs8AddShared(
  codes: readonly [number, number],
  multipliers: readonly [number, number],
  rshift: number,
  range: CodeRange,
): number {
  const sum = codes[0] * multipliers[0] + codes[1] * multipliers[1];
  return clampCode(multiplyShift(sum, 1, rshift, 'HalfUp'), range);
}

/** Product of two codes by `QDM`, the shift stored as on CV18xx: half up, then half away. */
export function qs8MulQdm(
  codes: readonly [number, number],
  requant: { readonly multiplier: number; readonly rshift: number },
  range: CodeRange,
): number {
  const { multiplier, rshift } = requant;
  return clampCode(multiplyByQuantizedMultiplier(codes[0] * codes[1], multiplier, -rshift, 'HalfAwayFromZero'), range);
}
