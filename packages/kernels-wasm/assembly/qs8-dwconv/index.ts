// Depthwise integer convolution, a plane at a time. With stride 1 two padded rows of int16 are zipped, so that a dot product
// takes two vertical taps and one load serves two output rows; small planes are one line (flat.ts), 3x3 that halves a plane
// reads it where it lies (half.ts); of other geometries with stride 2 two horizontal taps lie side by side, the rest takes the
// plain loop. Accumulators of several rows are finished in one go. Definition: src/scalar/qs8-conv.ts.

import { padPlanes, planeBytes, zippedBytes, zipPlane } from '../qs8-conv/planes';
import { finishLine } from '../requant/index';
import { flat3x3, flatBytes, isFlat, loadFlat, openFlat } from './flat';
import { half3x3, halfBytes } from './half';
import { loadCode, storeMagnitudes } from '../qs8-gemm/tile';
import { isHalving3x3 } from '../window';

/** Accumulators kept before they are finished; a row that is longer has a buffer of its own length. */
const CHUNK: i32 = 2048;

/** Rows of planes are zipped for undilated rows at stride 1. */
@inline
function isZipped(sh: i32, sw: i32, dh: i32): bool {
  return sh == 1 && sw == 1 && dh == 1;
}

/** Pairs of rows under the window of two output rows. */
@inline
function pairsUnder(kh: i32): i32 {
  return (kh + 2) >> 1;
}

@inline
function filterBytes(kh: i32, kw: i32, zipped: bool): usize {
  return zipped ? <usize>(pairsUnder(kh) * kw) << 3 : <usize>(kh * ((kw + 1) >> 1)) << 2;
}

/** Filters, then a sum of magnitudes (int32) each. */
export function dwPackedBytes(oc: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32): usize {
  return <usize>oc * (filterBytes(kh, kw, isZipped(sh, sw, dh)) + 4);
}

export function dwPack(w: usize, signed: i32, packed: usize, oc: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32): void {
  const zipped = isZipped(sh, sw, dh);
  const bytes = filterBytes(kh, kw, zipped);
  const taps = <usize>(kh * kw);
  storeMagnitudes(w, signed, packed + <usize>oc * bytes, oc, kh * kw, taps, 1);
  for (let c = 0; c < oc; c++) {
    if (zipped) packVertical(w, signed, packed, kh, kw);
    else packHorizontal(w, signed, packed, kh, kw);
    w += taps;
    packed += bytes;
  }
}

/** [kh][(kw+1)/2][2]. */
function packHorizontal(w: usize, signed: i32, packed: usize, kh: i32, kw: i32): void {
  for (let row = 0; row < kh; row++) {
    for (let q = 0; q < kw; q += 2) {
      store<i16>(packed, <i16>loadCode(w + <usize>q, signed));
      store<i16>(packed, q + 1 < kw ? <i16>loadCode(w + <usize>q + 1, signed) : 0, 2);
      packed += 4;
    }
    w += <usize>kw;
  }
}

@inline
function tap(w: usize, signed: i32, row: i32, kh: i32, kw: i32): i16 {
  return row >= 0 && row < kh ? <i16>loadCode(w + <usize>(row * kw), signed) : 0;
}

/** [pairs][kw][2 output rows][2]: what a pair of rows contributes to the output row that begins with it, and to the next. */
function packVertical(w: usize, signed: i32, packed: usize, kh: i32, kw: i32): void {
  for (let j = 0; j < pairsUnder(kh); j++) {
    for (let q = 0; q < kw; q++) {
      const at = w + <usize>q;
      store<i16>(packed, tap(at, signed, 2 * j, kh, kw));
      store<i16>(packed, tap(at, signed, 2 * j + 1, kh, kw), 2);
      store<i16>(packed, tap(at, signed, 2 * j - 1, kh, kw), 4);
      store<i16>(packed, tap(at, signed, 2 * j, kh, kw), 6);
      packed += 8;
    }
  }
}

@inline
function accumulatorBytes(ow: i32): usize {
  return <usize>(max(CHUNK, 2 * ow) + 16) << 2;
}

