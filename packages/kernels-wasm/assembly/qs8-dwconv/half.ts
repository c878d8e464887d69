// Depthwise 3x3 at stride 2 that halves the plane, read where it lies: the two taps of an output that begin at an even column
// lie side by side, the third is half of the pair before or behind them. Outside of a plane is 0.

import { widen8 } from '../qs8-conv/planes';

/** Bytes of a row of zeros. */
export function halfBytes(iw: i32): usize {
  return <usize>(iw + 32);
}

/** -1 in the lanes whose third tap lies in the plane: of the first four outputs of a row, or of its last. */
@inline
function edgeMask(pl: i32, ow: i32): v128 {
  if (pl) return i32x4(0, -1, -1, -1);
  const lane = (ow - 1) & 3;
  return i32x4.ne(i32x4.splat(lane), i32x4(0, 1, 2, 3));
}

/**
 * Accumulators of `rows` output rows from `first` on; up to three more are written. `w` is packed by horizontal pairs, `zeros`
 * holds a row of zeros with eight more on both sides. Up to 16 bytes on both sides of the plane are read.
 */
export function half3x3(
  x: usize, signed: i32, w: usize, out: usize, first: i32, rows: i32, ih: i32, iw: i32, pt: i32, pl: i32, zeros: usize,
): void {
  if (signed) halfRows(x, true, w, out, first, rows, ih, iw, pt, pl, zeros);
  else halfRows(x, false, w, out, first, rows, ih, iw, pt, pl, zeros);
}

/** Taps (0, 1) of a filter row, or (1, 2) where a code of padding lies before the row. */
@inline
function evenPair(w: usize, pl: i32): v128 {
  return i32x4.splat(pl ? load<u16>(w, 2) | (load<i32>(w, 4) << 16) : load<i32>(w));
}

/** The other tap beside a 0: it is the second of its pair, or the first. */
@inline
function sidePair(w: usize, pl: i32): v128 {
  return i32x4.splat(pl ? load<i32>(w) << 16 : <i32>load<u16>(w, 4));
}

@inline
function halfRows(
  x: usize, signed: bool, w: usize, out: usize, first: i32, rows: i32, ih: i32, iw: i32, pt: i32, pl: i32, zeros: usize,
): void {
  const even0 = evenPair(w, pl), even1 = evenPair(w + 8, pl), even2 = evenPair(w + 16, pl);
  const side0 = sidePair(w, pl), side1 = sidePair(w + 8, pl), side2 = sidePair(w + 16, pl);
  const edge = edgeMask(pl, iw >> 1);
  const line = <usize>(iw << 1);
  const last = (line - 1) & ~15;
  const aside: usize = 2 - (<usize>pl << 2);
  for (let row = first; row < first + rows; row++) {
    const top = 2 * row - pt;
    let x0 = top < 0 ? zeros + 8 : x + <usize>(top * iw);
    let x1 = x + <usize>((top + 1) * iw);
    let x2 = top + 2 < ih ? x1 + <usize>iw : zeros + 8;
    for (let at: usize = 0; at < line; at += 16) {
      let a = i32x4.dot_i16x8_s(even0, widen8(x0, signed));
      let b = i32x4.dot_i16x8_s(side0, widen8(x0 + aside, signed));
      a = i32x4.add(a, i32x4.dot_i16x8_s(even1, widen8(x1, signed)));
      b = i32x4.add(b, i32x4.dot_i16x8_s(side1, widen8(x1 + aside, signed)));
      a = i32x4.add(a, i32x4.dot_i16x8_s(even2, widen8(x2, signed)));
      b = i32x4.add(b, i32x4.dot_i16x8_s(side2, widen8(x2 + aside, signed)));
      if (at == (pl ? 0 : last)) b = v128.and(b, edge);
      v128.store(out + at, i32x4.add(a, b));
      x0 += 8;
      x1 += 8;
      x2 += 8;
    }
    out += line;
  }
}
