import { applyRequantCv18xx } from '@q/kernels-wasm';

/** Operands up to this magnitude times a 31-bit multiplier stay exact in a double. */
const EXACT = 2 ** 21;
const TWO_31 = 2 ** 31;

/**
 * `QDM` as `applyRequantCv18xx` defines it (numerics.md 2.3), faster for the sums that occur: ×M, >>31 half up, then >>r half
 * away. M is below 2^31, r from 0 to 31.
 */
export function applyQdm(value: number, multiplier: number, rshift: number): number {
  if (Math.abs(value) > EXACT || rshift < 0) {
    return applyRequantCv18xx(value, { multiplier, rshift, mode: 'QDM', rounding: 'HalfAwayFromZero' });
  }
  const once = Math.floor((value * multiplier + TWO_31 / 2) / TWO_31);
  if (rshift === 0) return once;
  const unit = 2 ** rshift;
  const magnitude = Math.floor((Math.abs(once) + unit / 2) / unit);
  return once < 0 ? 0 - magnitude : magnitude;
}
