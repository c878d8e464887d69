// Tiles whose four rows are finished before they leave the registers: sums begin at the bias and end as codes, each row in
// float32 (requant/narrow.ts) or float64 (requant/wide.ts). The loops are those of tile.ts, which a function of eight vectors
// could not hand over but through memory.

import { storeLanes } from '../lanes';
import { BLOCK } from '../requant/index';
import { narrowSums, round4 } from '../requant/narrow';
import { wide2, wideRound4 } from '../requant/wide';

/** Four sums of a row as integers. */
@inline
function roundRow(row: usize, t: v128): v128 {
  if (load<u32>(BLOCK + (row << 2), 16)) return round4(t, v128.load32_splat(BLOCK + (row << 2), 16), v128.load(BLOCK, 32));
  return wideRound4(
    t, v128.load64_splat(BLOCK + (row << 3), 96), v128.load64_splat(BLOCK + (row << 3), 128), v128.load(BLOCK, 160),
  );
}

/** Eight sums of a row as int16. */
@inline
function finishRow(row: usize, a: v128, b: v128): v128 {
  if (load<u32>(BLOCK + (row << 2), 16)) {
    return narrowSums(a, b, v128.load32_splat(BLOCK + (row << 2), 16), v128.load(BLOCK, 32));
  }
  const factor = v128.load64_splat(BLOCK + (row << 3), 96);
  const tie = v128.load64_splat(BLOCK + (row << 3), 128);
  const rounder = v128.load(BLOCK, 160);
  return i16x8.narrow_i32x4_s(wideRound4(a, factor, tie, rounder), wideRound4(b, factor, tie, rounder));
}

/**
 * Codes of 4 rows by 8 columns with the constants of `openBlock`; one of the strides, in bytes from row to row and from
 * column to column, is 1.
 */
export function finishedTile(
  pairs: i32, rows: usize, columns: usize, y: usize, rowStride: usize, columnStride: usize,
): void {
  let r00 = v128.load32_splat(BLOCK), r10 = v128.load32_splat(BLOCK, 4);
  let r20 = v128.load32_splat(BLOCK, 8), r30 = v128.load32_splat(BLOCK, 12);
  let r01 = r00, r11 = r10, r21 = r20, r31 = r30;
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
  const upper = toCodes(finishRow(0, r00, r01), finishRow(1, r10, r11));
  const lower = toCodes(finishRow(2, r20, r21), finishRow(3, r30, r31));
  if (columnStride != 1) {
    const first = v128.shuffle<i8>(upper, lower, 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27);
    const last = v128.shuffle<i8>(upper, lower, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31);
    storeLanes(y, columnStride, first);
    storeLanes(y + 4 * columnStride, columnStride, last);
    return;
  }
  v128.store64_lane(y, upper, 0);
  v128.store64_lane(y + rowStride, upper, 1);
  v128.store64_lane(y + 2 * rowStride, lower, 0);
  v128.store64_lane(y + 3 * rowStride, lower, 1);
}

/** Codes of 4 rows by the first 4 columns of a panel. */
export function finishedTile4(
  pairs: i32, rows: usize, columns: usize, y: usize, rowStride: usize, columnStride: usize,
): void {
  let r0 = v128.load32_splat(BLOCK), r1 = v128.load32_splat(BLOCK, 4);
  let r2 = v128.load32_splat(BLOCK, 8), r3 = v128.load32_splat(BLOCK, 12);
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
  const codes = toCodes(
    i16x8.narrow_i32x4_s(roundRow(0, r0), roundRow(1, r1)), i16x8.narrow_i32x4_s(roundRow(2, r2), roundRow(3, r3)),
  );
  if (columnStride == 1) storeLanes(y, rowStride, codes);
  else storeLanes(y, columnStride, v128.shuffle<i8>(codes, codes, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
}

/** Codes of four sums, one of each row. */
@inline
export function finishedColumn(sums: v128, y: usize, rowStride: usize): void {
  const t = i32x4.add(sums, v128.load(BLOCK));
  const factors = v128.load(BLOCK, 16);
  const isWide = f32x4.eq(factors, f32x4.splat(0));
  let rounded = round4(t, factors, v128.load(BLOCK, 32));
  if (v128.any_true(isWide)) rounded = v128.bitselect(wideColumn(t), rounded, isWide);
  const words = i16x8.narrow_i32x4_s(rounded, rounded);
  const codes = toCodes(words, words);
  v128.store8_lane(y, codes, 0);
  v128.store8_lane(y + rowStride, codes, 1);
  v128.store8_lane(y + 2 * rowStride, codes, 2);
  v128.store8_lane(y + 3 * rowStride, codes, 3);
}

/** Factors of rows in float32 hold anything, their lanes are not taken. */
@inline
function wideColumn(t: v128): v128 {
  const rounder = v128.load(BLOCK, 160);
  const low = f64x2.convert_low_i32x4_s(t);
  const high = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(t, t, 2, 3, 2, 3));
  const a = wide2(low, v128.load(BLOCK, 96), v128.load(BLOCK, 128), rounder);
  const b = wide2(high, v128.load(BLOCK, 112), v128.load(BLOCK, 144), rounder);
  return v128.shuffle<i32>(a, b, 0, 2, 4, 6);
}

/** Most layers clamp to all codes of their type, as packing does. */
@inline
function toCodes(a: v128, b: v128): v128 {
  const range = load<i32>(BLOCK, 80);
  if (range == 2) return i8x16.narrow_i16x8_u(a, b);
  const low = v128.load(BLOCK, 48);
  const high = v128.load(BLOCK, 64);
  return range == 1
    ? i8x16.min_u(i8x16.max_u(i8x16.narrow_i16x8_u(a, b), low), high)
    : i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(a, b), low), high);
}
