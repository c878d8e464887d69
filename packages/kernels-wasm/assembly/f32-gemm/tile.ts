// The float32 matrix tile shared by gemm, conv and deconv: 4 rows (one splat each) by 8 columns (two vectors). 8 sums, 2
// loads of B and 4 splats of A per step of k. Engines have 15 vector registers to give: with 12 sums (4x12) some are
// spilled, and in the company of real loops that costs a fifth of the speed. One call does a whole band of panels.
import { clamp, copyFloats, madd, storeLanes } from '../lanes';

export const MR: i32 = 4;
export const NR: i32 = 8;
/** Bytes of one k-step of a packed B panel. */
export const NR_BYTES: usize = 32;
/** Depth of a k block: a B panel (12 KiB) and an A tile (6 KiB) stay in the first-level cache together. */
export const KC: i32 = 384;
/** Floats of a B block: its panels (120 KiB) stay in the second-level cache. */
const BLOCK_FLOATS: i32 = 30720;

/**
 * Columns of a B block of depth kc. A shallow product gets wide blocks: rows of C are then written in long runs, which is
 * what the memory system wants when there is little arithmetic to hide it (16 -> 96 channels at 112x112: 4 times faster).
 */
@inline
export function blockColumns(kc: i32): i32 {
  return max(BLOCK_FLOATS / max(kc, 1) / NR, 1) * NR;
}

/** How a tile starts: from what C holds (a later k block), from bias[column], or from bias[row] (as `BiasMode`). */
export const enum Start {
  fromC = 0,
  perColumn = 1,
  perRow = 2,
}

/** Zeros: the bias of whoever has none. */
export const ZEROS: usize = memory.data(128, 16);

/** Room for one partial tile and its bias, at the head of every scratch area. */
export const EDGE_BYTES: usize = 4 * 32 + 32 + 32;

/**
 * C[4, panels*8] from A packed [k][4]. Panels of B are `panelBytes` apart, rows within a panel `bStride` bytes, rows of C
 * `cStride` bytes.
 */
