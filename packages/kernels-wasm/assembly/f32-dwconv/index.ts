// Depthwise convolution of one plane at a time. The plane is first copied with its padding into scratch, split into
// strideW phases (stride 2: even columns, then odd ones), so that every tap of every output is a plain vector load and
// the kernels know no borders. Tiles are 4 rows x 4 columns; the last tile of a row or column overlaps its neighbour.
import { clearFloats, fillPlane } from '../f32-conv/padded-plane';
import { clamp, madd } from '../lanes';

/** Columns of one phase of a padded row. */
@inline
function phaseWidth(cols: i32, kw: i32, sw: i32, dw: i32): i32 {
  return cols + ((kw - 1) * dw + sw - 1) / sw;
}

@inline
function paddedRows(rows: i32, kh: i32, sh: i32, dh: i32): i32 {
  return (rows - 1) * sh + (kh - 1) * dh + 1;
}

export function dwconvScratchBytes(
  oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32,
): usize {
  const rows = max(oh, 4);
  const cols = max(ow, 4);
  const plane = phaseWidth(cols, kw, sw, dw) * sw * paddedRows(rows, kh, sh, dh);
  const small = oh < 4 || ow < 4 ? rows * cols : 0;
  return <usize>(plane + small + kh * kw) * 4 + 16;
}

/** The common case, 3x3 that keeps the size: read in place, with a row of zeros above and below. */
@inline
function isSame3x3(
  ih: i32, iw: i32, oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32,
): bool {
  return kh == 3 && kw == 3 && sh * sw * dh * dw == 1 && pt == 1 && pl == 1 && ih == oh && iw == ow && oh >= 4 && ow > 4;
}

/** And 3x3 that halves it, padded by one on one side of each dimension. */
@inline
function isHalf3x3(
  ih: i32, iw: i32, oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32,
): bool {
  return kh == 3 && kw == 3 && sh == 2 && sw == 2 && dh * dw == 1 && pt < 2 && pl < 2 && ih == 2 * oh && iw == 2 * ow && ow >= 4;
}

/** All output channels of one sample; `multiplier` output channels per input channel. */
export function dwconvPlane(
  x: usize, w: usize, bias: usize, y: usize, scratch: usize, ic: i32, ih: i32, iw: i32, multiplier: i32,
  oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32, lo: f32, hi: f32,
): void {
  const rows = max(oh, 4);
  const cols = max(ow, 4);
  const isSame = isSame3x3(ih, iw, oh, ow, kh, kw, sh, sw, dh, dw, pt, pl);
  if (isSame || isHalf3x3(ih, iw, oh, ow, kh, kw, sh, sw, dh, dw, pt, pl)) {
    clearFloats(scratch, iw + 8);
    for (let c = 0; c < ic; c++, x += <usize>(ih * iw) << 2) {
      for (let j = 0; j < multiplier; j++, w += 36, y += <usize>(oh * ow) << 2) {
        const start: f32 = bias ? load<f32>(bias + (<usize>(c * multiplier + j) << 2)) : 0;
        if (isSame) dwconv3x3same(x, scratch + 16, w, start, y, oh, ow, lo, hi);
        else if (pl) dwconv3x3half(1, x, scratch + 16, w, start, y, oh, ow, pt, lo, hi);
        else dwconv3x3half(0, x, scratch + 16, w, start, y, oh, ow, pt, lo, hi);
      }
    }
    return;
  }
  const phase = phaseWidth(cols, kw, sw, dw);
  const rowFloats = phase * sw;
  const height = paddedRows(rows, kh, sh, dh);
  const taps = scratch;
  const plane = taps + (<usize>(kh * kw) << 2);
  const small = plane + (<usize>(rowFloats * height) << 2);
  const isSmall = oh < 4 || ow < 4;
  for (let r = 0; r < kh; r++) {
    for (let s = 0; s < kw; s++) {
      const q = s * dw;
      store<i32>(taps + (<usize>(r * kw + s) << 2), (r * dh * rowFloats + (q % sw) * phase + q / sw) << 2);
    }
  }
  const rowBytes = <usize>rowFloats << 2;
  const stepBytes = rowBytes * <usize>sh;
  const tapRow = rowBytes * <usize>dh;
  const weightBytes = <usize>(kh * kw) << 2;
  clearFloats(plane, rowFloats * height);
  for (let c = 0; c < ic; c++) {
    fillPlane(x, plane, ih, iw, height, phase, sw, sw, 1, pt, pl);
    x += <usize>(ih * iw) << 2;
    for (let j = 0; j < multiplier; j++) {
      const start: f32 = bias ? load<f32>(bias + (<usize>(c * multiplier + j) << 2)) : 0;
      const out = isSmall ? small : y;
      if (kh == 3 && kw == 3 && sh == 1 && sw == 1 && dh == 1 && dw == 1) {
        dwconv3x3s1(plane, rowBytes, w, start, out, rows, cols, lo, hi);
      } else if (kh == 3 && kw == 3 && sw == 2 && dw == 1) {
        dwconv3x3s2(plane, stepBytes, tapRow, load<i32>(taps, 4), w, start, out, rows, cols, lo, hi);
      } else if (kh == 3 && kw == 3) {
        dwconv3x3(plane, stepBytes, tapRow, load<i32>(taps, 4), load<i32>(taps, 8), w, start, out, rows, cols, lo, hi);
      } else {
        dwconvTaps(plane, stepBytes, taps, kh * kw, w, start, out, rows, cols, lo, hi);
      }
      if (isSmall) for (let r = 0; r < oh; r++) memory.copy(y + (<usize>(r * ow) << 2), small + (<usize>(r * cols) << 2), <usize>ow << 2);
      y += <usize>(oh * ow) << 2;
      w += weightBytes;
    }
  }
}

