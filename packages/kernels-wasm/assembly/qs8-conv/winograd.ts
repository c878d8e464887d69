// 3x3 at stride 1 by Winograd's F(2x2, 3x3) in integers: 16 products per channel instead of 36 for four outputs, and exact.
// The filter transform is taken twice per dimension so that it has no halves; the sums are then four times the wanted
// ones, and shifting them down loses nothing. Transformed codes have at most 11 bits and filters 12, so pairs of products
// fit a 16-bit dot product; sums may wrap on the way as long as four times the result fits 32 bits (`MOST_CHANNELS`).
// Lavin and Gray, "Fast algorithms for convolutional neural networks" (2015), section 4.1.

import { finishLine } from '../requant/index';
import { blockBytes, loadCode, storeMagnitudes, tile4x4, tile4x8, TILE_BYTES } from '../qs8-gemm/tile';

/** 4 · 9 · 255 · 255 · channels stays below 2^31. */
const MOST_CHANNELS: i32 = 917;
/** Fewer channels do not pay for the transforms. */
const LEAST_CHANNELS: i32 = 16;
/** Positions of a transformed tile. */
const POSITIONS: i32 = 16;
/** Tiles of 2x2 outputs that go through the transforms together, at least. */
const TILES: i32 = 64;

export function isWinograd(ic: i32, oc: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, groups: i32): bool {
  return kh == 3 && kw == 3 && sh == 1 && sw == 1 && dh == 1 && dw == 1 && groups == 1 &&
    ic >= LEAST_CHANNELS && ic <= MOST_CHANNELS && oc >= 8;
}

/** [oc/4][16][ic/2][4][2] int16, then the magnitudes of the filters. */
export function winogradPackedBytes(ic: i32, oc: i32): usize {
  return <usize>((oc + 3) >> 2) * (<usize>POSITIONS * blockBytes(ic) + 16);
}

export function winogradPack(w: usize, signed: i32, packed: usize, ic: i32, oc: i32): void {
  const position = blockBytes(ic);
  const block = <usize>POSITIONS * position;
  const blocks = (oc + 3) >> 2;
  memory.fill(packed, 0, <usize>blocks * block);
  for (let o = 0; o < oc; o++) {
    const to = packed + <usize>(o >> 2) * block + (<usize>(o & 3) << 2);
    for (let c = 0; c < ic; c++) {
      transformFilter(w + <usize>((o * ic + c) * 9), signed, to + (<usize>(c >> 1) << 4) + (<usize>(c & 1) << 1), position);
    }
  }
  storeMagnitudes(w, signed, packed + <usize>blocks * block, oc, ic * 9, <usize>(ic * 9), 1);
}

/** One column of [[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]] times a column of three. */
@inline
function filterRow(row: i32, a: i32, b: i32, c: i32): i32 {
  return row == 0 ? 2 * a : row == 1 ? a + b + c : row == 2 ? a - b + c : 2 * c;
}

function transformFilter(w: usize, signed: i32, to: usize, step: usize): void {
  for (let i = 0; i < 4; i++) {
    const a = filterRow(i, loadCode(w, signed), loadCode(w + 3, signed), loadCode(w + 6, signed));
    const b = filterRow(i, loadCode(w + 1, signed), loadCode(w + 4, signed), loadCode(w + 7, signed));
    const c = filterRow(i, loadCode(w + 2, signed), loadCode(w + 5, signed), loadCode(w + 8, signed));
    for (let j = 0; j < 4; j++) {
      store<i16>(to, <i16>filterRow(j, a, b, c));
      to += step;
    }
  }
}

@inline
function across(ow: i32): i32 {
  return (ow + 1) >> 1;
}

/** Rows of tiles that are transformed together. */
@inline
function rowsAtOnce(ow: i32): i32 {
  return max(TILES / across(ow), 1);
}

@inline
function panelsAtOnce(ow: i32): i32 {
  return (rowsAtOnce(ow) * across(ow) + 7) >> 3;
}

/** Bytes of one row of padded codes; vectors of a last group reach past it. */
@inline
function codeRowBytes(ow: i32): usize {
  return <usize>(2 * across(ow) + 2 + 32);
}

@inline
function codesBytes(ow: i32): usize {
  return <usize>(2 * rowsAtOnce(ow) + 2) * codeRowBytes(ow);
}

/** One position of one channel of all tiles. */
@inline
function laneBytes(ow: i32): usize {
  return (<usize>panelsAtOnce(ow) << 4) + 16;
}

export function winogradScratchBytes(ic: i32, ow: i32): usize {
  const panels = <usize>panelsAtOnce(ow);
  const lanes = <usize>(2 * POSITIONS) * laneBytes(ow);
  // Packed panels, sums of a block of filters, finished lines, transformed and padded codes of one pair of channels.
  return <usize>POSITIONS * panels * ((blockBytes(ic) << 1) + TILE_BYTES) + 4 * 2 * (panels << 6) + lanes + codesBytes(ow) + 64;
}

