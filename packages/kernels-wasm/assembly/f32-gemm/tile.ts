// The float32 matrix tile shared by gemm, conv and deconv: 4 rows (one splat each) by 12 columns (three vectors).
// 12 accumulators, 3 loads of B and 4 splats of A per step of k: plain multiply-add is the bottleneck, not loads.
// 12 divides 12544, 3136, 784 and 196 (the pixel counts of the 224 family) with remainder 4, which has its own tile.

import { clamp } from '../lanes';

export const MR: i32 = 4;
export const NR: i32 = 12;
/** Bytes of one k-step of a packed B panel. */
export const NR_BYTES: usize = 48;
/** Depth of a k block: a B panel (12 KiB) and an A tile (4 KiB) stay in the first-level cache together. */
export const KC: i32 = 256;
/** Floats of a B block: its panels (120 KiB) stay in the second-level cache. */
const BLOCK_FLOATS: i32 = 30720;

/**
 * Columns of a B block of depth kc. A shallow product gets wide blocks: rows of C are then written in long runs, which is
 * what the memory system wants when there is little arithmetic to hide it (16 -> 96 channels at 112x112: 4 times faster).
 */
@inline
export function blockColumns(kc: i32): i32 {
  return BLOCK_FLOATS / max(kc, 1) / NR * NR;
}

/** How a tile starts: from what C holds (a later k block), from bias[column], or from bias[row] (as `BiasMode`). */
export const enum Start {
  fromC = 0,
  perColumn = 1,
  perRow = 2,
}

/** Twelve zeros: the bias of whoever has none. */
export const ZEROS: usize = memory.data(48, 16);

/** Room for one partial tile and its bias, at the head of every scratch area. */
export const EDGE_BYTES: usize = 4 * 48 + 48 + 16;

/** C[4,12] from A packed [k][4] and B rows `bStride` bytes apart; C rows are `cStride` bytes apart. */
export function f32_gemm_4x12(
  k: i32, a: usize, b: usize, bStride: usize, c: usize, cStride: usize, start: i32, bias: usize, lo: f32, hi: f32,
): void {
  const c1 = c + cStride;
  const c2 = c1 + cStride;
  const c3 = c2 + cStride;
  let r00: v128, r01: v128, r02: v128;
  let r10: v128, r11: v128, r12: v128;
  let r20: v128, r21: v128, r22: v128;
  let r30: v128, r31: v128, r32: v128;
  if (start == Start.perRow) {
    r00 = v128.load32_splat(bias); r01 = r00; r02 = r00;
    r10 = v128.load32_splat(bias, 4); r11 = r10; r12 = r10;
    r20 = v128.load32_splat(bias, 8); r21 = r20; r22 = r20;
    r30 = v128.load32_splat(bias, 12); r31 = r30; r32 = r30;
  } else if (start == Start.perColumn) {
    r00 = v128.load(bias); r01 = v128.load(bias, 16); r02 = v128.load(bias, 32);
    r10 = r00; r11 = r01; r12 = r02;
    r20 = r00; r21 = r01; r22 = r02;
    r30 = r00; r31 = r01; r32 = r02;
  } else {
    r00 = v128.load(c); r01 = v128.load(c, 16); r02 = v128.load(c, 32);
    r10 = v128.load(c1); r11 = v128.load(c1, 16); r12 = v128.load(c1, 32);
    r20 = v128.load(c2); r21 = v128.load(c2, 16); r22 = v128.load(c2, 32);
    r30 = v128.load(c3); r31 = v128.load(c3, 16); r32 = v128.load(c3, 32);
  }
  const end = a + (<usize>k << 4);
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const b2 = v128.load(b, 32);
    const a0 = v128.load32_splat(a);
    r00 = f32x4.add(r00, f32x4.mul(a0, b0));
    r01 = f32x4.add(r01, f32x4.mul(a0, b1));
    r02 = f32x4.add(r02, f32x4.mul(a0, b2));
    const a1 = v128.load32_splat(a, 4);
    r10 = f32x4.add(r10, f32x4.mul(a1, b0));
    r11 = f32x4.add(r11, f32x4.mul(a1, b1));
    r12 = f32x4.add(r12, f32x4.mul(a1, b2));
    const a2 = v128.load32_splat(a, 8);
    r20 = f32x4.add(r20, f32x4.mul(a2, b0));
    r21 = f32x4.add(r21, f32x4.mul(a2, b1));
    r22 = f32x4.add(r22, f32x4.mul(a2, b2));
    const a3 = v128.load32_splat(a, 12);
    r30 = f32x4.add(r30, f32x4.mul(a3, b0));
    r31 = f32x4.add(r31, f32x4.mul(a3, b1));
    r32 = f32x4.add(r32, f32x4.mul(a3, b2));
    a += 16;
    b += bStride;
  }
  const l = f32x4.splat(lo);
  const h = f32x4.splat(hi);
  v128.store(c, clamp(r00, l, h)); v128.store(c, clamp(r01, l, h), 16); v128.store(c, clamp(r02, l, h), 32);
  v128.store(c1, clamp(r10, l, h)); v128.store(c1, clamp(r11, l, h), 16); v128.store(c1, clamp(r12, l, h), 32);
  v128.store(c2, clamp(r20, l, h)); v128.store(c2, clamp(r21, l, h), 16); v128.store(c2, clamp(r22, l, h), 32);
  v128.store(c3, clamp(r30, l, h)); v128.store(c3, clamp(r31, l, h), 16); v128.store(c3, clamp(r32, l, h), 32);
}

