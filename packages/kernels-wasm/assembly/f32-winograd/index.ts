// 3x3 at stride 1 by Winograd's F(4x4, 3x3): 36 products per channel instead of 144 for sixteen outputs. Sums have another
// order than a direct convolution's, so their last bits differ: nothing chooses this by itself (ABI.md has the bound).
// Rows of the products are tiles, columns are output channels, so that maps of every size fill them; in either transform
// a vector holds the same element of four tiles or of four channels.
// Lavin and Gray, "Fast algorithms for convolutional neural networks" (2015).

import { clearFloats } from '../f32-conv/padded-plane';
import { f32_gemm_4rows, NR, NR_BYTES, Start, ZEROS } from '../f32-gemm/tile';
import { inputColumns, inputRows, outputTiles, transformFilter } from './transforms';

/** Positions of a transformed tile. */
const POSITIONS: usize = 36;
/** Rows and columns of a tile of the input. */
const SIDE: i32 = 6;
/** Output channels that go through the products together. */
const OC_BLOCK: i32 = 32;
/** Floats of transformed input and sums that are held at a time, in the second-level cache. */
const BLOCK_FLOATS: i32 = 221184;
/** Tiles below which reading the filters again would cost more than the cache gives. */
const LEAST_TILES: i32 = 16;
/** Channels that are transformed together: what they write makes whole cache lines. */
const CHANNELS: i32 = 4;
/** Floats that a row of tiles may be written beyond its end. */
const SPILL: i32 = 8;
/** Bytes of the output transform's intermediate: 4x6 vectors. */
const EDGE: usize = 24 * 16;

@inline
function tilesOf(size: i32): i32 {
  return (size + 3) >> 2;
}

/** Rows of tiles, of all samples, that are transformed together. */
function rowsAtOnce(rows: i32, tw: i32, ic: i32): i32 {
  const most = max(1, max(LEAST_TILES, BLOCK_FLOATS / (<i32>POSITIONS * (ic + OC_BLOCK))) / tw);
  const blocks = (rows + most - 1) / most;
  return (rows + blocks - 1) / blocks;
}

/** Tiles of a block, in whole fours. */
@inline
function blockTiles(rows: i32, tw: i32, ic: i32): usize {
  return (rowsAtOnce(rows, tw, ic) * tw + 3) & ~3;
}

/** Floats of one padded input row; the last vectors of a row of tiles reach past it. */
@inline
function lineFloats(iw: i32, tw: i32, pl: i32): i32 {
  return max((((tw + 3) & ~3) << 2) + 8, pl + iw + 4);
}

export function f32_winograd_packed_bytes(ic: i32, oc: i32): usize {
  return <usize>((oc + NR - 1) / NR) * POSITIONS * <usize>ic * NR_BYTES;
}

/** Filters as [block of four panels][position][panel][ic][8]. */
export function f32_winograd_pack(w: usize, packed: usize, ic: i32, oc: i32): void {
  const panel = <usize>ic * NR_BYTES;
  for (let o0 = 0; o0 < oc; o0 += NR) {
    const first = o0 / OC_BLOCK * OC_BLOCK;
    const panels = <usize>((min(OC_BLOCK, oc - first) + NR - 1) / NR);
    const to = packed + (<usize>first / NR * POSITIONS + <usize>((o0 - first) / NR)) * panel;
    for (let c = 0; c < ic; c++) {
      for (let o = o0; o < o0 + NR; o++) {
        // Missing filters of the last panel are zeros.
        transformFilter(o < oc ? w + <usize>(o * ic + c) * 36 : ZEROS, to + (<usize>c << 5) + (<usize>(o - o0) << 2), panels * panel);
      }
    }
  }
}

export function f32_winograd_scratch_bytes(n: i32, ic: i32, ih: i32, iw: i32, pt: i32, pl: i32, pb: i32, pr: i32): usize {
  const tw = tilesOf(iw + pl + pr - 2);
  const tiles = blockTiles(n * tilesOf(ih + pt + pb - 2), tw, ic);
  const floats = POSITIONS * (tiles * <usize>(ic + OC_BLOCK) + <usize>CHANNELS * (tiles + SPILL));
  return EDGE + (floats + <usize>((SIDE + 1) * lineFloats(iw, tw, pl)) << 2);
}

