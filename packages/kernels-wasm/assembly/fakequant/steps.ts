import { clamp, roundHalfAway } from '../lanes';

/** One vector through calibration.md 7.4; lo and hi are -128 and 127. */
@inline
export function symmetricStep(v: v128, factor: v128, lo: v128, hi: v128): v128 {
  const q = f32x4.nearest(f32x4.mul(v, factor));
  return f32x4.div(clamp(q, lo, hi), factor);
}

/** One vector to codes with a zero point and back. */
@inline
export function affineStep(v: v128, scale: v128, zero: v128, lo: v128, hi: v128, away: bool): v128 {
  const t = f32x4.div(v, scale);
  const q = f32x4.add(away ? roundHalfAway(t) : f32x4.nearest(t), zero);
  return f32x4.mul(f32x4.sub(clamp(q, lo, hi), zero), scale);
}
