// Depthwise convolution of one plane at a time. The plane is first copied with its padding into scratch, split into
// strideW phases (stride 2: even columns, then odd ones), so that every tap of every output is a plain vector load and
// the kernels know no borders. Tiles are 4 rows x 4 columns; the last tile of a row or column overlaps its neighbour. The two
// common windows (3x3 that keep or halve the size) read their input in place, a row of outputs at a time.
import { clearFloats, fillPlane } from '../f32-conv/padded-plane';
import { applyEpilogue } from '../f32-unary/epilogue';
import { clamp, madd } from '../lanes';
import { isHalving3x3 } from '../window';

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
  return kh == 3 && kw == 3 && sh * sw * dh * dw == 1 && pt == 1 && pl == 1 && ih == oh && iw == ow && ow > 4;
}

/** All output channels of one sample; `multiplier` output channels per input channel. */
export function dwconvPlane(
  x: usize, w: usize, bias: usize, y: usize, scratch: usize, ic: i32, ih: i32, iw: i32, multiplier: i32,
  oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32, lo: f32, hi: f32,
): void {
  const rows = max(oh, 4);
  const cols = max(ow, 4);
  const isSame = isSame3x3(ih, iw, oh, ow, kh, kw, sh, sw, dh, dw, pt, pl);
  if (isSame || (ow >= 4 && isHalving3x3(ih, iw, oh, ow, kh, kw, sh, sw, dh, dw, pt, pl))) {
    clearFloats(scratch, iw + 8);
    for (let c = 0; c < ic; c++, x += <usize>(ih * iw) << 2) {
      for (let j = 0; j < multiplier; j++, w += 36, y += <usize>(oh * ow) << 2) {
        const start: f32 = bias ? load<f32>(bias + (<usize>(c * multiplier + j) << 2)) : 0;
        if (isSame) dwconv3x3same(x, scratch + 16, w, start, y, oh, ow, lo, hi);
        else dwconv3x3half(x, scratch + 16, w, start, y, oh, ow, pt, pl, lo, hi);
        applyEpilogue(y, 1, oh * ow, 0);
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
      applyEpilogue(y, 1, oh * ow, 0);
      y += <usize>(oh * ow) << 2;
      w += weightBytes;
    }
  }
}

/**
 * Rows of four outputs at a time, in the simplest loop there is: one sum and nine taps fit the fifteen registers that engines
 * have to give, while tiles of several rows, which load less, spill. `left` and `right`: zeros lie beyond that side.
 */
@inline
function tapsOfSame(left: bool, right: bool, acc: v128, p: usize, wa: v128, wb: v128, wc: v128): v128 {
  const v1 = v128.load(p);
  const v0 = left ? v128.shuffle<f32>(f32x4.splat(0), v1, 3, 4, 5, 6) : v128.load(p - 4);
  const v2 = right ? v128.shuffle<f32>(v1, f32x4.splat(0), 1, 2, 3, 4) : v128.load(p, 4);
  return madd(madd(madd(acc, v0, wa), v1, wb), v2, wc);
}

function dwconv3x3same(x: usize, zeros: usize, w: usize, start: f32, y: usize, rows: i32, cols: i32, lo: f32, hi: f32): void {
  const w0 = v128.load32_splat(w), w1 = v128.load32_splat(w, 4), w2 = v128.load32_splat(w, 8);
  const w3 = v128.load32_splat(w, 12), w4 = v128.load32_splat(w, 16), w5 = v128.load32_splat(w, 20);
  const w6 = v128.load32_splat(w, 24), w7 = v128.load32_splat(w, 28), w8 = v128.load32_splat(w, 32);
  const l = f32x4.splat(lo), h = f32x4.splat(hi), s = f32x4.splat(start);
  const rowBytes = <usize>cols << 2;
  const last = rowBytes - 16;
  let above = zeros;
  for (; rows > 0; rows--) {
    const below = rows == 1 ? zeros : x + rowBytes;
    let acc = tapsOfSame(true, false, s, above, w0, w1, w2);
    acc = tapsOfSame(true, false, acc, x, w3, w4, w5);
    acc = tapsOfSame(true, false, acc, below, w6, w7, w8);
    v128.store(y, clamp(acc, l, h));
    for (let at: usize = 16; at < last; at += 16) {
      acc = tapsOfSame(false, false, s, above + at, w0, w1, w2);
      acc = tapsOfSame(false, false, acc, x + at, w3, w4, w5);
      acc = tapsOfSame(false, false, acc, below + at, w6, w7, w8);
      v128.store(y + at, clamp(acc, l, h));
    }
    acc = tapsOfSame(false, true, s, above + last, w0, w1, w2);
    acc = tapsOfSame(false, true, acc, x + last, w3, w4, w5);
    acc = tapsOfSame(false, true, acc, below + last, w6, w7, w8);
    v128.store(y + last, clamp(acc, l, h));
    above = x;
    x += rowBytes;
    y += rowBytes;
  }
}

/** p is where the first tap of the first output reads: even and odd columns are parted in registers. */
@inline
function tapsOfHalf(left: bool, right: bool, acc: v128, p: usize, wa: v128, wb: v128, wc: v128): v128 {
  const a = left ? v128.shuffle<f32>(f32x4.splat(0), v128.load(p, 4), 3, 4, 5, 6) : v128.load(p);
  const b = v128.load(p, 16);
  const even = v128.shuffle<f32>(a, b, 0, 2, 4, 6), odd = v128.shuffle<f32>(a, b, 1, 3, 5, 7);
  const next = v128.shuffle<f32>(even, right ? f32x4.splat(0) : v128.load32_zero(p, 32), 1, 2, 3, 4);
  return madd(madd(madd(acc, even, wa), odd, wb), next, wc);
}

/** `pl` and `pt`, 0 or 1, say on which side of a row and of a column the padding lies. */
function dwconv3x3half(
  x: usize, zeros: usize, w: usize, start: f32, y: usize, oh: i32, ow: i32, pt: i32, pl: i32, lo: f32, hi: f32,
): void {
  const w0 = v128.load32_splat(w), w1 = v128.load32_splat(w, 4), w2 = v128.load32_splat(w, 8);
  const w3 = v128.load32_splat(w, 12), w4 = v128.load32_splat(w, 16), w5 = v128.load32_splat(w, 20);
  const w6 = v128.load32_splat(w, 24), w7 = v128.load32_splat(w, 28), w8 = v128.load32_splat(w, 32);
  const l = f32x4.splat(lo), h = f32x4.splat(hi), s = f32x4.splat(start);
  const rowBytes = <usize>ow << 3;
  const last = <usize>(ow - 4) << 2;
  x -= <usize>pl << 2;
  zeros -= <usize>pl << 2;
  for (let r = 0; r < oh; r++) {
    const top = 2 * r - pt;
    const p1 = x + <usize>(top + 1) * rowBytes;
    const p0 = top < 0 ? zeros : p1 - rowBytes;
    const p2 = top + 2 == 2 * oh ? zeros : p1 + rowBytes;
    let at: usize = 0;
    if (pl) {
      let acc = tapsOfHalf(true, false, s, p0, w0, w1, w2);
      acc = tapsOfHalf(true, false, acc, p1, w3, w4, w5);
      acc = tapsOfHalf(true, false, acc, p2, w6, w7, w8);
      v128.store(y, clamp(acc, l, h));
      at = 16;
    }
    for (; at < last; at += 16) {
      const from = at << 1;
      let acc = tapsOfHalf(false, false, s, p0 + from, w0, w1, w2);
      acc = tapsOfHalf(false, false, acc, p1 + from, w3, w4, w5);
      acc = tapsOfHalf(false, false, acc, p2 + from, w6, w7, w8);
      v128.store(y + at, clamp(acc, l, h));
    }
    const from = last << 1;
    if (pl == 0) {
      let acc = tapsOfHalf(false, true, s, p0 + from, w0, w1, w2);
      acc = tapsOfHalf(false, true, acc, p1 + from, w3, w4, w5);
      acc = tapsOfHalf(false, true, acc, p2 + from, w6, w7, w8);
      v128.store(y + last, clamp(acc, l, h));
    } else if (last) {
      let acc = tapsOfHalf(false, false, s, p0 + from, w0, w1, w2);
      acc = tapsOfHalf(false, false, acc, p1 + from, w3, w4, w5);
      acc = tapsOfHalf(false, false, acc, p2 + from, w6, w7, w8);
      v128.store(y + last, clamp(acc, l, h));
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