/** Where a tile lies in its rows: what is left of the first column and right of the last one is zero. */
const enum Side {
  left = 0,
  middle = 1,
  right = 2,
}

function dwconv3x3same(x: usize, zeros: usize, w: usize, start: f32, y: usize, rows: i32, cols: i32, lo: f32, hi: f32): void {
  const rowBytes = <usize>cols << 2;
  const last = cols - 4;
  for (let r = 0; r < rows; r += 4) {
    if (r + 4 > rows) r = rows - 4;
    const p = x + <usize>r * rowBytes;
    const above = r == 0 ? zeros : p - rowBytes;
    const below = r + 4 == rows ? zeros : p + 4 * rowBytes;
    const q = y + <usize>r * rowBytes;
    tileSame(Side.left, above, p, below, rowBytes, w, start, q, lo, hi);
    for (let c = 4; c < last; c += 4) {
      const at = <usize>c << 2;
      tileSame(Side.middle, above + at, p + at, below + at, rowBytes, w, start, q + at, lo, hi);
    }
    const at = <usize>last << 2;
    tileSame(Side.right, above + at, p + at, below + at, rowBytes, w, start, q + at, lo, hi);
  }
}

/** The column of taps left of v, and right of v. */
@inline
function leftOf(side: i32, p: usize, v: v128): v128 {
  return side == Side.left ? v128.shuffle<f32>(f32x4.splat(0), v, 0, 4, 5, 6) : v128.load(p - 4);
}

@inline
function rightOf(side: i32, p: usize, v: v128): v128 {
  return side == Side.right ? v128.shuffle<f32>(v, f32x4.splat(0), 1, 2, 3, 4) : v128.load(p, 4);
}