export function dwScratchBytes(ih: i32, iw: i32, kh: i32, sh: i32, sw: i32, dh: i32, pt: i32, pl: i32, pb: i32, pr: i32): usize {
  const width = iw + pl + pr;
  const height = ih + pt + pb;
  const plane = isZipped(sh, sw, dh) ? zippedBytes((height + 3) >> 1, width) : planeBytes(1, height, width);
  return max(plane, max(flatBytes(ih, iw), halfBytes(iw))) + accumulatorBytes(width);
}

export function dwconv(
  x: usize, xSigned: i32, packed: usize, y: usize, yBytes: i32, scratch: usize, largest: f64,
  ic: i32, ih: i32, iw: i32, oc: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32,
  pt: i32, pl: i32, pb: i32, pr: i32, oh: i32, ow: i32, pad: i32,
): void {
  const width = iw + pl + pr;
  const zipped = isZipped(sh, sw, dh);
  const perInput = oc / ic;
  const bytes = filterBytes(kh, kw, zipped);
  const sums = packed + <usize>oc * bytes;
  const plane = scratch + accumulatorBytes(width);
  if (pad == 0 && isFlat(ih, iw, kh, kw, sh, sw, dh, dw, pt, pl, pb, pr)) {
    flatPlanes(x, xSigned, packed, sums, y, yBytes, scratch, plane, largest, ic, ih, iw, perInput);
    return;
  }
  // An even number, so that pairs of rows stay together.
  const rowsAtOnce = min(oh, max(CHUNK / ow, 2) & ~1);
  const half = pad == 0 && isHalving3x3(ih, iw, oh, ow, kh, kw, sh, sw, dh, dw, pt, pl) &&
    x + <usize>(ic * ih * iw) + 16 <= <usize>memory.size() << 16;
  if (half) memory.fill(plane, 0, halfBytes(iw));
  for (let c = 0; c < ic; c++) {
    if (zipped) zipPlane(x, xSigned, plane, ((oh + 1) >> 1) + pairsUnder(kh) - 1, ih, iw, pt, pl, pr, pad);
    else if (!half) padPlanes(x, xSigned, plane, 1, ih, iw, pt, pl, pb, pr, pad);
    for (let o = c * perInput; o < (c + 1) * perInput; o++) {
      const reach = <f64>load<i32>(sums + (<usize>o << 2)) * largest;
      for (let row = 0; row < oh; row += rowsAtOnce) {
        const rows = min(rowsAtOnce, oh - row);
        if (zipped) zippedRows(plane + (<usize>((row >> 1) * width) << 2), packed, scratch, rows, ow, kh, kw, width, dw);
        else if (half) half3x3(x, xSigned, packed, scratch, row, rows, ih, iw, pt, pl, plane);
        else planeRows(plane + (<usize>(row * sh * width) << 1), packed, scratch, rows, ow, kh, kw, width, sh, sw, dh, dw);
        finishLine(o, reach, scratch, 32, y, <usize>yBytes, rows * ow);
        y += <usize>(rows * ow * yBytes);
      }
      packed += bytes;
    }
    x += <usize>(ih * iw);
  }
}

function flatPlanes(
  x: usize, xSigned: i32, packed: usize, sums: usize, y: usize, yBytes: i32, scratch: usize, plane: usize, largest: f64,
  ic: i32, ih: i32, iw: i32, perInput: i32,
): void {
  openFlat(plane, ih, iw);
  for (let c = 0; c < ic; c++) {
    loadFlat(x, xSigned, plane, ih, iw);
    x += <usize>(ih * iw);
    for (let o = c * perInput; o < (c + 1) * perInput; o++) {
      flat3x3(plane, packed, scratch, ih, iw);
      finishLine(o, <f64>load<i32>(sums + (<usize>o << 2)) * largest, scratch, 32, y, <usize>yBytes, ih * iw);
      y += <usize>(ih * iw * yBytes);
      packed += filterBytes(3, 3, true);
    }
  }
}

