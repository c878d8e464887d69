// Integer convolution. 3x3 at stride 1 goes by Winograd, depthwise convolutions have their own kernel. Of all others pixels
// are packed in panels of eight (all taps of a pixel next to each other, two by two), a few panels at a time, and
// multiplied by the packed filters. Pointwise convolutions pack straight from the input planes; others first widen the
// group's planes to int16 with their padding, so that no tap needs a bound. Definition: src/scalar/qs8-conv.ts.

import { dwconv, dwPack, dwPackedBytes, dwScratchBytes } from '../qs8-dwconv/index';
import { largestCode, multiplyPanels, packedRowsBytes, packRows, panelBytes } from '../qs8-gemm/tile';
import { openFinish, peak } from '../requant/index';
import { isPointwise } from '../window';
import { padPlanes, planeBytes, SLACK, splitPlanes, splitWidth } from './planes';
import { isWinograd, winograd, winogradPack, winogradPackedBytes, winogradScratchBytes } from './winograd';

/** Panels packed before the filters are walked: shallow ones are many, because every row of sums has its constants to set up. */
@inline
function panelsAtOnce(k: i32): i32 {
  return k <= 64 ? 32 : k <= 128 ? 16 : 8;
}

@inline
function isDepthwise(ic: i32, groups: i32): bool {
  return groups > 1 && ic == groups;
}

export function qs8_conv2d_packed_bytes(
  ic: i32, oc: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, groups: i32,
): usize {
  if (isDepthwise(ic, groups)) return dwPackedBytes(oc, kh, kw, sh, sw, dh);
  if (isWinograd(ic, oc, kh, kw, sh, sw, dh, dw, groups)) return winogradPackedBytes(ic, oc);
  return <usize>groups * packedRowsBytes(oc / groups, (ic / groups) * kh * kw);
}

export function qs8_conv2d_pack(
  w: usize, signed: i32, packed: usize,
  ic: i32, oc: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, groups: i32,
): void {
  if (isDepthwise(ic, groups)) {
    dwPack(w, signed, packed, oc, kh, kw, sh, sw, dh);
    return;
  }
  if (isWinograd(ic, oc, kh, kw, sh, sw, dh, dw, groups)) {
    winogradPack(w, signed, packed, ic, oc);
    return;
  }
  const rows = oc / groups;
  const k = (ic / groups) * kh * kw;
  for (let g = 0; g < groups; g++) {
    packRows(w, signed, packed, rows, k, <usize>k, 1);
    w += <usize>(rows * k);
    packed += packedRowsBytes(rows, k);
  }
}

export function qs8_conv2d_scratch_bytes(
  ic: i32, ih: i32, iw: i32, oc: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32,
  pt: i32, pl: i32, pb: i32, pr: i32, groups: i32,
): usize {
  if (isDepthwise(ic, groups)) return dwScratchBytes(ih, iw, kh, sh, sw, dh, pt, pl, pb, pr);
  if (isWinograd(ic, oc, kh, kw, sh, sw, dh, dw, groups)) return winogradScratchBytes(ic, iw + pl + pr - 2);
  const icg = ic / groups;
  const k = icg * kh * kw;
  const panels = <usize>panelsAtOnce(k) * panelBytes(k);
  if (isPointwise(kh, kw, sh, sw, pt, pl, pb, pr)) return panels;
  const width = iw + pl + pr;
  const planes = planeBytes(icg, ih + pt + pb, isSplit(sw) ? splitWidth(width) : width);
  return panels + <usize>(k + 1) * 4 + 16 + planes + (<usize>(width + SLACK) << 1);
}

/** With stride 2 even and odd columns of a plane are kept apart, so that neighbouring pixels read neighbouring codes. */
@inline
function isSplit(sw: i32): bool {
  return sw == 2;
}

@inline
function storePairs(panel: usize, a: v128, b: v128): void {
  v128.store(panel, v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(panel, v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), 16);
}

/** A panel of `count` neighbouring pixels of a pointwise convolution, from planes `planeBytes` apart. */
function packPointwise(x: usize, signed: i32, panel: usize, k: i32, planeBytes: usize, count: i32): void {
  // Missing pixels may hold anything that can be read.
  const inMemory = x + <usize>(k - 1) * planeBytes + 8 <= <usize>memory.size() << 16;
  for (let j = 0; j < k; j += 2) {
    // The odd last channel is paired with itself; its second weight is 0.
    const second = j + 1 < k ? x + planeBytes : x;
    if (inMemory || count == 8) {
      const a = v128.load64_zero(x);
      const b = v128.load64_zero(second);
      if (signed) storePairs(panel, i16x8.extend_low_i8x16_s(a), i16x8.extend_low_i8x16_s(b));
      else storePairs(panel, i16x8.extend_low_i8x16_u(a), i16x8.extend_low_i8x16_u(b));
    } else {
      for (let p = 0; p < 8; p++) {
        const o = <usize>min(p, count - 1);
        store<i16>(panel + (<usize>p << 2), signed ? <i16>load<i8>(x + o) : <i16>load<u8>(x + o));
        store<i16>(panel + (<usize>p << 2), signed ? <i16>load<i8>(second + o) : <i16>load<u8>(second + o), 2);
      }
    }
    panel += 32;
    x += planeBytes << 1;
  }
}

