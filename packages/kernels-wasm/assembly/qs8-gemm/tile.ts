// The integer tile shared by gemm and convolution: 4 rows by 8 columns, two steps of k at a time (`c2`), on 16-bit
// operands: one 16-bit dot product per four results. Rows are packed [rows/4][k/2][4][2] int16 and followed by the sum of
// magnitudes of each row (int32), columns are packed [k/2][8][2] int16.

import { finishLine, LINES, openBlock } from '../requant/index';
import { finishedColumn, finishedTile, finishedTile4 } from './finished-tile';

export const MR: i32 = 4;
export const NR: i32 = 8;
/** int32 results of one tile, [4][8]. */
export const TILE_BYTES: usize = 128;

/** Bytes of four packed rows of depth `k`. */
@inline
export function blockBytes(k: i32): usize {
  return <usize>((k + 1) >> 1) << 4;
}

/** Bytes of `rows` packed rows of depth `k`, with their magnitudes. */
export function packedRowsBytes(rows: i32, k: i32): usize {
  return <usize>((rows + 3) >> 2) * (blockBytes(k) + 16);
}

/** Bytes of one packed panel of eight columns of depth `k`. */
export function panelBytes(k: i32): usize {
  return <usize>((k + 1) >> 1) << 5;
}

@inline
export function loadCode(p: usize, signed: i32): i32 {
  return signed ? <i32>load<i8>(p) : <i32>load<u8>(p);
}

/** Largest magnitude of a code. */
@inline
export function largestCode(signed: i32): f64 {
  return signed ? 128 : 255;
}

/** Sums of magnitudes of rows: element (row, k) is the byte at w + row*rowStride + k*kStride. */
export function storeMagnitudes(w: usize, signed: i32, sums: usize, rows: i32, k: i32, rowStride: usize, kStride: usize): void {
  for (let row = 0; row < rows; row++) {
    let sum: i32 = 0;
    let at = w + <usize>row * rowStride;
    for (let j = 0; j < k; j++) {
      sum += abs(loadCode(at, signed));
      at += kStride;
    }
    store<i32>(sums + (<usize>row << 2), sum);
  }
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
  storeMagnitudes(w, signed, packed, rows, k, rowStride, kStride);
}

/** 4x8 products of `pairs` steps. */
export function tile4x8(pairs: i32, rows: usize, columns: usize, out: usize): void {
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
    // Leaving here keeps the loads of the next step behind the sums of this one: together they do not fit the registers.
    if (rows >= end) break;
    const z0 = v128.load(columns);
    const z1 = v128.load(columns, 16);
    const u0 = v128.load32_splat(rows);
    r00 = i32x4.add(r00, i32x4.dot_i16x8_s(u0, z0));
    r01 = i32x4.add(r01, i32x4.dot_i16x8_s(u0, z1));
    const u1 = v128.load32_splat(rows, 4);
    r10 = i32x4.add(r10, i32x4.dot_i16x8_s(u1, z0));
    r11 = i32x4.add(r11, i32x4.dot_i16x8_s(u1, z1));
    const u2 = v128.load32_splat(rows, 8);
    r20 = i32x4.add(r20, i32x4.dot_i16x8_s(u2, z0));
    r21 = i32x4.add(r21, i32x4.dot_i16x8_s(u2, z1));
    const u3 = v128.load32_splat(rows, 12);
    r30 = i32x4.add(r30, i32x4.dot_i16x8_s(u3, z0));
    r31 = i32x4.add(r31, i32x4.dot_i16x8_s(u3, z1));
    rows += 16;
    columns += 32;
  }
  v128.store(out, r00);
  v128.store(out, r01, 16);
  v128.store(out, r10, 32);
  v128.store(out, r11, 48);
  v128.store(out, r20, 64);
  v128.store(out, r21, 80);
  v128.store(out, r30, 96);
  v128.store(out, r31, 112);
}