export function f32_gemm_4rows(
  k: i32, a: usize, b: usize, bStride: usize, panels: i32, panelBytes: usize, c: usize, cStride: usize, start: i32,
  bias: usize, lo: f32, hi: f32,
): void {
  const end = a + (<usize>k << 4);
  for (; panels > 0; panels--) {
    let p = c;
    let r00: v128, r01: v128, r10: v128, r11: v128, r20: v128, r21: v128, r30: v128, r31: v128;
    if (start == Start.perRow) {
      r00 = v128.load32_splat(bias); r01 = r00;
      r10 = v128.load32_splat(bias, 4); r11 = r10;
      r20 = v128.load32_splat(bias, 8); r21 = r20;
      r30 = v128.load32_splat(bias, 12); r31 = r30;
    } else if (start == Start.perColumn) {
      r00 = v128.load(bias); r01 = v128.load(bias, 16);
      r10 = r00; r11 = r01; r20 = r00; r21 = r01; r30 = r00; r31 = r01;
      bias += NR_BYTES;
    } else {
      r00 = v128.load(p); r01 = v128.load(p, 16); p += cStride;
      r10 = v128.load(p); r11 = v128.load(p, 16); p += cStride;
      r20 = v128.load(p); r21 = v128.load(p, 16); p += cStride;
      r30 = v128.load(p); r31 = v128.load(p, 16); p = c;
    }
    // Four steps with a way out after each: 27 instructions a step where a loop of one step has 31, which counts on a core whose
    // front end is shared by two threads. In one block the engine would reorder the steps until registers spill, and it adds
    // an instruction for every splat at another offset than these four.
    let q = b, s = a;
    while (s < end) {
      const b00 = v128.load(q), b01 = v128.load(q, 16);
      const a00 = v128.load32_splat(s);
      r00 = madd(r00, a00, b00); r01 = madd(r01, a00, b01);
      const a01 = v128.load32_splat(s, 4);
      r10 = madd(r10, a01, b00); r11 = madd(r11, a01, b01);
      const a02 = v128.load32_splat(s, 8);
      r20 = madd(r20, a02, b00); r21 = madd(r21, a02, b01);
      const a03 = v128.load32_splat(s, 12);
      r30 = madd(r30, a03, b00); r31 = madd(r31, a03, b01);
      s += 16; q += bStride;
      if (s >= end) break;
      const b10 = v128.load(q), b11 = v128.load(q, 16);
      const a10 = v128.load32_splat(s);
      r00 = madd(r00, a10, b10); r01 = madd(r01, a10, b11);
      const a11 = v128.load32_splat(s, 4);
      r10 = madd(r10, a11, b10); r11 = madd(r11, a11, b11);
      const a12 = v128.load32_splat(s, 8);
      r20 = madd(r20, a12, b10); r21 = madd(r21, a12, b11);
      const a13 = v128.load32_splat(s, 12);
      r30 = madd(r30, a13, b10); r31 = madd(r31, a13, b11);
      s += 16; q += bStride;
      if (s >= end) break;
      const b20 = v128.load(q), b21 = v128.load(q, 16);
      const a20 = v128.load32_splat(s);
      r00 = madd(r00, a20, b20); r01 = madd(r01, a20, b21);
      const a21 = v128.load32_splat(s, 4);
      r10 = madd(r10, a21, b20); r11 = madd(r11, a21, b21);
      const a22 = v128.load32_splat(s, 8);
      r20 = madd(r20, a22, b20); r21 = madd(r21, a22, b21);
      const a23 = v128.load32_splat(s, 12);
      r30 = madd(r30, a23, b20); r31 = madd(r31, a23, b21);
      s += 16; q += bStride;
      if (s >= end) break;
      const b30 = v128.load(q), b31 = v128.load(q, 16);
      const a30 = v128.load32_splat(s);
      r00 = madd(r00, a30, b30); r01 = madd(r01, a30, b31);
      const a31 = v128.load32_splat(s, 4);
      r10 = madd(r10, a31, b30); r11 = madd(r11, a31, b31);
      const a32 = v128.load32_splat(s, 8);
      r20 = madd(r20, a32, b30); r21 = madd(r21, a32, b31);
      const a33 = v128.load32_splat(s, 12);
      r30 = madd(r30, a33, b30); r31 = madd(r31, a33, b31);
      s += 16; q += bStride;
    }
    const l = f32x4.splat(lo), h = f32x4.splat(hi);
    v128.store(p, clamp(r00, l, h)); v128.store(p, clamp(r01, l, h), 16); p += cStride;
    v128.store(p, clamp(r10, l, h)); v128.store(p, clamp(r11, l, h), 16); p += cStride;
    v128.store(p, clamp(r20, l, h)); v128.store(p, clamp(r21, l, h), 16); p += cStride;
    v128.store(p, clamp(r30, l, h)); v128.store(p, clamp(r31, l, h), 16);
    c += NR_BYTES;
    b += panelBytes;
  }
}

/** The first four columns of one panel only. */
function f32_gemm_4x4(
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
  for (; a < end; a += 16, b += bStride) {
    const b0 = v128.load(b);
    r0 = madd(r0, v128.load32_splat(a), b0);
    r1 = madd(r1, v128.load32_splat(a, 4), b0);
    r2 = madd(r2, v128.load32_splat(a, 8), b0);
    r3 = madd(r3, v128.load32_splat(a, 12), b0);
  }
  const l = f32x4.splat(lo), h = f32x4.splat(hi);
  v128.store(c, clamp(r0, l, h));
  v128.store(c1, clamp(r1, l, h));
  v128.store(c2, clamp(r2, l, h));
  v128.store(c3, clamp(r3, l, h));
}

/**
 * One row over whole panels: A's elements are `aStep` bytes apart. Four panels at a time: eight sums in flight and four
 * streams of B, for batch-1 products, whose limit is memory.
 */