/** Output rows of stride 1, two by two; the last vector of a row overlaps the one before, shorter rows the next row. */
function zippedRows(
  x: usize, w: usize, out: usize, rows: i32, ow: i32, kh: i32, kw: i32, width: i32, dw: i32,
): void {
  // The second row of an odd last pair is computed and never read.
  const step = <usize>width << 2;
  const line = <usize>ow << 2;
  if (kh == 3 && kw == 3 && dw == 1) {
    zipped3x3(x, w, out, rows, ow, step);
    return;
  }
  for (let row = 0; row < rows; row += 2) {
    zippedAny(x, w, out, out + line, ow, kh, kw, step, <usize>dw << 2);
    x += step;
    out += line << 1;
  }
}

function zipped3x3(x: usize, w: usize, out: usize, rows: i32, ow: i32, step: usize): void {
  const u0 = v128.load32_splat(w), l0 = v128.load32_splat(w, 4);
  const u1 = v128.load32_splat(w, 8), l1 = v128.load32_splat(w, 12);
  const u2 = v128.load32_splat(w, 16), l2 = v128.load32_splat(w, 20);
  const u3 = v128.load32_splat(w, 24), l3 = v128.load32_splat(w, 28);
  const u4 = v128.load32_splat(w, 32), l4 = v128.load32_splat(w, 36);
  const u5 = v128.load32_splat(w, 40), l5 = v128.load32_splat(w, 44);
  const line = <usize>ow << 2;
  const last = <usize>max(ow - 4, 0) << 2;
  for (let row = 0; row < rows; row += 2) {
    for (let at: usize = 0; ; at = min(at + 16, last)) {
      const p = x + at;
      const q = p + step;
      let v = v128.load(p);
      let a = i32x4.dot_i16x8_s(u0, v);
      let b = i32x4.dot_i16x8_s(l0, v);
      v = v128.load(p, 4);
      a = i32x4.add(a, i32x4.dot_i16x8_s(u1, v));
      b = i32x4.add(b, i32x4.dot_i16x8_s(l1, v));
      v = v128.load(p, 8);
      a = i32x4.add(a, i32x4.dot_i16x8_s(u2, v));
      b = i32x4.add(b, i32x4.dot_i16x8_s(l2, v));
      v = v128.load(q);
      a = i32x4.add(a, i32x4.dot_i16x8_s(u3, v));
      b = i32x4.add(b, i32x4.dot_i16x8_s(l3, v));
      v = v128.load(q, 4);
      a = i32x4.add(a, i32x4.dot_i16x8_s(u4, v));
      b = i32x4.add(b, i32x4.dot_i16x8_s(l4, v));
      v = v128.load(q, 8);
      v128.store(out + at, i32x4.add(a, i32x4.dot_i16x8_s(u5, v)));
      v128.store(out + line + at, i32x4.add(b, i32x4.dot_i16x8_s(l5, v)));
      if (at == last) break;
    }
    x += step;
    out += line << 1;
  }
}

function zippedAny(x: usize, w: usize, upper: usize, lower: usize, ow: i32, kh: i32, kw: i32, step: usize, dw: usize): void {
  const last = max(ow - 4, 0);
  const pairs = pairsUnder(kh);
  for (let column = 0; ; column = min(column + 4, last)) {
    let line = x + (<usize>column << 2);
    let a = i32x4.splat(0);
    let b = i32x4.splat(0);
    let f = w;
    for (let j = 0; j < pairs; j++) {
      let p = line;
      for (let q = 0; q < kw; q++) {
        const v = v128.load(p);
        a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load32_splat(f), v));
        b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load32_splat(f, 4), v));
        f += 8;
        p += dw;
      }
      line += step;
    }
    v128.store(upper + (<usize>column << 2), a);
    v128.store(lower + (<usize>column << 2), b);
    if (column == last) return;
  }
}

/** Output rows of any stride and dilation; what a row overshoots, the next overwrites. */
function planeRows(
  x: usize, w: usize, out: usize, rows: i32, ow: i32, kh: i32, kw: i32, width: i32, sh: i32, sw: i32, dh: i32, dw: i32,
): void {
  const step = <usize>(dh * width) << 1;
  if (sw == 2 && dw == 1 && kh == 3 && kw == 3) {
    planes3x3Stride2(x, w, out, rows, ow, step, <usize>(sh * width) << 1);
    return;
  }
  for (let row = 0; row < rows; row++) {
    if (sw == 2 && dw == 1) {
      planeStride2(x, w, out, ow, kh, kw, step);
    } else if (sw == 1) {
      planeUnit(x, w, out, ow, kh, kw, step, <usize>dw << 1);
    } else {
      planeAny(x, w, out, ow, kh, kw, step, sw, dw);
    }
    x += <usize>(sh * width) << 1;
    out += <usize>ow << 2;
  }
}

