import { clamp, loadTail, roundHalfAway, storeTail } from '../lanes';

@inline
function symmetric(v: v128, factor: v128, lo: v128, hi: v128): v128 {
  const q = f32x4.nearest(f32x4.mul(v, factor));
  return f32x4.div(clamp(q, lo, hi), factor);
}

export function fakequant_symmetric(x: usize, y: usize, n: i32, factor: f32): void {
  const f = f32x4.splat(factor), lo = f32x4.splat(-128), hi = f32x4.splat(127);
  const end = x + (<usize>(n & ~3) << 2);
  for (; x < end; x += 16, y += 16) v128.store(y, symmetric(v128.load(x), f, lo, hi));
  const rest = n & 3;
  if (rest) storeTail(y, symmetric(loadTail(x, rest), f, lo, hi), rest);
}

@inline
function affine(v: v128, scale: v128, zero: v128, lo: v128, hi: v128, away: bool): v128 {
  const t = f32x4.div(v, scale);
  const q = f32x4.add(away ? roundHalfAway(t) : f32x4.nearest(t), zero);
  return f32x4.mul(f32x4.sub(clamp(q, lo, hi), zero), scale);
}

export function fakequant_affine(
  x: usize, y: usize, n: i32, scale: f32, zeroPoint: f32, qmin: f32, qmax: f32, rounding: i32,
): void {
  const s = f32x4.splat(scale), z = f32x4.splat(zeroPoint), lo = f32x4.splat(qmin), hi = f32x4.splat(qmax);
  const away = rounding != 0;
  const end = x + (<usize>(n & ~3) << 2);
  if (away) for (; x < end; x += 16, y += 16) v128.store(y, affine(v128.load(x), s, z, lo, hi, true));
  else for (; x < end; x += 16, y += 16) v128.store(y, affine(v128.load(x), s, z, lo, hi, false));
  const rest = n & 3;
  if (rest) storeTail(y, affine(loadTail(x, rest), s, z, lo, hi, away), rest);
}