/** Panels of `count` pixels, a multiple of sixteen: channel pair by channel pair, whose codes lie next to each other. */
function packPointwisePanels(x: usize, signed: i32, panels: usize, k: i32, planeBytes: usize, count: i32): void {
  const panel = panelBytes(k);
  for (let j = 0; j < k; j += 2) {
    const second = j + 1 < k ? planeBytes : 0;
    let to = panels + (<usize>j << 4);
    const end = x + <usize>count;
    for (let p = x; p < end; p += 16) {
      const a = v128.load(p);
      const b = v128.load(p + second);
      if (signed) {
        storePairs(to, i16x8.extend_low_i8x16_s(a), i16x8.extend_low_i8x16_s(b));
        storePairs(to + panel, i16x8.extend_high_i8x16_s(a), i16x8.extend_high_i8x16_s(b));
      } else {
        storePairs(to, i16x8.extend_low_i8x16_u(a), i16x8.extend_low_i8x16_u(b));
        storePairs(to + panel, i16x8.extend_high_i8x16_u(a), i16x8.extend_high_i8x16_u(b));
      }
      to += panel << 1;
    }
    x += planeBytes << 1;
  }
}

/** Where the first taps of a panel's eight pixels lie, bytes from the beginning of the padded planes. */
const PIXELS: usize = memory.data(32, 16);

/** Fills `PIXELS` from output pixel `first` on; pixels behind the last repeat it. */
function storePixels(first: i32, pixels: i32, ow: i32, sh: i32, sw: i32, width: i32): void {
  let row = first / ow;
  let column = first - row * ow;
  let at = row * sh * width + column * sw;
  for (let i: usize = 0; i < 8; i++) {
    store<i32>(PIXELS + (i << 2), at << 1);
    if (++first >= pixels) continue;
    if (++column < ow) at += sw;
    else {
      column = 0;
      at = ++row * sh * width;
    }
  }
}

/** A panel of the eight pixels of `PIXELS`. */
function packTaps(plane: usize, panel: usize, taps: usize, k: i32): void {
  const p0 = load<usize>(PIXELS), p1 = load<usize>(PIXELS, 4), p2 = load<usize>(PIXELS, 8), p3 = load<usize>(PIXELS, 12);
  const p4 = load<usize>(PIXELS, 16), p5 = load<usize>(PIXELS, 20), p6 = load<usize>(PIXELS, 24), p7 = load<usize>(PIXELS, 28);
  const contiguous = p7 - p0 == 14 && p3 - p0 == 6;
  const end = taps + (<usize>((k + 1) & ~1) << 2);
  while (taps < end) {
    const t0 = plane + <usize>load<u32>(taps);
    const t1 = plane + <usize>load<u32>(taps, 4);
    if (contiguous) {
      storePairs(panel, v128.load(t0 + p0), v128.load(t1 + p0));
    } else {
      store<u16>(panel, load<u16>(t0 + p0), 0);
      store<u16>(panel, load<u16>(t1 + p0), 2);
      store<u16>(panel, load<u16>(t0 + p1), 4);
      store<u16>(panel, load<u16>(t1 + p1), 6);
      store<u16>(panel, load<u16>(t0 + p2), 8);
      store<u16>(panel, load<u16>(t1 + p2), 10);
      store<u16>(panel, load<u16>(t0 + p3), 12);
      store<u16>(panel, load<u16>(t1 + p3), 14);
      store<u16>(panel, load<u16>(t0 + p4), 16);
      store<u16>(panel, load<u16>(t1 + p4), 18);
      store<u16>(panel, load<u16>(t0 + p5), 20);
      store<u16>(panel, load<u16>(t1 + p5), 22);
      store<u16>(panel, load<u16>(t0 + p6), 24);
      store<u16>(panel, load<u16>(t1 + p6), 26);
      store<u16>(panel, load<u16>(t0 + p7), 28);
      store<u16>(panel, load<u16>(t1 + p7), 30);
    }
    panel += 32;
    taps += 8;
  }
}

