// Pooling, separably: the rows of a window are folded column by column into a padded row buffer (plain vectors whatever
// the stride), then the buffer is folded across. Max does not care about the order; for averages this order is the
// definition: each column top to bottom, then the columns left to right, from 0.
import { clamp, larger } from '../lanes';

/** Floats of the padded row buffer: four outputs at a time may look at columns past the last window. */
@inline
function bufferFloats(iw: i32, ow: i32, kw: i32, sw: i32): i32 {
  return max((ow + 3) * sw + kw + 4, iw + kw) + 8;
}

export function f32_pool2d_scratch_bytes(iw: i32, ow: i32, kw: i32, strideW: i32): usize {
  // the buffer (left padding is less than kw), and the per-column divisors
  return <usize>(bufferFloats(iw, ow, kw, strideW) + kw + ow + 4) * 4 + 16;
}

abstract class Fold {
  abstract start(): f32;
  abstract two(a: v128, b: v128): v128;
  abstract one(a: f32, b: f32): f32;
}

@final
class MaxFold extends Fold {
  @inline start(): f32 { return -Infinity; }
  @inline two(a: v128, b: v128): v128 { return larger(a, b); }
  @inline one(a: f32, b: f32): f32 { return max<f32>(a, b); }
}

@final
class SumFold extends Fold {
  @inline start(): f32 { return 0; }
  @inline two(a: v128, b: v128): v128 { return f32x4.add(a, b); }
  @inline one(a: f32, b: f32): f32 { return a + b; }
}

/** Folds `rows` rows of x (rowBytes apart) into dst, column by column, top to bottom. */
@inline
function foldRows<T extends Fold>(x: usize, dst: usize, rows: i32, iw: i32): void {
  const op = changetype<T>(0);
  const rowBytes = <usize>iw << 2;
  let c = 0;
  for (; c + 4 <= iw; c += 4) {
    let p = x + (<usize>c << 2);
    let acc = v128.load(p);
    for (let r = 1; r < rows; r++) {
      p += rowBytes;
      acc = op.two(acc, v128.load(p));
    }
    v128.store(dst + (<usize>c << 2), acc);
  }
  for (; c < iw; c++) {
    let p = x + (<usize>c << 2);
    let acc = load<f32>(p);
    for (let r = 1; r < rows; r++) {
      p += rowBytes;
      acc = op.one(acc, load<f32>(p));
    }
    store<f32>(dst + (<usize>c << 2), acc);
  }
}

/** Four neighbouring outputs of the horizontal fold; `at` is the first output's window. */
@inline
function foldAcross<T extends Fold>(at: usize, kw: i32, sw: i32): v128 {
  const op = changetype<T>(0);
  let acc = f32x4.splat(op.start());
  const end = at + (<usize>kw << 2);
  if (sw == 1) {
    for (; at < end; at += 4) acc = op.two(acc, v128.load(at));
  } else if (sw == 2) {
    for (; at < end; at += 4) acc = op.two(acc, v128.shuffle<f32>(v128.load(at), v128.load(at, 16), 0, 2, 4, 6));
  } else {
    const step = <usize>sw << 2;
    for (; at < end; at += 4) {
      let v = v128.load32_zero(at);
      v = v128.load32_lane(at + step, v, 1);
      v = v128.load32_lane(at + 2 * step, v, 2);
      v = v128.load32_lane(at + 3 * step, v, 3);
      acc = op.two(acc, v);
    }
  }
  return acc;
}