export function f32_winograd(
  x: usize, packed: usize, bias: usize, y: usize, scratch: usize, n: i32, ic: i32, ih: i32, iw: i32, oc: i32,
  pt: i32, pl: i32, pb: i32, pr: i32, lo: f32, hi: f32,
): void {
  const oh = ih + pt + pb - 2;
  const ow = iw + pl + pr - 2;
  const th = tilesOf(oh);
  const tw = tilesOf(ow);
  const rows = n * th;
  const atOnce = rowsAtOnce(rows, tw, ic);
  const most = blockTiles(rows, tw, ic);
  const step = (most + SPILL) << 2;
  const plane = POSITIONS * step;
  const sums = scratch + EDGE;
  const input = sums + (most * POSITIONS * OC_BLOCK << 2);
  const halves = input + (most * POSITIONS * <usize>ic << 2);
  const lines = halves + <usize>CHANNELS * plane;
  const line = <usize>lineFloats(iw, tw, pl) << 2;
  const four = <usize>ic << 4;
  // Padding stays, and so does what fills the last four tiles.
  clearFloats(halves, CHANNELS * <i32>(plane >> 2));
  clearFloats(lines, (SIDE + 1) * <i32>(line >> 2));
  for (let row = 0; row < rows; row += atOnce) {
    const count = min(atOnce, rows - row);
    const fours = (count * tw + 3) >> 2;
    for (let c = 0; c < ic; c += CHANNELS) {
      const channels = min(CHANNELS, ic - c);
      for (let k = 0; k < channels; k++) {
        let to = halves + <usize>k * plane;
        for (let r = row; r < row + count; r++, to += <usize>tw << 2) {
          const sample = r / th;
          const from = x + (<usize>((sample * ic + c + k) * ih * iw) << 2);
          transformLines(from, lines, line, to, step, (r - sample * th << 2) - pt, tw, ih, iw, pl);
        }
      }
      inputColumns(halves, plane, step, channels, input + (<usize>c << 4), <usize>fours * four, fours, four);
    }
    for (let o = 0; o < oc; o += OC_BLOCK) {
      const channels = min(OC_BLOCK, oc - o);
      multiply(packed + <usize>(o / NR) * POSITIONS * (<usize>ic * NR_BYTES), ic, (channels + NR - 1) / NR, input, fours, sums);
      let from = sums;
      for (let r = row; r < row + count; r++, from += <usize>tw * POSITIONS * OC_BLOCK << 2) {
        const sample = r / th;
        const top = r - sample * th << 2;
        const to = y + (<usize>((sample * oc + o) * oh + top) * <usize>ow << 2);
        outputTiles(from, to, scratch, tw, channels, oh * ow, min(4, oh - top), ow, bias ? bias + (<usize>o << 2) : 0, lo, hi);
      }
    }
  }
}

/** The horizontal half of the input transform of one row of tiles, whose first input row is `top`. */
function transformLines(
  x: usize, lines: usize, line: usize, to: usize, step: usize, top: i32, tw: i32, ih: i32, iw: i32, pl: i32,
): void {
  const zeros = lines + <usize>SIDE * line;
  // All copies before all loads: vectors that straddle two stores wait until those are in the cache.
  for (let i = 0; i < SIDE; i++) {
    const r = top + i;
    if (r >= 0 && r < ih) copyLine(x + (<usize>(r * iw) << 2), lines + <usize>i * line + (<usize>pl << 2), iw);
  }
  for (let i = 0; i < SIDE; i++, lines += line, to += <usize>SIDE * step) {
    const r = top + i;
    inputRows(r >= 0 && r < ih ? lines : zeros, to, step, tw);
  }
}

/** The last vector overlaps the one before. */
@inline
function copyLine(src: usize, dst: usize, n: i32): void {
  if (n < 4) {
    for (let i = 0; i < n; i++) store<f32>(dst + (<usize>i << 2), load<f32>(src + (<usize>i << 2)));
    return;
  }
  const last = <usize>(n - 4) << 2;
  for (let at: usize = 0; at < last; at += 16) v128.store(dst + at, v128.load(src + at));
  v128.store(dst + last, v128.load(src + last));
}

/** sums[tile][position][channel] of one block of output channels. */
function multiply(filters: usize, ic: i32, panels: i32, input: usize, fours: i32, sums: usize): void {
  const panel = <usize>ic * NR_BYTES;
  const tile = POSITIONS * OC_BLOCK << 2;
  const four = <usize>ic << 4;
  for (let end = sums + (<usize>OC_BLOCK * POSITIONS << 2); sums < end; sums += <usize>OC_BLOCK << 2) {
    let to = sums;
    for (let f = 0; f < fours; f++, input += four, to += tile << 2) {
      f32_gemm_4rows(ic, input, filters, NR_BYTES, panels, panel, to, tile, Start.perRow, ZEROS, -Infinity, Infinity);
    }
    filters += <usize>panels * panel;
  }
}