/** One sample; `largest` is the largest |code|. */
export function winograd(
  x: usize, xSigned: i32, packed: usize, y: usize, yBytes: i32, scratch: usize, largest: f64,
  ic: i32, ih: i32, iw: i32, oc: i32, oh: i32, ow: i32, pt: i32, pl: i32, pad: i32,
): void {
  const tw = across(ow);
  const th = (oh + 1) >> 1;
  const stepPanels = <usize>panelsAtOnce(ow);
  const panels = scratch;
  const panel = blockBytes(ic) << 1;
  const sums = panels + <usize>POSITIONS * stepPanels * panel;
  const lines = sums + <usize>POSITIONS * stepPanels * TILE_BYTES;
  const lanes = lines + 8 * (stepPanels << 6);
  const codes = lanes + <usize>(2 * POSITIONS) * laneBytes(ow);
  const block = <usize>POSITIONS * blockBytes(ic);
  const magnitudes = packed + <usize>((oc + 3) >> 2) * block;
  for (let row = 0; row < th; row += rowsAtOnce(ow)) {
    const rows = min(rowsAtOnce(ow), th - row);
    const tiles = rows * tw;
    for (let c = 0; c < ic; c += 2) {
      for (let second = 0; second < 2; second++) {
        const plane = x + <usize>((c + second) * ih * iw);
        const to = lanes + <usize>(second * POSITIONS) * laneBytes(ow);
        if (c + second < ic) {
          padCodes(plane, codes, 2 * row - pt, 2 * rows + 2, ih, iw, pl, codeRowBytes(ow), pad);
          transformCodes(codes, xSigned, to, rows, tw, codeRowBytes(ow), laneBytes(ow));
        }
        // The odd last channel is paired with what was there before; its second weights are 0.
      }
      zipLanes(lanes, laneBytes(ow), panels + (<usize>(c >> 1) << 5), tiles, panel, stepPanels * panel);
    }
    for (let o = 0; o < oc; o += 4) {
      multiply(packed + <usize>(o >> 2) * block, (ic + 1) >> 1, panels, sums, tiles, stepPanels, panel);
      for (let r = o; r < min(o + 4, oc); r++) {
        const upper = lines + <usize>(r - o) * 2 * (stepPanels << 6);
        const lower = upper + (stepPanels << 6);
        untransform(sums + (<usize>(r - o) << 5), upper, lower, tiles, stepPanels * TILE_BYTES);
        const reach = <f64>load<i32>(magnitudes + (<usize>r << 2)) * largest;
        for (let t = 0; t < rows; t++) {
          const at = <usize>(t * tw) << 3;
          const line = 2 * (row + t);
          const out = y + <usize>((r * oh + line) * ow) * <usize>yBytes;
          finishLine(r, reach, upper + at, 32, out, <usize>yBytes, ow);
          if (line + 1 < oh) finishLine(r, reach, lower + at, 32, out + <usize>(ow * yBytes), <usize>yBytes, ow);
        }
      }
    }
  }
}

/** `rows` rows of codes from row `first` of a plane, with `pl` codes of padding before each and enough behind. */
function padCodes(
  x: usize, y: usize, first: i32, rows: i32, ih: i32, iw: i32, pl: i32, rowBytes: usize, pad: i32,
): void {
  const fill = i8x16.splat(<i8>pad);
  const end = <usize>memory.size() << 16;
  for (let r = first; r < first + rows; r++) {
    for (let i: usize = 0; i + 16 <= rowBytes; i += 16) v128.store(y + i, fill);
    v128.store(y + rowBytes - 16, fill);
    if (r >= 0 && r < ih) copyCodes(x + <usize>(r * iw), y + <usize>pl, iw, end);
    y += rowBytes;
  }
}

/** `n` codes, eight at a time; past the last one only what lies before the end of the memory is read. */
function copyCodes(x: usize, y: usize, n: i32, end: usize): void {
  for (; n >= 8; n -= 8) {
    store<u64>(y, load<u64>(x));
    x += 8;
    y += 8;
  }
  if (n == 0) return;
  if (x + 8 <= end) {
    const keep = (<u64>1 << (<u64>n << 3)) - 1;
    store<u64>(y, (load<u64>(x) & keep) | (load<u64>(y) & ~keep));
  } else {
    for (let i: usize = 0; i < <usize>n; i++) store<u8>(y + i, load<u8>(x + i));
  }
}

/** Even and odd codes of sixteen as int16. */
@inline
function evenCodes(v: v128, signed: i32): v128 {
  return signed ? i16x8.shr_s(i16x8.shl(v, 8), 8) : v128.and(v, i16x8.splat(255));
}

@inline
function oddCodes(v: v128, signed: i32): v128 {
  return signed ? i16x8.shr_s(v, 8) : i16x8.shr_u(v, 8);
}

