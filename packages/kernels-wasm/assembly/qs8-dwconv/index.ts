// Depthwise integer convolution, one widened and padded plane at a time, up to 64 outputs of a row at a time. Two taps of a
// kernel row make one 16-bit dot product: with stride 1 the two are interleaved, with stride 2 and no dilation they
// already lie side by side; other geometries take the plain loop. Definition: src/scalar/qs8-conv.ts.

import { widen } from '../qs8-conv/index';
import { finishLine, LINE_COLUMNS, LINES } from '../requant/index';

/** int16 elements past the plane that a last vector may touch. */
const SLACK: i32 = 32;

/** [oc][kh][(kw+1)/2][2] int16. */
export function dwPackedBytes(oc: i32, kh: i32, kw: i32): usize {
  return <usize>(oc * kh * ((kw + 1) >> 1)) << 2;
}

export function dwPack(w: usize, signed: i32, packed: usize, oc: i32, kh: i32, kw: i32): void {
  for (let row = 0; row < oc * kh; row++) {
    for (let q = 0; q < kw; q += 2) {
      const at = w + <usize>q;
      store<i16>(packed, signed ? <i16>load<i8>(at) : <i16>load<u8>(at));
      store<i16>(packed, q + 1 < kw ? (signed ? <i16>load<i8>(at, 1) : <i16>load<u8>(at, 1)) : 0, 2);
      packed += 4;
    }
    w += <usize>kw;
  }
}

export function dwScratchBytes(ih: i32, iw: i32, pt: i32, pl: i32, pb: i32, pr: i32): usize {
  return <usize>((ih + pt + pb) * (iw + pl + pr) + SLACK) << 1;
}

export function dwconv(
  x: usize, xSigned: i32, packed: usize, bias: usize, multiplier: usize, rshift: usize, y: usize, yBytes: i32, scratch: usize,
  ic: i32, ih: i32, iw: i32, oc: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32,
  pt: i32, pl: i32, pb: i32, pr: i32, oh: i32, ow: i32, pad: i32, finish: i32, zero: i32, lo: i32, hi: i32,
): void {
  const width = iw + pl + pr;
  const height = ih + pt + pb;
  const perInput = oc / ic;
  const filterBytes = <usize>(kh * ((kw + 1) >> 1)) << 2;
  for (let c = 0; c < ic; c++) {
    padPlane(x, xSigned, scratch, ih, iw, height, width, pt, pl, pad);
    x += <usize>(ih * iw);
    for (let j = 0; j < perInput; j++) {
      const o = <usize>(c * perInput + j) << 2;
      const b: f32 = bias ? load<f32>(bias + o) : 0;
      const m = multiplier ? load<i32>(multiplier + o) : 1;
      const rs = rshift ? load<i32>(rshift + o) : 0;
      const isSmall = kh == 3 && kw == 3 && dw == 1 && sw <= 2;
      for (let row = 0; row < oh; row++) {
        const line = scratch + (<usize>(row * sh * width) << 1);
        for (let first = 0; first < ow; first += LINE_COLUMNS) {
          const columns = min(LINE_COLUMNS, ow - first);
          const at = line + (<usize>(first * sw) << 1);
          if (isSmall && sw == 1) dw3x3Unit(at, packed, columns, dh * width);
          else if (isSmall) dw3x3Stride2(at, packed, columns, dh * width);
          else dwAny(at, packed, columns, kh, kw, dh * width, dw, sw);
          finishLine(LINES, y, <usize>yBytes, columns, yBytes, finish, b, m, rs, zero, lo, hi);
          y += <usize>(columns * yBytes);
        }
      }
      packed += filterBytes;
    }
  }
}

function padPlane(
  x: usize, signed: i32, plane: usize, ih: i32, iw: i32, height: i32, width: i32, pt: i32, pl: i32, pad: i32,
): void {
  const fill = i16x8.splat(<i16>pad);
  const end = plane + (<usize>(height * width + SLACK - 8) << 1);
  for (let p = plane; p < end; p += 16) v128.store(p, fill);
  for (let row = 0; row < ih; row++) {
    widen(x, signed, plane + (<usize>((row + pt) * width + pl) << 1), iw);
    x += <usize>iw;
  }
}