/** The first four columns of a panel only. */
export function f32_gemm_4x4(
  k: i32, a: usize, b: usize, bStride: usize, c: usize, cStride: usize, start: i32, bias: usize, lo: f32, hi: f32,
): void {
  const c1 = c + cStride;
  const c2 = c1 + cStride;
  const c3 = c2 + cStride;
  let r0: v128, r1: v128, r2: v128, r3: v128;
  if (start == Start.perRow) {
    r0 = v128.load32_splat(bias);
    r1 = v128.load32_splat(bias, 4);
    r2 = v128.load32_splat(bias, 8);
    r3 = v128.load32_splat(bias, 12);
  } else if (start == Start.perColumn) {
    r0 = v128.load(bias); r1 = r0; r2 = r0; r3 = r0;
  } else {
    r0 = v128.load(c); r1 = v128.load(c1); r2 = v128.load(c2); r3 = v128.load(c3);
  }
  const end = a + (<usize>k << 4);
  while (a < end) {
    const b0 = v128.load(b);
    r0 = f32x4.add(r0, f32x4.mul(v128.load32_splat(a), b0));
    r1 = f32x4.add(r1, f32x4.mul(v128.load32_splat(a, 4), b0));
    r2 = f32x4.add(r2, f32x4.mul(v128.load32_splat(a, 8), b0));
    r3 = f32x4.add(r3, f32x4.mul(v128.load32_splat(a, 12), b0));
    a += 16;
    b += bStride;
  }
  const l = f32x4.splat(lo);
  const h = f32x4.splat(hi);
  v128.store(c, clamp(r0, l, h));
  v128.store(c1, clamp(r1, l, h));
  v128.store(c2, clamp(r2, l, h));
  v128.store(c3, clamp(r3, l, h));
}

/** One row: A is [k] contiguous. */
export function f32_gemm_1x12(
  k: i32, a: usize, b: usize, bStride: usize, c: usize, start: i32, bias: usize, lo: f32, hi: f32,
): void {
  let r0: v128, r1: v128, r2: v128;
  if (start == Start.perRow) {
    r0 = v128.load32_splat(bias); r1 = r0; r2 = r0;
  } else {
    const from = start == Start.perColumn ? bias : c;
    r0 = v128.load(from); r1 = v128.load(from, 16); r2 = v128.load(from, 32);
  }
  const end = a + (<usize>k << 2);
  while (a < end) {
    const a0 = v128.load32_splat(a);
    r0 = f32x4.add(r0, f32x4.mul(a0, v128.load(b)));
    r1 = f32x4.add(r1, f32x4.mul(a0, v128.load(b, 16)));
    r2 = f32x4.add(r2, f32x4.mul(a0, v128.load(b, 32)));
    a += 4;
    b += bStride;
  }
  const l = f32x4.splat(lo);
  const h = f32x4.splat(hi);
  v128.store(c, clamp(r0, l, h));
  v128.store(c, clamp(r1, l, h), 16);
  v128.store(c, clamp(r2, l, h), 32);
}

