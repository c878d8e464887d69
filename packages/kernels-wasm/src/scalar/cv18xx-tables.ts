import type { CvTableName } from '../op-codes.ts';
import { bitsOf, CV_LARGEST, cvAdd, cvMultiply, cvRound } from './cv18xx-bf16.ts';

/** Values and slopes, or exponents and mantissas: 256 bfloat16 each, as f32. */
export interface CvTables {
  readonly first: ArrayLike<number>;
  readonly second: ArrayLike<number>;
}

/**
 * Interpolation in a table over [-R, R] (numerics.md 10): the index is the operand scaled to ±128 and truncated, the rest
 * goes along the slope; beyond the range the end slope extrapolates. `scale` is 256 / (2R), rounded to bfloat16.
 */
export function cvSlope({ first, second }: CvTables, scale: number, x: number): number {
  const scaled = cvMultiply(cvAdd(x, 0), scale);
  const index = Math.min(Math.max(Math.trunc(scaled), -128), 127);
  const rest = cvRound(Math.fround(scaled - index));
  return cvAdd(first[index & 255]!, cvMultiply(rest, second[index & 255]!));
}

/** Index of the exponent: 1 for 2^-62; a second half for negative numbers, 0 for zero. Beyond the table: its end. */
function exponentIndex(x: number): number {
  if (x === 0) return 0;
  if (!Number.isFinite(x)) return 255;
  let exponent = Math.floor(Math.log2(Math.abs(x)));
  // log2 is inexact next to powers of two.
  if (2 ** exponent > Math.abs(x)) exponent -= 1;
  return Math.min(Math.max(exponent + (x > 0 ? 63 : 191), 0), 255);
}

/** A function of the exponent times (`isLog`: plus) one of the mantissa. NaN becomes the largest number. */
export function cvMantissa({ first, second }: CvTables, isLog: boolean, x: number): number {
  if (Number.isNaN(x)) return CV_LARGEST;
  const combine = isLog ? cvAdd : cvMultiply;
  return combine(first[exponentIndex(x)]!, second[(bitsOf(x) >>> 16) & 255]!);
}

/** The definition of `cv_lut`. */
export function cvLut(kind: CvTableName, tables: CvTables, scale: number, x: number): number {
  return kind === 'slope' ? cvSlope(tables, scale, x) : cvMantissa(tables, kind === 'log', x);
}
