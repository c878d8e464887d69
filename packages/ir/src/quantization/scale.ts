import { toInt } from './rounding.ts';

/** How reals map to the codes of one tensor: real = scale · (q − zeroPoint), qmin ≤ q ≤ qmax. */
export interface QParams {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly qmin: number;
  readonly qmax: number;
  readonly signed: boolean;
}

/** Storage bits that activations can have. */
export type CodeBits = 4 | 8 | 16;

function codeRange(signed: boolean, bits: CodeBits): readonly [number, number] {
  return signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
}

/**
 * Symmetric parameters of a calibrated range (numerics.md 5): signed iff `min < 0`; scale = max(|min|, |max|) / 127
 * (signed) or / 255 (unsigned). The lowest signed code, −128, is reachable by saturation only.
 */
export function symmetricQParams(min: number, max: number, bits: CodeBits = 8): QParams {
  const signed = min < 0;
  const [qmin, qmax] = codeRange(signed, bits);
  return { scale: Math.max(Math.abs(min), Math.abs(max)) / qmax, zeroPoint: 0, qmin, qmax, signed };
}

/** Asymmetric parameters of a calibrated range, with the zero point nudged into the code range (numerics.md 5). */
export function asymmetricQParams(min: number, max: number, bits: CodeBits = 8): QParams {
  const signed = min < 0;
  const [qmin, qmax] = codeRange(signed, bits);
  const scale = (max - min) / (qmax - qmin);
  const exact = qmin - min / scale;
  if (exact < qmin) return { scale: max / (qmax - qmin), zeroPoint: qmin, qmin, qmax, signed };
  if (exact > qmax) return { scale: min / (qmin - qmax), zeroPoint: qmax, qmin, qmax, signed };
  return { scale, zeroPoint: toInt(exact), qmin, qmax, signed };
}

/** 16-bit output scale of a Conv or MatMul whose 8-bit scale is `scale8` (numerics.md 5, "output_int16"). */
export function scaleOfInt16Output(scale8: number): number {
  return (scale8 * 255) / 65535;
}
