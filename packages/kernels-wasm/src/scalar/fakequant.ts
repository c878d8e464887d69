import { clamp } from './clamp.ts';
import { roundHalfAway, roundHalfEven } from './vmath.ts';

const f = Math.fround;

/** calibration.md 7.4: q = round_half_even(v*factor) in [-128, 127], back by division; factor = fround(127/threshold). */
export function fakequantSymmetric(x: Float32Array, factor: number): Float32Array {
  return x.map((v) => clamp(roundHalfEven(f(v * factor)), -128, 127) / factor);
}

/** Parameters of `fakequant_affine`. */
export interface AffineQuant {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly qmin: number;
  readonly qmax: number;
  readonly rounding: 'halfEven' | 'halfAwayFromZero';
}

/** y = (clamp(round(x/scale) + zeroPoint, qmin, qmax) - zeroPoint) * scale. */
export function fakequantAffine(x: Float32Array, p: AffineQuant): Float32Array {
  const scale = f(p.scale);
  const round = p.rounding === 'halfEven' ? roundHalfEven : roundHalfAway;
  return x.map((v) => f(clamp(f(round(f(v / scale)) + p.zeroPoint), p.qmin, p.qmax) - p.zeroPoint) * scale);
}
