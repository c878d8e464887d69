// The 4x8 tile whose four rows are all finished in float32 (requant/narrow.ts): sums begin at the bias and end as codes.

import { BLOCK } from '../requant/index';
import { narrowSums } from '../requant/narrow';

/** Codes of 4 rows by 8 columns, `rowStride` bytes from row to row, with the constants of `openBlock`. */
export function narrowTile(pairs: i32, rows: usize, columns: usize, y: usize, rowStride: usize): void {
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
  }
  const rounder = v128.load(BLOCK, 32);
  const low = v128.load(BLOCK, 48);
  const high = v128.load(BLOCK, 64);
  const a = narrowSums(r00, r01, v128.load32_splat(BLOCK, 16), rounder);
  const b = narrowSums(r10, r11, v128.load32_splat(BLOCK, 20), rounder);
  const c = narrowSums(r20, r21, v128.load32_splat(BLOCK, 24), rounder);
  const d = narrowSums(r30, r31, v128.load32_splat(BLOCK, 28), rounder);
  const unsigned = load<i32>(BLOCK, 80);
  storeRows(a, b, unsigned, low, high, y, rowStride);
  storeRows(c, d, unsigned, low, high, y + 2 * rowStride, rowStride);
}

@inline
function storeRows(a: v128, b: v128, unsigned: i32, low: v128, high: v128, y: usize, rowStride: usize): void {
  // Most layers clamp to all codes of their type, as packing does.
  const codes = unsigned
    ? unsigned == 2 ? i8x16.narrow_i16x8_u(a, b) : i8x16.min_u(i8x16.max_u(i8x16.narrow_i16x8_u(a, b), low), high)
    : i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(a, b), low), high);
  v128.store64_lane(y, codes, 0);
  v128.store64_lane(y + rowStride, codes, 1);
}
