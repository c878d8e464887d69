// The integer tile shared by gemm and convolution: 4 rows by 8 columns, two steps of k at a time (`c2`), on 16-bit
// operands: one 16-bit dot product per four results. Rows are packed [k/2][4][2] int16, columns [k/2][8][2] int16.

import { finishLine, LINE_BYTES, LINE_COLUMNS, LINES } from '../requant/index';

export const MR: i32 = 4;
export const NR: i32 = 8;

/** Bytes of `rows` packed rows of depth `k`. */
export function packedRowsBytes(rows: i32, k: i32): usize {
  return (<usize>((rows + 3) >> 2) * <usize>((k + 1) >> 1)) << 4;
}

/** Bytes of one packed panel of eight columns of depth `k`. */
export function panelBytes(k: i32): usize {
  return <usize>((k + 1) >> 1) << 5;
}

@inline
export function loadCode(p: usize, signed: i32): i32 {
  return signed ? <i32>load<i8>(p) : <i32>load<u8>(p);
}

/** Packs codes: element (row, k) is the byte at w + row*rowStride + k*kStride. Missing rows and the odd k are 0. */
export function packRows(w: usize, signed: i32, packed: usize, rows: i32, k: i32, rowStride: usize, kStride: usize): void {
  for (let block = 0; block < rows; block += 4) {
    for (let j = 0; j < k; j += 2) {
      for (let r = 0; r < 4; r++) {
        const row = block + r;
        const at = w + <usize>row * rowStride + <usize>j * kStride;
        const inside = row < rows;
        store<i16>(packed, inside ? <i16>loadCode(at, signed) : 0);
        store<i16>(packed, inside && j + 1 < k ? <i16>loadCode(at + kStride, signed) : 0, 2);
        packed += 4;
      }
    }
  }
}

/** 4x8 products of `pairs` steps, into four lines `LINE_BYTES` apart. */
function qs8_tile_4x8c2(pairs: i32, rows: usize, columns: usize, out: usize): void {
  let r00 = i32x4.splat(0), r01 = i32x4.splat(0);
  let r10 = i32x4.splat(0), r11 = i32x4.splat(0);
  let r20 = i32x4.splat(0), r21 = i32x4.splat(0);
  let r30 = i32x4.splat(0), r31 = i32x4.splat(0);
  const end = rows + (<usize>pairs << 4);
  while (rows < end) {
    const x0 = v128.load(columns);
    const x1 = v128.load(columns, 16);
    const w0 = v128.load32_splat(rows);
    r00 = i32x4.add(r00, i32x4.dot_i16x8_s(w0, x0));
    r01 = i32x4.add(r01, i32x4.dot_i16x8_s(w0, x1));
    const w1 = v128.load32_splat(rows, 4);
    r10 = i32x4.add(r10, i32x4.dot_i16x8_s(w1, x0));
    r11 = i32x4.add(r11, i32x4.dot_i16x8_s(w1, x1));
    const w2 = v128.load32_splat(rows, 8);
    r20 = i32x4.add(r20, i32x4.dot_i16x8_s(w2, x0));
    r21 = i32x4.add(r21, i32x4.dot_i16x8_s(w2, x1));
    const w3 = v128.load32_splat(rows, 12);
    r30 = i32x4.add(r30, i32x4.dot_i16x8_s(w3, x0));
    r31 = i32x4.add(r31, i32x4.dot_i16x8_s(w3, x1));
    rows += 16;
    columns += 32;
  }
  v128.store(out, r00);
  v128.store(out, r01, 16);
  v128.store(out + LINE_BYTES, r10);
  v128.store(out + LINE_BYTES, r11, 16);
  v128.store(out + 2 * LINE_BYTES, r20);
  v128.store(out + 2 * LINE_BYTES, r21, 16);
  v128.store(out + 3 * LINE_BYTES, r30);
  v128.store(out + 3 * LINE_BYTES, r31, 16);
}

/**
 * Every row against packed panels holding `columns` (1…64) columns, finished into y: element (row, column) lies at
 * y + row*rowStride + column*columnStride bytes. bias, multiplier and rshift have one entry per row; bias may be 0.
 */
export function multiplyPanels(
  packed: usize, rows: i32, k: i32, panels: usize, columns: i32, y: usize, rowStride: usize, columnStride: usize,
  bytes: i32, finish: i32, bias: usize, multiplier: usize, rshift: usize, zero: i32, lo: i32, hi: i32,
): void {
  const pairs = (k + 1) >> 1;
  const blockBytes = <usize>pairs << 4;
  const columnBytes = panelBytes(k);
  for (let row = 0; row < rows; row += MR) {
    const rowsHere = min(MR, rows - row);
    let panel = panels;
    for (let column = 0; column < min(columns, LINE_COLUMNS); column += NR) {
      qs8_tile_4x8c2(pairs, packed, panel, LINES + (<usize>column << 2));
      panel += columnBytes;
    }
    for (let r = 0; r < rowsHere; r++) {
      const o = <usize>(row + r) << 2;
      finishLine(
        LINES + <usize>r * LINE_BYTES, y + <usize>(row + r) * rowStride, columnStride, columns, bytes, finish,
        bias ? load<f32>(bias + o) : 0, multiplier ? load<i32>(multiplier + o) : 1, rshift ? load<i32>(rshift + o) : 0,
        zero, lo, hi,
      );
    }
    packed += blockBytes;
  }
}
