// Functions of a bfloat16 by the tables of the CV18xx (numerics.md 10): 256 values and 256 slopes, or 256 exponents and 256
// mantissas, as float32. Definition: src/scalar/cv18xx-tables.ts.

import { loadSome, storeSome } from '../lanes';
import { CvTable } from '../op-codes';
import { cvAdd, cvMultiply, cvRound } from './bf16';

@inline
function entry(table: usize, index: i32): f32 {
  return load<f32>(table + (<usize>index << 2));
}

/** Four entries at four indices. */
@inline
function gather(table: usize, index: v128): v128 {
  let v = v128.load32_zero(table + (<usize>i32x4.extract_lane(index, 0) << 2));
  v = v128.load32_lane(table + (<usize>i32x4.extract_lane(index, 1) << 2), v, 1);
  v = v128.load32_lane(table + (<usize>i32x4.extract_lane(index, 2) << 2), v, 2);
  return v128.load32_lane(table + (<usize>i32x4.extract_lane(index, 3) << 2), v, 3);
}

/** Index of the exponent: 1 for 2^-62; a second half for negative numbers, 0 for zero. */
@inline
function exponentIndex(bits: u32): i32 {
  const magnitude = bits & 0x7fffffff;
  if (magnitude == 0) return 0;
  if (magnitude >= 0x7f800000) return 255;
  const exponent = magnitude < 0x00800000 ? 31 - <i32>clz(magnitude) - 149 : <i32>(magnitude >> 23) - 127;
  return min(max(exponent + (bits >> 31 ? 191 : 63), 0), 255);
}

/** Interpolation: the index is x*scale truncated and held within ±128, the rest goes along the slope. */
function slope4(x: v128, first: usize, second: usize, scale: v128): v128 {
  const scaled = cvMultiply(cvAdd(x, f32x4.splat(0)), scale);
  const limited = i32x4.max_s(i32x4.trunc_sat_f32x4_s(scaled), i32x4.splat(-128));
  const index = i32x4.min_s(limited, i32x4.splat(127));
  const rest = cvRound(f32x4.sub(scaled, f32x4.convert_i32x4_s(index)));
  const at = v128.and(index, i32x4.splat(255));
  return cvAdd(gather(first, at), cvMultiply(rest, gather(second, at)));
}

/** A function of the exponent times, or for a logarithm plus, one of the mantissa. NaN becomes the largest number. */
export function mantissa(x: f32, first: usize, second: usize, isLog: bool): f32 {
  const bits = reinterpret<u32>(x);
  if ((bits & 0x7fffffff) > 0x7f800000) return reinterpret<f32>(0x7f7f0000);
  const a = f32x4.splat(entry(first, exponentIndex(bits)));
  const b = f32x4.splat(entry(second, <i32>(bits >> 16 & 255)));
  return f32x4.extract_lane(isLog ? cvAdd(a, b) : cvMultiply(a, b), 0);
}

/** y = function of x by its two tables; `scale` belongs to `slope`. In place. */
export function cv_lut(kind: i32, x: usize, first: usize, second: usize, y: usize, n: i32, scale: f32): void {
  if (kind == CvTable.slope) {
    const sv = f32x4.splat(scale);
    for (; n > 0; n -= 4) {
      const count = min(n, 4);
      storeSome(y, slope4(loadSome(x, count), first, second, sv), count);
      x += 16;
      y += 16;
    }
    return;
  }
  for (let i: usize = 0; i < <usize>n; i++) {
    store<f32>(y + (i << 2), mantissa(load<f32>(x + (i << 2)), first, second, kind == CvTable.log));
  }
}

/**
 * Softmax over the middle of [outer, axis, inner] in bfloat16 steps (src/scalar/cv18xx-rows.ts). Lanes are columns, or, where
 * inner is 1, the elements of a row. In place.
 */
export function cv_softmax(
  x: usize, y: usize, outer: i32, axis: i32, inner: i32, powers: usize, slopes: usize, scale: f32,
  exponents: usize, mantissas: usize, log: i32, share: f32,
): void {
  const bytes = <usize>(axis * inner) << 2;
  const sv = f32x4.splat(scale);
  for (let o = 0; o < outer; o++) {
    if (inner == 1) alongRow(x, y, axis, powers, slopes, sv, exponents, mantissas, log, share);
    else for (let i = 0; i < inner; i += 4) {
      const at = <usize>i << 2;
      const count = min(4, inner - i);
      downColumns(x + at, y + at, axis, <usize>inner << 2, count, powers, slopes, sv, exponents, mantissas, log, share);
    }
    x += bytes;
    y += bytes;
  }
}

function alongRow(
  x: usize, y: usize, n: i32, powers: usize, slopes: usize, scale: v128, exponents: usize, mantissas: usize, log: i32,
  share: f32,
): void {
  let top: f32 = load<f32>(x);
  for (let i = 1; i < n; i++) top = max<f32>(top, load<f32>(x + (<usize>i << 2)));
  const tops = f32x4.splat(top);
  const shares = f32x4.splat(share);
  let sum: f32 = 0;
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2;
    const count = min(4, n - i);
    const d = cvRound(f32x4.sub(loadSome(x + at, count), tops));
    const e = slope4(d, powers, slopes, scale);
    storeSome(y + at, log ? d : e, count);
    const t = f32x4.mul(e, shares);
    sum += f32x4.extract_lane(t, 0);
    if (count > 1) sum += f32x4.extract_lane(t, 1);
    if (count > 2) sum += f32x4.extract_lane(t, 2);
    if (count > 3) sum += f32x4.extract_lane(t, 3);
  }
  const total = f32x4.extract_lane(cvRound(f32x4.splat(sum)), 0);
  const factor = f32x4.splat(mantissa(total, exponents, mantissas, log != 0));
  for (let i = 0; i < n; i += 4) {
    const at = y + (<usize>i << 2);
    storeSome(at, share4(loadSome(at, min(4, n - i)), factor, log), min(4, n - i));
  }
}

@inline
function share4(v: v128, factor: v128, log: i32): v128 {
  return cvRound(log ? f32x4.sub(v, factor) : f32x4.mul(v, factor));
}

function downColumns(
  x: usize, y: usize, axis: i32, step: usize, count: i32, powers: usize, slopes: usize, scale: v128, exponents: usize,
  mantissas: usize, log: i32, share: f32,
): void {
  const end = <usize>axis * step;
  const shares = f32x4.splat(share);
  let top = loadSome(x, count);
  for (let at = step; at < end; at += step) top = f32x4.max(top, loadSome(x + at, count));
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < end; at += step) {
    const d = cvRound(f32x4.sub(loadSome(x + at, count), top));
    const e = slope4(d, powers, slopes, scale);
    storeSome(y + at, log ? d : e, count);
    sum = f32x4.add(sum, f32x4.mul(e, shares));
  }
  const total = cvRound(sum);
  const isLog = log != 0;
  let factor = f32x4.splat(mantissa(f32x4.extract_lane(total, 0), exponents, mantissas, isLog));
  factor = f32x4.replace_lane(factor, 1, mantissa(f32x4.extract_lane(total, 1), exponents, mantissas, isLog));
  factor = f32x4.replace_lane(factor, 2, mantissa(f32x4.extract_lane(total, 2), exponents, mantissas, isLog));
  factor = f32x4.replace_lane(factor, 3, mantissa(f32x4.extract_lane(total, 3), exponents, mantissas, isLog));
  for (let at: usize = 0; at < end; at += step) {
    storeSome(y + at, share4(loadSome(y + at, count), factor, log), count);
  }
}
