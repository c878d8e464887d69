import { loadTail, storeTail } from '../lanes';
import { affineStep, symmetricStep } from './steps';

export function fakequant_symmetric(x: usize, y: usize, n: i32, factor: f32): void {
  const f = f32x4.splat(factor), lo = f32x4.splat(-128), hi = f32x4.splat(127);
  const end = x + (<usize>(n & ~3) << 2);
  for (; x < end; x += 16, y += 16) v128.store(y, symmetricStep(v128.load(x), f, lo, hi));
  const rest = n & 3;
  if (rest) storeTail(y, symmetricStep(loadTail(x, rest), f, lo, hi), rest);
}

export function fakequant_affine(
  x: usize, y: usize, n: i32, scale: f32, zeroPoint: f32, qmin: f32, qmax: f32, rounding: i32,
): void {
  const s = f32x4.splat(scale), z = f32x4.splat(zeroPoint), lo = f32x4.splat(qmin), hi = f32x4.splat(qmax);
  const away = rounding != 0;
  const end = x + (<usize>(n & ~3) << 2);
  if (away) for (; x < end; x += 16, y += 16) v128.store(y, affineStep(v128.load(x), s, z, lo, hi, true));
  else for (; x < end; x += 16, y += 16) v128.store(y, affineStep(v128.load(x), s, z, lo, hi, false));
  const rest = n & 3;
  if (rest) storeTail(y, affineStep(loadTail(x, rest), s, z, lo, hi, away), rest);
}