/** Four rows of four outputs; each input row is loaded once for the three output rows it feeds. */
@inline
function tileSame(
  side: i32, above: usize, p: usize, below: usize, rowBytes: usize, w: usize, start: f32, q: usize, lo: f32, hi: f32,
): void {
  const w0 = v128.load32_splat(w), w1 = v128.load32_splat(w, 4), w2 = v128.load32_splat(w, 8);
  const w3 = v128.load32_splat(w, 12), w4 = v128.load32_splat(w, 16), w5 = v128.load32_splat(w, 20);
  const w6 = v128.load32_splat(w, 24), w7 = v128.load32_splat(w, 28), w8 = v128.load32_splat(w, 32);
  const l = f32x4.splat(lo), h = f32x4.splat(hi), s = f32x4.splat(start);
  let v1 = v128.load(above), v0 = leftOf(side, above, v1), v2 = rightOf(side, above, v1);
  let a0 = madd(madd(madd(s, v0, w0), v1, w1), v2, w2);
  v1 = v128.load(p); v0 = leftOf(side, p, v1); v2 = rightOf(side, p, v1);
  a0 = madd(madd(madd(a0, v0, w3), v1, w4), v2, w5);
  let a1 = madd(madd(madd(s, v0, w0), v1, w1), v2, w2);
  p += rowBytes;
  v1 = v128.load(p); v0 = leftOf(side, p, v1); v2 = rightOf(side, p, v1);
  v128.store(q, clamp(madd(madd(madd(a0, v0, w6), v1, w7), v2, w8), l, h));
  q += rowBytes;
  a1 = madd(madd(madd(a1, v0, w3), v1, w4), v2, w5);
  let a2 = madd(madd(madd(s, v0, w0), v1, w1), v2, w2);
  p += rowBytes;
  v1 = v128.load(p); v0 = leftOf(side, p, v1); v2 = rightOf(side, p, v1);
  v128.store(q, clamp(madd(madd(madd(a1, v0, w6), v1, w7), v2, w8), l, h));
  q += rowBytes;
  a2 = madd(madd(madd(a2, v0, w3), v1, w4), v2, w5);
  let a3 = madd(madd(madd(s, v0, w0), v1, w1), v2, w2);
  p += rowBytes;
  v1 = v128.load(p); v0 = leftOf(side, p, v1); v2 = rightOf(side, p, v1);
  v128.store(q, clamp(madd(madd(madd(a2, v0, w6), v1, w7), v2, w8), l, h));
  q += rowBytes;
  a3 = madd(madd(madd(a3, v0, w3), v1, w4), v2, w5);
  v1 = v128.load(below); v0 = leftOf(side, below, v1); v2 = rightOf(side, below, v1);
  v128.store(q, clamp(madd(madd(madd(a3, v0, w6), v1, w7), v2, w8), l, h));
}

/** The sum of one row of taps: even and odd columns are parted in registers, `edge` holds the ninth one. */
@inline
function rowOfHalf(pl: i32, acc: v128, p: usize, edge: usize, w: usize): v128 {
  const a = v128.load(p), b = v128.load(p, 16), e = v128.load32_zero(edge);
  const even = v128.shuffle<f32>(a, b, 0, 2, 4, 6), odd = v128.shuffle<f32>(a, b, 1, 3, 5, 7);
  const v0 = pl ? v128.shuffle<f32>(e, odd, 0, 4, 5, 6) : even;
  const v1 = pl ? even : odd;
  const v2 = pl ? odd : v128.shuffle<f32>(even, e, 1, 2, 3, 4);
  acc = madd(acc, v0, v128.load32_splat(w));
  acc = madd(acc, v1, v128.load32_splat(w, 4));
  return madd(acc, v2, v128.load32_splat(w, 8));
}

/** `pl`, 0 or 1, says on which side of a row the padding lies. */
@inline
function dwconv3x3half(
  pl: i32, x: usize, zeros: usize, w: usize, start: f32, y: usize, oh: i32, ow: i32, pt: i32, lo: f32, hi: f32,
): void {
  const l = f32x4.splat(lo), h = f32x4.splat(hi), s = f32x4.splat(start);
  const rowBytes = <usize>ow << 3;
  const lastTile = ow - 4;
  for (let r = 0; r < oh; r++) {
    const top = 2 * r - pt;
    const p1 = x + <usize>(top + 1) * rowBytes;
    const p0 = top < 0 ? zeros : p1 - rowBytes;
    const p2 = top + 2 == 2 * oh ? zeros : p1 + rowBytes;
    for (let c = 0; c < ow; c += 4) {
      if (c > lastTile) c = lastTile;
      const at = <usize>c << 3;
      const isEdge = pl ? c == 0 : c == lastTile;
      const next: usize = pl ? at - 4 : at + 32;
      let acc = rowOfHalf(pl, s, p0 + at, isEdge ? zeros : p0 + next, w);
      acc = rowOfHalf(pl, acc, p1 + at, isEdge ? zeros : p1 + next, w + 12);
      acc = rowOfHalf(pl, acc, p2 + at, isEdge ? zeros : p2 + next, w + 24);
      v128.store(y + (<usize>c << 2), clamp(acc, l, h));
    }
    y += <usize>ow << 2;
  }
}