/** 3x3, stride 1: two taps of a row by a dot product of interleaved neighbours, the third by a widening product. */
function dw3x3Unit(x: usize, w: usize, columns: i32, rowStep: i32): void {
  const w01 = v128.load32_splat(w);
  const w02 = v128.load16_splat(w, 4);
  const w11 = v128.load32_splat(w, 8);
  const w12 = v128.load16_splat(w, 12);
  const w21 = v128.load32_splat(w, 16);
  const w22 = v128.load16_splat(w, 20);
  const step = <usize>rowStep << 1;
  let out = LINES;
  for (; columns > 0; columns -= 8) {
    const x1 = x + step;
    const x2 = x1 + step;
    let p = v128.load(x);
    let q = v128.load(x, 2);
    let r = v128.load(x, 4);
    let a = i32x4.dot_i16x8_s(w01, v128.shuffle<i16>(p, q, 0, 8, 1, 9, 2, 10, 3, 11));
    let b = i32x4.dot_i16x8_s(w01, v128.shuffle<i16>(p, q, 4, 12, 5, 13, 6, 14, 7, 15));
    a = i32x4.add(a, i32x4.extmul_low_i16x8_s(w02, r));
    b = i32x4.add(b, i32x4.extmul_high_i16x8_s(w02, r));
    p = v128.load(x1);
    q = v128.load(x1, 2);
    r = v128.load(x1, 4);
    a = i32x4.add(a, i32x4.dot_i16x8_s(w11, v128.shuffle<i16>(p, q, 0, 8, 1, 9, 2, 10, 3, 11)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(w11, v128.shuffle<i16>(p, q, 4, 12, 5, 13, 6, 14, 7, 15)));
    a = i32x4.add(a, i32x4.extmul_low_i16x8_s(w12, r));
    b = i32x4.add(b, i32x4.extmul_high_i16x8_s(w12, r));
    p = v128.load(x2);
    q = v128.load(x2, 2);
    r = v128.load(x2, 4);
    a = i32x4.add(a, i32x4.dot_i16x8_s(w21, v128.shuffle<i16>(p, q, 0, 8, 1, 9, 2, 10, 3, 11)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(w21, v128.shuffle<i16>(p, q, 4, 12, 5, 13, 6, 14, 7, 15)));
    a = i32x4.add(a, i32x4.extmul_low_i16x8_s(w22, r));
    b = i32x4.add(b, i32x4.extmul_high_i16x8_s(w22, r));
    v128.store(out, a);
    v128.store(out, b, 16);
    x += 16;
    out += 32;
  }
}

/** 3x3, stride 2: the two taps of an output already lie side by side. */
function dw3x3Stride2(x: usize, w: usize, columns: i32, rowStep: i32): void {
  const w01 = v128.load32_splat(w);
  const w02 = v128.load32_splat(w, 4);
  const w11 = v128.load32_splat(w, 8);
  const w12 = v128.load32_splat(w, 12);
  const w21 = v128.load32_splat(w, 16);
  const w22 = v128.load32_splat(w, 20);
  const step = <usize>rowStep << 1;
  let out = LINES;
  for (; columns > 0; columns -= 4) {
    const x1 = x + step;
    const x2 = x1 + step;
    let a = i32x4.dot_i16x8_s(w01, v128.load(x));
    let b = i32x4.dot_i16x8_s(w02, v128.load(x, 4));
    a = i32x4.add(a, i32x4.dot_i16x8_s(w11, v128.load(x1)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(w12, v128.load(x1, 4)));
    a = i32x4.add(a, i32x4.dot_i16x8_s(w21, v128.load(x2)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(w22, v128.load(x2, 4)));
    v128.store(out, i32x4.add(a, b));
    x += 16;
    out += 16;
  }
}

/** Any kernel: by dot products where strides allow, else plainly. */
function dwAny(x: usize, w: usize, columns: i32, kh: i32, kw: i32, rowStep: i32, dw: i32, sw: i32): void {
  let out = LINES;
  for (let column = 0; column < columns; column += 8) {
    const at = x + (<usize>(column * sw) << 1);
    if (sw == 1) dwUnit(at, w, kh, kw, rowStep, dw, out);
    else if (sw == 2 && dw == 1) dwStride2(at, w, kh, kw, rowStep, out);
    else dwPlain(at, w, kh, kw, rowStep, dw, sw, min(8, columns - column), out);
    out += 32;
  }
}

/** Eight outputs of stride 1. */
function dwUnit(x: usize, w: usize, kh: i32, kw: i32, rowStep: i32, dw: i32, out: usize): void {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  const step = <usize>dw << 1;
  for (let r = 0; r < kh; r++) {
    let p = x;
    for (let q = 0; q < kw; q += 2) {
      const weights = v128.load32_splat(w);
      const first = v128.load(p);
      // Past the last tap of an odd row the weight is 0: any data do.
      const second = q + 1 < kw ? v128.load(p + step) : first;
      a = i32x4.add(a, i32x4.dot_i16x8_s(weights, v128.shuffle<i16>(first, second, 0, 8, 1, 9, 2, 10, 3, 11)));
      b = i32x4.add(b, i32x4.dot_i16x8_s(weights, v128.shuffle<i16>(first, second, 4, 12, 5, 13, 6, 14, 7, 15)));
      w += 4;
      p += step << 1;
    }
    x += <usize>rowStep << 1;
  }
  v128.store(out, a);
  v128.store(out, b, 16);
}

/** Eight outputs of stride 2 without dilation: neighbours in memory are the two taps. */
function dwStride2(x: usize, w: usize, kh: i32, kw: i32, rowStep: i32, out: usize): void {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  for (let r = 0; r < kh; r++) {
    let p = x;
    for (let q = 0; q < kw; q += 2) {
      const weights = v128.load32_splat(w);
      a = i32x4.add(a, i32x4.dot_i16x8_s(weights, v128.load(p)));
      b = i32x4.add(b, i32x4.dot_i16x8_s(weights, v128.load(p, 16)));
      w += 4;
      p += 4;
    }
    x += <usize>rowStep << 1;
  }
  v128.store(out, a);
  v128.store(out, b, 16);
}

/** Any geometry, `count` outputs. */
function dwPlain(
  x: usize, w: usize, kh: i32, kw: i32, rowStep: i32, dw: i32, sw: i32, count: i32, out: usize,
): void {
  const paddedWidth = (kw + 1) & ~1;
  v128.store(out, i32x4.splat(0));
  v128.store(out, i32x4.splat(0), 16);
  for (let i = 0; i < count; i++) {
    let sum: i32 = 0;
    for (let r = 0; r < kh; r++) {
      for (let q = 0; q < kw; q++) {
        const value = <i32>load<i16>(x + (<usize>(r * rowStep + q * dw + i * sw) << 1));
        sum += value * <i32>load<i16>(w + (<usize>(r * paddedWidth + q) << 1));
      }
    }
    store<i32>(out + (<usize>i << 2), sum);
  }
}
