// Integer matrix product: C[m,n] = A[m,k] * B[k,n] on 8-bit codes. B is packed by columns once (its columns are the
// tile's rows); A is packed eight rows at a time. Definition: src/scalar/qs8-gemm.ts.

import { peak, resetPeak } from '../requant/index';
import { loadCode, multiplyPanels, packedRowsBytes, packRows, panelBytes } from './tile';

export function qs8_gemm_packed_bytes(n: i32, k: i32): usize {
  return packedRowsBytes(n, k);
}

export function qs8_gemm_pack(
  b: usize, signed: i32, packed: usize, n: i32, k: i32, rowStride: i32, columnStride: i32,
): void {
  packRows(b, signed, packed, n, k, <usize>columnStride, <usize>rowStride);
}

export function qs8_gemm_scratch_bytes(k: i32): usize {
  return panelBytes(k);
}

export function qs8_gemm(
  a: usize, aSigned: i32, packed: usize, bias: usize, multiplier: usize, rshift: usize, c: usize, cBytes: i32,
  scratch: usize, m: i32, n: i32, k: i32, aRowStride: i32, aColumnStride: i32, cRowStride: i32,
  finish: i32, zero: i32, lo: i32, hi: i32,
): u32 {
  resetPeak();
  for (let row = 0; row < m; row += 8) {
    const count = min(8, m - row);
    packColumns(a + <usize>row * <usize>aRowStride, aSigned, scratch, count, k, <usize>aRowStride, <usize>aColumnStride);
    multiplyPanels(
      packed, n, k, scratch, count, c + <usize>row * <usize>cRowStride * <usize>cBytes, <usize>cBytes,
      <usize>cRowStride * <usize>cBytes, cBytes, finish, bias, multiplier, rshift, zero, lo, hi,
    );
  }
  return peak();
}

/** One panel [k/2][8][2] of up to eight columns; missing ones repeat the first, the odd k is 0. */
function packColumns(a: usize, signed: i32, panel: usize, count: i32, k: i32, stride: usize, kStride: usize): void {
  for (let j = 0; j < k; j += 2) {
    const at = a + <usize>j * kStride;
    const hasSecond = j + 1 < k;
    for (let column = 0; column < 8; column++) {
      const p = column < count ? at + <usize>column * stride : at;
      store<i16>(panel, <i16>loadCode(p, signed));
      store<i16>(panel, hasSecond ? <i16>loadCode(p + kStride, signed) : 0, 2);
      panel += 4;
    }
  }
}