/**
 * One row over three neighbouring panels (`panelBytes` apart): nine sums in flight and three streams of B, for batch-1
 * products, whose limit is memory.
 */
export function f32_gemm_1x36(
  k: i32, a: usize, b: usize, panelBytes: usize, c: usize, start: i32, bias: usize, lo: f32, hi: f32,
): void {
  const from = start == Start.perColumn ? bias : c;
  let r0 = v128.load(from), r1 = v128.load(from, 16), r2 = v128.load(from, 32);
  let r3 = v128.load(from, 48), r4 = v128.load(from, 64), r5 = v128.load(from, 80);
  let r6 = v128.load(from, 96), r7 = v128.load(from, 112), r8 = v128.load(from, 128);
  if (start == Start.perRow) {
    r0 = v128.load32_splat(bias);
    r1 = r0; r2 = r0; r3 = r0; r4 = r0; r5 = r0; r6 = r0; r7 = r0; r8 = r0;
  }
  let d = b + panelBytes;
  let e = d + panelBytes;
  const end = a + (<usize>k << 2);
  while (a < end) {
    const a0 = v128.load32_splat(a);
    r0 = f32x4.add(r0, f32x4.mul(a0, v128.load(b)));
    r1 = f32x4.add(r1, f32x4.mul(a0, v128.load(b, 16)));
    r2 = f32x4.add(r2, f32x4.mul(a0, v128.load(b, 32)));
    r3 = f32x4.add(r3, f32x4.mul(a0, v128.load(d)));
    r4 = f32x4.add(r4, f32x4.mul(a0, v128.load(d, 16)));
    r5 = f32x4.add(r5, f32x4.mul(a0, v128.load(d, 32)));
    r6 = f32x4.add(r6, f32x4.mul(a0, v128.load(e)));
    r7 = f32x4.add(r7, f32x4.mul(a0, v128.load(e, 16)));
    r8 = f32x4.add(r8, f32x4.mul(a0, v128.load(e, 32)));
    a += 4;
    b += NR_BYTES;
    d += NR_BYTES;
    e += NR_BYTES;
  }
  const l = f32x4.splat(lo);
  const h = f32x4.splat(hi);
  v128.store(c, clamp(r0, l, h)); v128.store(c, clamp(r1, l, h), 16); v128.store(c, clamp(r2, l, h), 32);
  v128.store(c, clamp(r3, l, h), 48); v128.store(c, clamp(r4, l, h), 64); v128.store(c, clamp(r5, l, h), 80);
  v128.store(c, clamp(r6, l, h), 96); v128.store(c, clamp(r7, l, h), 112); v128.store(c, clamp(r8, l, h), 128);
}

@inline
function copyFloats(dst: usize, src: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<f32>(dst + (<usize>i << 2), load<f32>(src + (<usize>i << 2)));
}

/**
 * One tile of `rows` x `cols`, whole or partial. B must be readable for 12 columns (4 when cols <= 4). A partial tile is
 * computed in `edge` (EDGE_BYTES) and only its valid part reaches C.
 */
export function f32_gemm_tile(
  k: i32, a: usize, b: usize, bStride: usize, c: usize, cStride: usize, start: i32, bias: usize,
  rows: i32, cols: i32, lo: f32, hi: f32, edge: usize,
): void {
  if (rows == MR) {
    if (cols == NR) return f32_gemm_4x12(k, a, b, bStride, c, cStride, start, bias, lo, hi);
    if (cols == 4) return f32_gemm_4x4(k, a, b, bStride, c, cStride, start, bias, lo, hi);
  }
  const edgeBias = edge + 4 * NR_BYTES;
  if (start == Start.perRow) copyFloats(edgeBias, bias, rows);
  else if (start == Start.perColumn) copyFloats(edgeBias, bias, cols);
  else for (let r = 0; r < rows; r++) copyFloats(edge + <usize>r * NR_BYTES, c + <usize>r * cStride, cols);
  if (cols <= 4) f32_gemm_4x4(k, a, b, bStride, edge, NR_BYTES, start, edgeBias, lo, hi);
  else f32_gemm_4x12(k, a, b, bStride, edge, NR_BYTES, start, edgeBias, lo, hi);
  for (let r = 0; r < rows; r++) copyFloats(c + <usize>r * cStride, edge + <usize>r * NR_BYTES, cols);
}