/** 3x3, stride 2: the two taps of an output already lie side by side. */
function planes3x3Stride2(x: usize, w: usize, out: usize, rows: i32, ow: i32, step: usize, rowStep: usize): void {
  const w01 = v128.load32_splat(w), w02 = v128.load32_splat(w, 4);
  const w11 = v128.load32_splat(w, 8), w12 = v128.load32_splat(w, 12);
  const w21 = v128.load32_splat(w, 16), w22 = v128.load32_splat(w, 20);
  const line = <usize>ow << 2;
  for (; rows > 0; rows--) {
    let x0 = x;
    for (let to = out; to < out + line; to += 16) {
      const x1 = x0 + step;
      const x2 = x1 + step;
      let a = i32x4.dot_i16x8_s(w01, v128.load(x0));
      let b = i32x4.dot_i16x8_s(w02, v128.load(x0, 4));
      a = i32x4.add(a, i32x4.dot_i16x8_s(w11, v128.load(x1)));
      b = i32x4.add(b, i32x4.dot_i16x8_s(w12, v128.load(x1, 4)));
      a = i32x4.add(a, i32x4.dot_i16x8_s(w21, v128.load(x2)));
      b = i32x4.add(b, i32x4.dot_i16x8_s(w22, v128.load(x2, 4)));
      v128.store(to, i32x4.add(a, b));
      x0 += 16;
    }
    x += rowStep;
    out += line;
  }
}

function planeStride2(x: usize, w: usize, out: usize, ow: i32, kh: i32, kw: i32, step: usize): void {
  for (; ow > 0; ow -= 4) {
    let a = i32x4.splat(0);
    let line = x;
    let f = w;
    for (let r = 0; r < kh; r++) {
      let p = line;
      for (let q = 0; q < kw; q += 2) {
        a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load32_splat(f), v128.load(p)));
        f += 4;
        p += 4;
      }
      line += step;
    }
    v128.store(out, a);
    x += 16;
    out += 16;
  }
}

/** Stride 1 with dilated rows: taps are interleaved on the way. */
function planeUnit(x: usize, w: usize, out: usize, ow: i32, kh: i32, kw: i32, step: usize, dw: usize): void {
  for (; ow > 0; ow -= 8) {
    let a = i32x4.splat(0);
    let b = i32x4.splat(0);
    let line = x;
    let f = w;
    for (let r = 0; r < kh; r++) {
      let p = line;
      for (let q = 0; q < kw; q += 2) {
        const weights = v128.load32_splat(f);
        const first = v128.load(p);
        // Past the last tap of an odd row the weight is 0: any data do.
        const second = q + 1 < kw ? v128.load(p + dw) : first;
        a = i32x4.add(a, i32x4.dot_i16x8_s(weights, v128.shuffle<i16>(first, second, 0, 8, 1, 9, 2, 10, 3, 11)));
        b = i32x4.add(b, i32x4.dot_i16x8_s(weights, v128.shuffle<i16>(first, second, 4, 12, 5, 13, 6, 14, 7, 15)));
        f += 4;
        p += dw << 1;
      }
      line += step;
    }
    v128.store(out, a);
    v128.store(out, b, 16);
    x += 16;
    out += 32;
  }
}

function planeAny(x: usize, w: usize, out: usize, ow: i32, kh: i32, kw: i32, step: usize, sw: i32, dw: i32): void {
  for (let column = 0; column < ow; column++) {
    let sum: i32 = 0;
    let line = x;
    let f = w;
    for (let r = 0; r < kh; r++) {
      let p = line;
      for (let q = 0; q < kw; q++) {
        sum += <i32>load<i16>(p) * <i32>load<i16>(f + (<usize>q << 1));
        p += <usize>dw << 1;
      }
      f += <usize>((kw + 1) & ~1) << 1;
      line += step;
    }
    store<i32>(out, sum);
    x += <usize>sw << 1;
    out += 4;
  }
}