/** The first four columns of a panel only: what is left of an image of 14x14. */
export function tile4x4(pairs: i32, rows: usize, columns: usize, out: usize): void {
  let r0 = i32x4.splat(0), r1 = i32x4.splat(0), r2 = i32x4.splat(0), r3 = i32x4.splat(0);
  const end = rows + (<usize>pairs << 4);
  while (rows < end) {
    const x = v128.load(columns);
    r0 = i32x4.add(r0, i32x4.dot_i16x8_s(v128.load32_splat(rows), x));
    r1 = i32x4.add(r1, i32x4.dot_i16x8_s(v128.load32_splat(rows, 4), x));
    r2 = i32x4.add(r2, i32x4.dot_i16x8_s(v128.load32_splat(rows, 8), x));
    r3 = i32x4.add(r3, i32x4.dot_i16x8_s(v128.load32_splat(rows, 12), x));
    rows += 16;
    columns += 32;
  }
  v128.store(out, r0);
  v128.store(out, r1, 32);
  v128.store(out, r2, 64);
  v128.store(out, r3, 96);
}

/** The first column of a panel only, what is left of an image of 7x7: lanes are rows. */
@inline
function column4(pairs: i32, rows: usize, columns: usize): v128 {
  let a = i32x4.splat(0), b = i32x4.splat(0);
  const end = rows + (<usize>(pairs & ~1) << 4);
  while (rows < end) {
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load(rows), v128.load32_splat(columns)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load(rows, 16), v128.load32_splat(columns, 32)));
    rows += 32;
    columns += 64;
  }
  if (pairs & 1) a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load(rows), v128.load32_splat(columns)));
  return i32x4.add(a, b);
}

/** The same, where tiles leave their sums. */
export function tile4x1(pairs: i32, rows: usize, columns: usize, out: usize): void {
  const a = column4(pairs, rows, columns);
  v128.store32_lane(out, a, 0);
  v128.store32_lane(out, a, 1, 32);
  v128.store32_lane(out, a, 2, 64);
  v128.store32_lane(out, a, 3, 96);
}

/**
 * Every row against packed panels holding `columns` (1…256) columns, finished into y: element (row, column) lies at
 * y + row*rowStride + column*columnStride bytes. `first` is the channel of row 0, `largest` the largest |code| of a column.
 */
export function multiplyPanels(
  packed: usize, rows: i32, k: i32, panels: usize, columns: i32, y: usize, rowStride: usize, columnStride: usize,
  first: i32, largest: f64,
): void {
  const pairs = (k + 1) >> 1;
  const block = blockBytes(k);
  const panel = panelBytes(k);
  const sums = packed + <usize>((rows + 3) >> 2) * block;
  for (let row = 0; row < rows; row += MR) {
    let from = panels;
    let out = LINES;
    let left = columns;
    let to = y + <usize>row * rowStride;
    const isAdjacent = columnStride == 1 || rowStride == 1;
    if (row + MR <= rows && isAdjacent && openBlock(first + row, sums + (<usize>row << 2), largest)) {
      for (; left >= NR; left -= NR) {
        finishedTile(pairs, packed, from, to, rowStride, columnStride);
        from += panel;
        to += columnStride * <usize>NR;
      }
      if (left == 4) {
        finishedTile4(pairs, packed, from, to, rowStride, columnStride);
        left = 0;
      } else if (left == 1) {
        finishedColumn(column4(pairs, packed, from), to, rowStride);
        left = 0;
      }
    }
    const rest = left;
    for (; left > 0; left -= NR) {
      if (left > 4) tile4x8(pairs, packed, from, out);
      else if (left > 1) tile4x4(pairs, packed, from, out);
      else tile4x1(pairs, packed, from, out);
      from += panel;
      out += TILE_BYTES;
    }
    for (let r = row; r < min(row + MR, rows) && rest > 0; r++) {
      const reach = <f64>load<i32>(sums + (<usize>r << 2)) * largest;
      const acc = LINES + (<usize>(r - row) << 5);
      finishLine(first + r, reach, acc, TILE_BYTES, to + <usize>(r - row) * rowStride, columnStride, rest);
    }
    packed += block;
  }
}
