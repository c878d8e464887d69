// Integer matrix product: C[m,n] = A[m,k] * B[k,n] on 8-bit codes. B is packed by columns once (its columns are the
// tile's rows); A is packed 64 rows at a time, eight to a panel. One row of A has a layout of B of its own (one-row.ts).
// Definition: src/scalar/qs8-gemm.ts.

import { openFinish, peak } from '../requant/index';
import { multiplyOneRow, oneRowBytes, packOneRow, widenOneRow } from './one-row';
import { largestCode, loadCode, multiplyPanels, packedRowsBytes, packRows, panelBytes } from './tile';

/** Rows of A packed before the columns of B are walked. */
const ROWS: i32 = 64;

export function qs8_gemm_packed_bytes(m: i32, n: i32, k: i32): usize {
  return m == 1 ? oneRowBytes(n, k) : packedRowsBytes(n, k);
}

export function qs8_gemm_pack(
  b: usize, signed: i32, packed: usize, m: i32, n: i32, k: i32, rowStride: i32, columnStride: i32,
): void {
  if (m == 1) packOneRow(b, signed, packed, n, k, <usize>columnStride, <usize>rowStride);
  else packRows(b, signed, packed, n, k, <usize>columnStride, <usize>rowStride);
}

export function qs8_gemm_scratch_bytes(k: i32): usize {
  return panelBytes(k) * <usize>(ROWS >> 3);
}

export function qs8_gemm(
  a: usize, aSigned: i32, packed: usize, bias: usize, multiplier: usize, rshift: usize, c: usize, cBytes: i32,
  scratch: usize, m: i32, n: i32, k: i32, aRowStride: i32, aColumnStride: i32, cRowStride: i32,
  finish: i32, zero: i32, lo: i32, hi: i32,
): u32 {
  openFinish(finish, bias, multiplier, rshift, cBytes, zero, lo, hi);
  const largest = largestCode(aSigned);
  if (m == 1) {
    widenOneRow(a, aSigned, scratch, k, <usize>aColumnStride);
    multiplyOneRow(packed, n, k, scratch, c, <usize>cBytes, largest);
    return peak();
  }
  const panel = panelBytes(k);
  for (let row = 0; row < m; row += ROWS) {
    const count = min(ROWS, m - row);
    const rows = a + <usize>row * <usize>aRowStride;
    for (let i = 0; i < count; i += 8) {
      packColumns(
        rows + <usize>i * <usize>aRowStride, aSigned, scratch + <usize>(i >> 3) * panel, min(8, count - i), k,
        <usize>aRowStride, <usize>aColumnStride,
      );
    }
    multiplyPanels(
      packed, n, k, scratch, count, c + <usize>row * <usize>cRowStride * <usize>cBytes, <usize>cBytes,
      <usize>cRowStride * <usize>cBytes, 0, largest,
    );
  }
  return peak();
}

/** One panel [k/2][8][2] of up to eight columns; missing ones repeat the first, the odd k is 0. */
function packColumns(a: usize, signed: i32, panel: usize, count: i32, k: i32, stride: usize, kStride: usize): void {
  for (let column = 0; column < 8; column++) {
    let at = column < count ? a + <usize>column * stride : a;
    let to = panel + (<usize>column << 2);
    for (let j = 0; j < k; j += 2) {
      store<i16>(to, <i16>loadCode(at, signed));
      store<i16>(to, j + 1 < k ? <i16>loadCode(at + kStride, signed) : 0, 2);
      at += kStride << 1;
      to += 32;
    }
  }
}