/** B^T d B of every tile, eight tiles at a time: position by position, `step` bytes apart. */
function transformCodes(x: usize, signed: i32, to: usize, rows: i32, tw: i32, rowBytes: usize, step: usize): void {
  for (let t = 0; t < rows; t++) {
    for (let column = 0; column < tw; column += 8) {
      const at = x + (<usize>column << 1);
      const out = to + (<usize>column << 1);
      for (let j = 0; j < 4; j++) {
        const d0 = horizontal(at, signed, j);
        const d1 = horizontal(at + rowBytes, signed, j);
        const d2 = horizontal(at + 2 * rowBytes, signed, j);
        const d3 = horizontal(at + 3 * rowBytes, signed, j);
        const p = out + <usize>j * step;
        v128.store(p, i16x8.sub(d0, d2));
        v128.store(p + 4 * step, i16x8.add(d1, d2));
        v128.store(p + 8 * step, i16x8.sub(d2, d1));
        v128.store(p + 12 * step, i16x8.sub(d1, d3));
      }
    }
    x += rowBytes << 1;
    to += <usize>tw << 1;
  }
}

/** Column `j` of a row times B. */
@inline
function horizontal(x: usize, signed: i32, j: i32): v128 {
  const v = v128.load(x);
  if (j == 0) return i16x8.sub(evenCodes(v, signed), evenCodes(v128.load(x, 2), signed));
  if (j == 3) return i16x8.sub(oddCodes(v, signed), oddCodes(v128.load(x, 2), signed));
  const odd = oddCodes(v, signed);
  const even = evenCodes(v128.load(x, 2), signed);
  return j == 1 ? i16x8.add(odd, even) : i16x8.sub(even, odd);
}

/** Two channels side by side in the panels of every position. */
function zipLanes(lanes: usize, laneStep: usize, panels: usize, tiles: i32, panel: usize, position: usize): void {
  const second = <usize>POSITIONS * laneStep;
  for (let i = 0; i < POSITIONS; i++) {
    let from = lanes;
    let to = panels;
    for (let left = tiles; left > 0; left -= 8) {
      const a = v128.load(from);
      const b = v128.load(from + second);
      v128.store(to, v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11));
      v128.store(to, v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), 16);
      from += 16;
      to += panel;
    }
    lanes += laneStep;
    panels += position;
  }
}

/** A block of four filters against all tiles, position by position, into [16][panel][4][8] sums. */
function multiply(w: usize, pairs: i32, panels: usize, sums: usize, tiles: i32, stepPanels: usize, panel: usize): void {
  for (let i = 0; i < POSITIONS; i++) {
    let from = panels;
    let out = sums;
    for (let left = tiles; left > 0; left -= 8) {
      if (left > 4) tile4x8(pairs, w, from, out);
      else tile4x4(pairs, w, from, out);
      from += panel;
      out += TILE_BYTES;
    }
    w += <usize>pairs << 4;
    panels += stepPanels * panel;
    sums += stepPanels * TILE_BYTES;
  }
}

/** A^T m A of one filter: two lines of accumulators, two columns for every tile. */
function untransform(sums: usize, upper: usize, lower: usize, tiles: i32, step: usize): void {
  for (let left = tiles; left > 0; left -= 8) {
    untransform4(sums, step, upper, lower);
    if (left > 4) untransform4(sums + 16, step, upper + 32, lower + 32);
    sums += TILE_BYTES;
    upper += 64;
    lower += 64;
  }
}

@inline
function storeLine(line: usize, even: v128, odd: v128): void {
  const a = i32x4.shr_s(even, 2);
  const b = i32x4.shr_s(odd, 2);
  v128.store(line, v128.shuffle<i32>(a, b, 0, 4, 1, 5));
  v128.store(line, v128.shuffle<i32>(a, b, 2, 6, 3, 7), 16);
}

function untransform4(m: usize, step: usize, upper: usize, lower: usize): void {
  let even0 = i32x4.splat(0), odd0 = i32x4.splat(0), even1 = i32x4.splat(0), odd1 = i32x4.splat(0);
  for (let j = 0; j < 4; j++) {
    const m0 = v128.load(m);
    const m1 = v128.load(m + 4 * step);
    const m2 = v128.load(m + 8 * step);
    const m3 = v128.load(m + 12 * step);
    const sum = i32x4.add(i32x4.add(m0, m1), m2);
    const difference = i32x4.sub(i32x4.sub(m1, m2), m3);
    if (j < 3) {
      even0 = i32x4.add(even0, sum);
      even1 = i32x4.add(even1, difference);
    }
    if (j == 1) {
      odd0 = i32x4.add(odd0, sum);
      odd1 = i32x4.add(odd1, difference);
    } else if (j > 1) {
      odd0 = i32x4.sub(odd0, sum);
      odd1 = i32x4.sub(odd1, difference);
    }
    m += step;
  }
  storeLine(upper, even0, odd0);
  storeLine(lower, even1, odd1);
}