export function qs8_conv2d(
  x: usize, xSigned: i32, packed: usize, bias: usize, multiplier: usize, rshift: usize, y: usize, yBytes: i32, scratch: usize,
  n: i32, ic: i32, ih: i32, iw: i32, oc: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32,
  pt: i32, pl: i32, pb: i32, pr: i32, groups: i32, pad: i32, finish: i32, zero: i32, lo: i32, hi: i32,
): u32 {
  openFinish(finish, bias, multiplier, rshift, yBytes, zero, lo, hi);
  const largest = max(largestCode(xSigned), abs(<f64>pad));
  const oh = (ih + pt + pb - dh * (kh - 1) - 1) / sh + 1;
  const ow = (iw + pl + pr - dw * (kw - 1) - 1) / sw + 1;
  if (isDepthwise(ic, groups)) {
    for (let s = 0; s < n; s++) {
      dwconv(
        x, xSigned, packed, y, yBytes, scratch, largest, ic, ih, iw, oc, kh, kw, sh, sw, dh, dw,
        pt, pl, pb, pr, oh, ow, pad,
      );
      x += <usize>(ic * ih * iw);
      y += <usize>(oc * oh * ow) * <usize>yBytes;
    }
    return peak();
  }
  if (isWinograd(ic, oc, kh, kw, sh, sw, dh, dw, groups)) {
    for (let s = 0; s < n; s++) {
      winograd(x, xSigned, packed, y, yBytes, scratch, largest, ic, ih, iw, oc, oh, ow, pt, pl, pad);
      x += <usize>(ic * ih * iw);
      y += <usize>(oc * oh * ow) * <usize>yBytes;
    }
    return peak();
  }
  const icg = ic / groups;
  const ocg = oc / groups;
  const k = icg * kh * kw;
  const pixels = oh * ow;
  const width = iw + pl + pr;
  const height = ih + pt + pb;
  const pointwise = isPointwise(kh, kw, sh, sw, pt, pl, pb, pr);
  const split = isSplit(sw);
  const rowWidth = split ? splitWidth(width) : width;
  const step = split ? 1 : sw;
  const panel = panelBytes(k);
  const pixelsAtOnce = panelsAtOnce(k) << 3;
  const taps = scratch + <usize>panelsAtOnce(k) * panel;
  const plane = taps + ((<usize>(k + 1) * 4 + 15) & ~15);
  if (!pointwise) storeTaps(taps, icg, kh, kw, dh, dw, rowWidth, height, split);
  for (let s = 0; s < n; s++) {
    for (let g = 0; g < groups; g++) {
      if (split) splitPlanes(x, xSigned, plane, plane + planeBytes(icg, height, rowWidth), icg, ih, iw, pt, pl, pb, pr, pad);
      else if (!pointwise) padPlanes(x, xSigned, plane, icg, ih, iw, pt, pl, pb, pr, pad);
      const rows = packed + <usize>g * packedRowsBytes(ocg, k);
      for (let first = 0; first < pixels; first += pixelsAtOnce) {
        const count = min(pixelsAtOnce, pixels - first);
        const together = pointwise ? count & ~15 : 0;
        if (pointwise) packPointwisePanels(x + <usize>first, xSigned, scratch, k, <usize>pixels, together);
        for (let p = together; p < count; p += 8) {
          const at = scratch + <usize>(p >> 3) * panel;
          const pixel = first + p;
          if (pointwise) {
            packPointwise(x + <usize>pixel, xSigned, at, k, <usize>pixels, min(8, pixels - pixel));
          } else {
            storePixels(pixel, pixels, ow, sh, step, rowWidth);
            packTaps(plane, at, taps, k);
          }
        }
        multiplyPanels(
          rows, ocg, k, scratch, count, y + <usize>first * <usize>yBytes, <usize>pixels * <usize>yBytes, <usize>yBytes,
          g * ocg, largest,
        );
      }
      x += <usize>(icg * ih * iw);
      y += <usize>(ocg * pixels) * <usize>yBytes;
    }
  }
  return peak();
}

/** Byte offsets of the taps in the padded planes, in the order of the weights; an odd count repeats the last. */
function storeTaps(
  taps: usize, icg: i32, kh: i32, kw: i32, dh: i32, dw: i32, width: i32, height: i32, split: bool,
): void {
  let last = 0;
  for (let c = 0; c < icg; c++) {
    for (let r = 0; r < kh; r++) {
      for (let q = 0; q < kw; q++) {
        const column = q * dw;
        const place = split ? (column & 1) * (width >> 1) + (column >> 1) : column;
        last = ((c * height + r * dh) * width + place) << 1;
        store<i32>(taps, last);
        taps += 4;
      }
    }
  }
  store<i32>(taps, last);
}