export function f32_gemm_1row(
  k: i32, a: usize, aStep: usize, b: usize, bStride: usize, panels: i32, panelBytes: usize, c: usize, start: i32,
  bias: usize, lo: f32, hi: f32,
): void {
  const end = a + <usize>k * aStep;
  const l = f32x4.splat(lo), h = f32x4.splat(hi);
  const same = start == Start.perRow;
  for (; panels >= 4; panels -= 4) {
    const from = start == Start.perColumn ? bias : c;
    let r0: v128, r1: v128, r2: v128, r3: v128, r4: v128, r5: v128, r6: v128, r7: v128;
    if (same) {
      r0 = v128.load32_splat(bias);
      r1 = r0; r2 = r0; r3 = r0; r4 = r0; r5 = r0; r6 = r0; r7 = r0;
    } else {
      r0 = v128.load(from); r1 = v128.load(from, 16); r2 = v128.load(from, 32); r3 = v128.load(from, 48);
      r4 = v128.load(from, 64); r5 = v128.load(from, 80); r6 = v128.load(from, 96); r7 = v128.load(from, 112);
    }
    let p0 = b, p1 = b + panelBytes, p2 = p1 + panelBytes, p3 = p2 + panelBytes;
    b = p3 + panelBytes;
    for (let s = a; s < end; s += aStep) {
      const v = v128.load32_splat(s);
      r0 = madd(r0, v, v128.load(p0)); r1 = madd(r1, v, v128.load(p0, 16));
      r2 = madd(r2, v, v128.load(p1)); r3 = madd(r3, v, v128.load(p1, 16));
      r4 = madd(r4, v, v128.load(p2)); r5 = madd(r5, v, v128.load(p2, 16));
      r6 = madd(r6, v, v128.load(p3)); r7 = madd(r7, v, v128.load(p3, 16));
      p0 += bStride; p1 += bStride; p2 += bStride; p3 += bStride;
    }
    v128.store(c, clamp(r0, l, h)); v128.store(c, clamp(r1, l, h), 16);
    v128.store(c, clamp(r2, l, h), 32); v128.store(c, clamp(r3, l, h), 48);
    v128.store(c, clamp(r4, l, h), 64); v128.store(c, clamp(r5, l, h), 80);
    v128.store(c, clamp(r6, l, h), 96); v128.store(c, clamp(r7, l, h), 112);
    c += 4 * NR_BYTES;
    if (!same) bias += 4 * NR_BYTES;
  }
  for (; panels > 0; panels--) {
    const from = start == Start.perColumn ? bias : c;
    let r0: v128, r1: v128;
    if (same) { r0 = v128.load32_splat(bias); r1 = r0; }
    else { r0 = v128.load(from); r1 = v128.load(from, 16); }
    let q = b;
    for (let s = a; s < end; s += aStep, q += bStride) {
      const v = v128.load32_splat(s);
      r0 = madd(r0, v, v128.load(q));
      r1 = madd(r1, v, v128.load(q, 16));
    }
    v128.store(c, clamp(r0, l, h)); v128.store(c, clamp(r1, l, h), 16);
    c += NR_BYTES;
    b += panelBytes;
    if (!same) bias += NR_BYTES;
  }
}

/**
 * A partial panel: `cols` (1..7) columns of up to four rows, computed in `edge` (EDGE_BYTES), whose valid part reaches C. A
 * is packed [k][4] when `rows` is 4; otherwise single rows with elements `aStep` bytes apart, `aRow` bytes to the next.
 */
