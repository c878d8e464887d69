// The product of one row of A: nothing of B is met twice, so its codes stay bytes and the time is that of reading them. Lanes
// are columns of B. Packed [n/4][k/2][4][2] bytes, then the sum of magnitudes of each column and 1 where codes have a sign.

import { finishLine, LINES, openBlock } from '../requant/index';
import { finishedColumn } from './finished-tile';
import { loadCode, MR, storeMagnitudes } from './tile';

@inline
function blockBytes(k: i32): usize {
  return <usize>((k + 1) >> 1) << 3;
}

@inline
function blocksOf(n: i32): usize {
  return <usize>((n + 3) >> 2);
}

export function oneRowBytes(n: i32, k: i32): usize {
  return blocksOf(n) * (blockBytes(k) + 16) + 16;
}

/** Element (column, k) is the byte at b + column*columnStride + k*kStride. Missing columns and the odd k are 0. */
export function packOneRow(b: usize, signed: i32, packed: usize, n: i32, k: i32, columnStride: usize, kStride: usize): void {
  const sums = packed + blocksOf(n) * blockBytes(k);
  for (let block = 0; block < n; block += MR) {
    for (let j = 0; j < k; j += 2) {
      for (let r = 0; r < MR; r++) {
        const column = block + r;
        const at = b + <usize>column * columnStride + <usize>j * kStride;
        store<u8>(packed, column < n ? load<u8>(at) : 0);
        store<u8>(packed, column < n && j + 1 < k ? load<u8>(at + kStride) : 0, 1);
        packed += 2;
      }
    }
  }
  storeMagnitudes(b, signed, sums, n, k, columnStride, kStride);
  store<i32>(sums + (blocksOf(n) << 4), signed);
}

/** `x` holds the row as [k/2][2] int16, the odd k 0. */
export function multiplyOneRow(packed: usize, n: i32, k: i32, x: usize, y: usize, yBytes: usize, largest: f64): void {
  const sums = packed + blocksOf(n) * blockBytes(k);
  const signed = load<i32>(sums + (blocksOf(n) << 4));
  const end = x + (<usize>((k + 1) >> 1) << 2);
  for (let column = 0; column < n; column += MR) {
    const t = signed ? columnSums<i8>(packed, x, end) : columnSums<u8>(packed, x, end);
    packed += blockBytes(k);
    const reaches = sums + (<usize>column << 2);
    if (column + MR <= n && openBlock(column, reaches, largest)) {
      finishedColumn(t, y + <usize>column * yBytes, yBytes);
      continue;
    }
    v128.store(LINES, t);
    for (let r = 0; r < min(MR, n - column); r++) {
      const reach = <f64>load<i32>(reaches + (<usize>r << 2)) * largest;
      finishLine(column + r, reach, LINES + (<usize>r << 2), 32, y + <usize>(column + r) * yBytes, 1, 1);
    }
  }
}

/**
 * Sums of four columns. Instances for codes with a sign and without: the optimizer folds two copies of a loop with a flag into
 * one that looks at it on every step.
 */
function columnSums<T>(w: usize, x: usize, end: usize): v128 {
  let a = i32x4.splat(0), b = i32x4.splat(0);
  for (; x + 4 < end; x += 8) {
    a = i32x4.add(a, i32x4.dot_i16x8_s(widen<T>(w), v128.load32_splat(x)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(widen<T>(w + 8), v128.load32_splat(x, 4)));
    w += 16;
  }
  if (x < end) a = i32x4.add(a, i32x4.dot_i16x8_s(widen<T>(w), v128.load32_splat(x)));
  return i32x4.add(a, b);
}

@inline
function widen<T>(p: usize): v128 {
  return isSigned<T>() ? v128.load8x8_s(p) : v128.load8x8_u(p);
}

/** One row [k/2][2] of int16; the odd k is 0. */
export function widenOneRow(a: usize, signed: i32, row: usize, k: i32, kStride: usize): void {
  for (let j = 0; j < k; j++) {
    store<i16>(row, <i16>loadCode(a, signed));
    a += kStride;
    row += 2;
  }
  store<i16>(row, 0);
}