/** Stride 1: each input row is loaded once for the three output rows it feeds. */
function dwconv3x3s1(
  plane: usize, rowBytes: usize, w: usize, start: f32, y: usize, rows: i32, cols: i32,
  lo: f32, hi: f32,
): void {
  const w0 = v128.load32_splat(w), w1 = v128.load32_splat(w, 4), w2 = v128.load32_splat(w, 8);
  const w3 = v128.load32_splat(w, 12), w4 = v128.load32_splat(w, 16), w5 = v128.load32_splat(w, 20);
  const w6 = v128.load32_splat(w, 24), w7 = v128.load32_splat(w, 28), w8 = v128.load32_splat(w, 32);
  const l = f32x4.splat(lo), h = f32x4.splat(hi), s = f32x4.splat(start);
  const outRow = <usize>cols << 2;
  for (let r = 0; r < rows; r += 4) {
    if (r + 4 > rows) r = rows - 4;
    for (let c = 0; c < cols; c += 4) {
      if (c + 4 > cols) c = cols - 4;
      let p = plane + <usize>r * rowBytes + (<usize>c << 2);
      let v0 = v128.load(p), v1 = v128.load(p, 4), v2 = v128.load(p, 8);
      let a0 = madd(madd(madd(s, v0, w0), v1, w1), v2, w2);
      p += rowBytes;
      v0 = v128.load(p); v1 = v128.load(p, 4); v2 = v128.load(p, 8);
      a0 = madd(madd(madd(a0, v0, w3), v1, w4), v2, w5);
      let a1 = madd(madd(madd(s, v0, w0), v1, w1), v2, w2);
      p += rowBytes;
      v0 = v128.load(p); v1 = v128.load(p, 4); v2 = v128.load(p, 8);
      a0 = madd(madd(madd(a0, v0, w6), v1, w7), v2, w8);
      a1 = madd(madd(madd(a1, v0, w3), v1, w4), v2, w5);
      let a2 = madd(madd(madd(s, v0, w0), v1, w1), v2, w2);
      p += rowBytes;
      v0 = v128.load(p); v1 = v128.load(p, 4); v2 = v128.load(p, 8);
      a1 = madd(madd(madd(a1, v0, w6), v1, w7), v2, w8);
      a2 = madd(madd(madd(a2, v0, w3), v1, w4), v2, w5);
      let a3 = madd(madd(madd(s, v0, w0), v1, w1), v2, w2);
      p += rowBytes;
      v0 = v128.load(p); v1 = v128.load(p, 4); v2 = v128.load(p, 8);
      a2 = madd(madd(madd(a2, v0, w6), v1, w7), v2, w8);
      a3 = madd(madd(madd(a3, v0, w3), v1, w4), v2, w5);
      p += rowBytes;
      v0 = v128.load(p); v1 = v128.load(p, 4); v2 = v128.load(p, 8);
      a3 = madd(madd(madd(a3, v0, w6), v1, w7), v2, w8);
      let q = y + <usize>r * outRow + (<usize>c << 2);
      v128.store(q, clamp(a0, l, h));
      v128.store(q + outRow, clamp(a1, l, h));
      q += outRow << 1;
      v128.store(q, clamp(a2, l, h));
      v128.store(q + outRow, clamp(a3, l, h));
    }
  }
}

/** Column stride 2: even columns in one phase, odd ones `o1` bytes further; four output rows hide the latency of adding. */
function dwconv3x3s2(
  plane: usize, stepBytes: usize, tapRow: usize, o1: usize, w: usize, start: f32, y: usize,
  rows: i32, cols: i32, lo: f32, hi: f32,
): void {
  const l = f32x4.splat(lo), h = f32x4.splat(hi), s = f32x4.splat(start);
  const outRow = <usize>cols << 2;
  const step2 = stepBytes << 1;
  for (let r = 0; r < rows; r += 4) {
    if (r + 4 > rows) r = rows - 4;
    for (let c = 0; c < cols; c += 4) {
      if (c + 4 > cols) c = cols - 4;
      let p = plane + <usize>r * stepBytes + (<usize>c << 2);
      let a0 = s, a1 = s, a2 = s, a3 = s;
      for (let k = w; k < w + 36; k += 12, p += tapRow) {
        const w0 = v128.load32_splat(k), w1 = v128.load32_splat(k, 4), w2 = v128.load32_splat(k, 8);
        const t = p + stepBytes;
        const u = p + step2;
        const v = t + step2;
        a0 = madd(madd(madd(a0, v128.load(p), w0), v128.load(p + o1), w1), v128.load(p, 4), w2);
        a1 = madd(madd(madd(a1, v128.load(t), w0), v128.load(t + o1), w1), v128.load(t, 4), w2);
        a2 = madd(madd(madd(a2, v128.load(u), w0), v128.load(u + o1), w1), v128.load(u, 4), w2);
        a3 = madd(madd(madd(a3, v128.load(v), w0), v128.load(v + o1), w1), v128.load(v, 4), w2);
      }
      let q = y + <usize>r * outRow + (<usize>c << 2);
      v128.store(q, clamp(a0, l, h));
      v128.store(q + outRow, clamp(a1, l, h));
      q += outRow << 1;
      v128.store(q, clamp(a2, l, h));
      v128.store(q + outRow, clamp(a3, l, h));
    }
  }
}

