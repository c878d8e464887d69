// Depthwise convolution of one plane at a time. The plane is first copied with its padding into scratch, split into
// strideW phases (stride 2: even columns, then odd ones), so that every tap of every output is a plain vector load and
// the kernels know no borders. Tiles are 4 rows x 4 columns; the last tile of a row or column overlaps its neighbour.
import { clamp } from '../lanes';

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

/** All output channels of one sample; `multiplier` output channels per input channel. */
export function dwconvPlane(
  x: usize, w: usize, bias: usize, y: usize, scratch: usize, ic: i32, ih: i32, iw: i32, multiplier: i32,
  oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32, lo: f32, hi: f32,
): void {
  const rows = max(oh, 4);
  const cols = max(ow, 4);
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
  clearPlane(plane, rowFloats * height);
  for (let c = 0; c < ic; c++) {
    fillPlane(x, plane, ih, iw, height, phase, sw, pt, pl);
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

/** Zeros everywhere: the padding keeps them, each channel rewrites the rest. */
function clearPlane(plane: usize, floats: i32): void {
  const zero = f32x4.splat(0);
  const end = plane + (<usize>floats << 2);
  for (; plane + 16 <= end; plane += 16) v128.store(plane, zero);
  for (; plane < end; plane += 4) store<f32>(plane, 0);
}

/** Writes the input into the padded, phase-split plane: plane[r][f][i] = x[r - pt][f - pl + i*sw]. */
function fillPlane(
  x: usize, plane: usize, ih: i32, iw: i32, height: i32, phase: i32, sw: i32, pt: i32, pl: i32,
): void {
  const rowBytes = <usize>(phase * sw) << 2;
  const rows = min(ih, height - pt);
  for (let f = 0; f < sw; f++) {
    const skipped = f < pl ? (pl - f + sw - 1) / sw : 0;
    const first = f - pl + skipped * sw;
    if (first >= iw) continue;
    const count = min(phase - skipped, (iw - 1 - first) / sw + 1);
    let from = x + (<usize>first << 2);
    let to = plane + <usize>pt * rowBytes + (<usize>(f * phase + skipped) << 2);
    for (let r = 0; r < rows; r++) {
      fillPhase(from, to, count, sw);
      from += <usize>iw << 2;
      to += rowBytes;
    }
  }
}

/** dst[i] = src[i*sw]; the last vector overlaps the one before. */
@inline
function fillPhase(src: usize, dst: usize, count: i32, sw: i32): void {
  if (count < 4 || sw > 2) {
    for (let i = 0; i < count; i++) store<f32>(dst + (<usize>i << 2), load<f32>(src + (<usize>(i * sw) << 2)));
    return;
  }
  const last = <usize>(count - 4) << 2;
  if (sw == 1) {
    for (let at: usize = 0; at < last; at += 16) v128.store(dst + at, v128.load(src + at));
    v128.store(dst + last, v128.load(src + last));
  } else {
    for (let at: usize = 0; at < last; at += 16) everyOther(src + at * 2, dst + at);
    everyOther(src + last * 2, dst + last);
  }
}

/** Seven floats hold four strided ones: x0 x1 x2 x3 and x3 x4 x5 x6; reading an eighth could leave the tensor. */
@inline
function everyOther(src: usize, dst: usize): void {
  v128.store(dst, v128.shuffle<f32>(v128.load(src), v128.load(src, 12), 0, 2, 5, 7));
}

@inline
function madd(acc: v128, a: v128, b: v128): v128 {
  return f32x4.add(acc, f32x4.mul(a, b));
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