export function f32_gemm_tail(
  k: i32, a: usize, rows: i32, aRow: usize, aStep: usize, b: usize, cols: i32, c: usize, cStride: usize, start: i32,
  bias: usize, lo: f32, hi: f32, edge: usize,
): void {
  if (rows == MR && cols == 4) return f32_gemm_4x4(k, a, b, NR_BYTES, c, cStride, start, bias, lo, hi);
  const edgeBias = edge + 4 * NR_BYTES;
  if (start == Start.perRow) copyFloats(edgeBias, bias, rows);
  else if (start == Start.perColumn) copyFloats(edgeBias, bias, cols);
  else for (let r = 0; r < rows; r++) copyFloats(edge + <usize>r * NR_BYTES, c + <usize>r * cStride, cols);
  if (rows < MR) {
    for (let r = 0; r < rows; r++) {
      const from = start == Start.perRow ? edgeBias + (<usize>r << 2) : edgeBias;
      const at = edge + <usize>r * NR_BYTES;
      f32_gemm_1row(k, a + <usize>r * aRow, aStep, b, NR_BYTES, 1, 0, at, start, from, lo, hi);
    }
  } else if (cols < 4) f32_gemm_4x4(k, a, b, NR_BYTES, edge, NR_BYTES, start, edgeBias, lo, hi);
  else f32_gemm_4rows(k, a, b, NR_BYTES, 1, 0, edge, NR_BYTES, start, edgeBias, lo, hi);
  for (let r = 0; r < rows; r++) copyFloats(c + <usize>r * cStride, edge + <usize>r * NR_BYTES, cols);
}

@inline
function loadColumn(c: usize, cStride: usize): v128 {
  let v = v128.load32_zero(c);
  v = v128.load32_lane(c + cStride, v, 1);
  v = v128.load32_lane(c + 2 * cStride, v, 2);
  return v128.load32_lane(c + 3 * cStride, v, 3);
}

/**
 * One column of C for `tiles` whole tiles of A: lanes are rows. 7x7 maps have 49 columns: without this the last one would
 * cost as much as four. Start is perRow or fromC.
 */
export function f32_gemm_1column(
  k: i32, a: usize, tiles: i32, b: usize, c: usize, cStride: usize, start: i32, bias: usize, biasStep: usize, lo: f32, hi: f32,
): void {
  const l = f32x4.splat(lo), h = f32x4.splat(hi);
  const tile = <usize>k << 4;
  const four = cStride << 2;
  const end = b + <usize>k * NR_BYTES;
  for (; tiles >= 4; tiles -= 4) {
    const c1 = c + four, c2 = c1 + four, c3 = c2 + four;
    let r0: v128, r1: v128, r2: v128, r3: v128;
    if (start == Start.perRow) {
      r0 = v128.load(bias); r1 = v128.load(bias + biasStep); r2 = v128.load(bias + 2 * biasStep); r3 = v128.load(bias + 3 * biasStep);
    } else {
      r0 = loadColumn(c, cStride); r1 = loadColumn(c1, cStride); r2 = loadColumn(c2, cStride); r3 = loadColumn(c3, cStride);
    }
    let a0 = a, a1 = a + tile, a2 = a1 + tile, a3 = a2 + tile;
    a = a3 + tile;
    for (let q = b; q < end; q += NR_BYTES) {
      const v = v128.load32_splat(q);
      r0 = madd(r0, v128.load(a0), v);
      r1 = madd(r1, v128.load(a1), v);
      r2 = madd(r2, v128.load(a2), v);
      r3 = madd(r3, v128.load(a3), v);
      a0 += 16; a1 += 16; a2 += 16; a3 += 16;
    }
    storeLanes(c, cStride, clamp(r0, l, h));
    storeLanes(c1, cStride, clamp(r1, l, h));
    storeLanes(c2, cStride, clamp(r2, l, h));
    storeLanes(c3, cStride, clamp(r3, l, h));
    c = c3 + four;
    bias += 4 * biasStep;
  }
  for (; tiles > 0; tiles--) {
    let r = start == Start.perRow ? v128.load(bias) : loadColumn(c, cStride);
    for (let q = b; q < end; q += NR_BYTES, a += 16) r = madd(r, v128.load(a), v128.load32_splat(q));
    storeLanes(c, cStride, clamp(r, l, h));
    c += four;
    bias += biasStep;
  }
}