/** 3x3 with any other stride or dilation. */
function dwconv3x3(
  plane: usize, stepBytes: usize, tapRow: usize, o1: usize, o2: usize, w: usize, start: f32, y: usize,
  rows: i32, cols: i32, lo: f32, hi: f32,
): void {
  const l = f32x4.splat(lo), h = f32x4.splat(hi), s = f32x4.splat(start);
  const outRow = <usize>cols << 2;
  const step2 = stepBytes << 1;
  for (let r = 0; r < rows; r += 4) {
    if (r + 4 > rows) r = rows - 4;
    for (let c = 0; c < cols; c += 4) {
      if (c + 4 > cols) c = cols - 4;
      let p = plane + <usize>r * stepBytes + (<usize>c << 2);
      let a0 = s, a1 = s, a2 = s, a3 = s;
      for (let k = w; k < w + 36; k += 12, p += tapRow) {
        const w0 = v128.load32_splat(k), w1 = v128.load32_splat(k, 4), w2 = v128.load32_splat(k, 8);
        const t = p + stepBytes;
        const u = p + step2;
        const v = t + step2;
        a0 = madd(madd(madd(a0, v128.load(p), w0), v128.load(p + o1), w1), v128.load(p + o2), w2);
        a1 = madd(madd(madd(a1, v128.load(t), w0), v128.load(t + o1), w1), v128.load(t + o2), w2);
        a2 = madd(madd(madd(a2, v128.load(u), w0), v128.load(u + o1), w1), v128.load(u + o2), w2);
        a3 = madd(madd(madd(a3, v128.load(v), w0), v128.load(v + o1), w1), v128.load(v + o2), w2);
      }
      let q = y + <usize>r * outRow + (<usize>c << 2);
      v128.store(q, clamp(a0, l, h));
      v128.store(q + outRow, clamp(a1, l, h));
      q += outRow << 1;
      v128.store(q, clamp(a2, l, h));
      v128.store(q + outRow, clamp(a3, l, h));
    }
  }
}

/** Any window: a loop over taps, four output rows in flight (5x5: as fast as unrolled). */
function dwconvTaps(
  plane: usize, stepBytes: usize, taps: usize, count: i32, w: usize, start: f32, y: usize, rows: i32, cols: i32,
  lo: f32, hi: f32,
): void {
  const l = f32x4.splat(lo), h = f32x4.splat(hi), s = f32x4.splat(start);
  const outRow = <usize>cols << 2;
  const end = taps + (<usize>count << 2);
  const step2 = stepBytes << 1;
  const step3 = step2 + stepBytes;
  for (let r = 0; r < rows; r += 4) {
    if (r + 4 > rows) r = rows - 4;
    for (let c = 0; c < cols; c += 4) {
      if (c + 4 > cols) c = cols - 4;
      const p = plane + <usize>r * stepBytes + (<usize>c << 2);
      let a0 = s, a1 = s, a2 = s, a3 = s;
      let wp = w;
      for (let t = taps; t < end; t += 4) {
        const at = p + <usize>load<i32>(t);
        const k = v128.load32_splat(wp);
        a0 = madd(a0, v128.load(at), k);
        a1 = madd(a1, v128.load(at + stepBytes), k);
        a2 = madd(a2, v128.load(at + step2), k);
        a3 = madd(a3, v128.load(at + step3), k);
        wp += 4;
      }
      let q = y + <usize>r * outRow + (<usize>c << 2);
      v128.store(q, clamp(a0, l, h));
      v128.store(q + outRow, clamp(a1, l, h));
      q += outRow << 1;
      v128.store(q, clamp(a2, l, h));
      v128.store(q + outRow, clamp(a3, l, h));
    }
  }
}