function pool<T extends Fold>(
  x: usize, y: usize, scratch: usize, planes: i32, ih: i32, iw: i32, oh: i32, ow: i32, kh: i32, kw: i32,
  sh: i32, sw: i32, pt: i32, pl: i32, average: bool, includePad: bool, lo: f32, hi: f32,
): void {
  const op = changetype<T>(0);
  const l = f32x4.splat(lo), h = f32x4.splat(hi);
  const floats = bufferFloats(iw, ow, kw, sw) + kw;
  const covers = scratch + (<usize>floats << 2);
  // The padding of the buffer is written once: rows only ever rewrite its middle.
  for (let i = 0; i < floats; i++) store<f32>(scratch + (<usize>i << 2), op.start());
  for (let o = 0; o < ow; o++) {
    const first = o * sw - pl;
    const cols = min(first + kw, iw) - max(first, 0);
    store<f32>(covers + (<usize>o << 2), includePad ? <f32>kw : <f32>cols);
  }
  const middle = scratch + (<usize>pl << 2);
  const plane = <usize>(ih * iw) << 2;
  for (let p = 0; p < planes; p++, x += plane) {
    for (let oy = 0; oy < oh; oy++) {
      const top = max(oy * sh - pt, 0);
      const rows = min(oy * sh - pt + kh, ih) - top;
      foldRows<T>(x + (<usize>(top * iw) << 2), middle, rows, iw);
      const tall = f32x4.splat(includePad ? <f32>kh : <f32>rows);
      let o = 0;
      for (; o < ow; o += 4) {
        let v = foldAcross<T>(scratch + (<usize>(o * sw) << 2), kw, sw);
        if (average) v = f32x4.div(v, f32x4.mul(tall, v128.load(covers + (<usize>o << 2))));
        v = clamp(v, l, h);
        if (o + 4 <= ow) {
          v128.store(y, v);
          y += 16;
        } else {
          for (let i = o; i < ow; i++, y += 4) {
            v128.store32_lane(y, v, 0);
            v = v128.shuffle<f32>(v, v, 1, 2, 3, 0);
          }
        }
      }
    }
  }
}

/** 2x2 windows side by side and no padding, the folds of `pool` in registers. */
function maxpool2x2(x: usize, y: usize, planes: i32, ih: i32, iw: i32, oh: i32, ow: i32, lo: f32, hi: f32): void {
  const l = f32x4.splat(lo), h = f32x4.splat(hi);
  const rowBytes = <usize>iw << 2;
  const last = <usize>(ow - 4) << 2;
  for (; planes > 0; planes--, x += <usize>ih * rowBytes) {
    let row = x;
    for (let r = 0; r < oh; r++, row += rowBytes << 1, y += <usize>ow << 2) {
      const below = row + rowBytes;
      for (let at: usize = 0; at <= last; at += 16) {
        const from = at << 1;
        const a = larger(v128.load(row + from), v128.load(below + from));
        const b = larger(v128.load(row + from, 16), v128.load(below + from, 16));
        v128.store(y + at, clamp(larger(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7)), l, h));
      }
      if (ow & 3) {
        const from = last << 1;
        const a = larger(v128.load(row + from), v128.load(below + from));
        const b = larger(v128.load(row + from, 16), v128.load(below + from, 16));
        v128.store(y + last, clamp(larger(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7)), l, h));
      }
    }
  }
}

export function f32_maxpool2d(
  x: usize, y: usize, scratch: usize, planes: i32, ih: i32, iw: i32, oh: i32, ow: i32, kh: i32, kw: i32,
  sh: i32, sw: i32, pt: i32, pl: i32, lo: f32, hi: f32,
): void {
  // Whole vectors of columns only: `pool` folds the rest one by one, which orders -0 and 0 differently.
  const isPlain = kh == 2 && kw == 2 && sh == 2 && sw == 2 && (pt | pl | iw & 3) == 0 && ih >= 2 * oh && iw >= 2 * ow && ow >= 4;
  if (isPlain) return maxpool2x2(x, y, planes, ih, iw, oh, ow, lo, hi);
  pool<MaxFold>(x, y, scratch, planes, ih, iw, oh, ow, kh, kw, sh, sw, pt, pl, false, false, lo, hi);
}

export function f32_avgpool2d(
  x: usize, y: usize, scratch: usize, planes: i32, ih: i32, iw: i32, oh: i32, ow: i32, kh: i32, kw: i32,
  sh: i32, sw: i32, pt: i32, pl: i32, countIncludePad: i32, lo: f32, hi: f32,
): void {
  pool<SumFold>(x, y, scratch, planes, ih, iw, oh, ow, kh, kw, sh, sw, pt, pl, true, countIncludePad != 0, lo, hi);
}
