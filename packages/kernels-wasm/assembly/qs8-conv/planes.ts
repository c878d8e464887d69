// Planes of codes with their padding, so that no tap needs a bound.

/** int16 elements past the end that a store or a load of the last row may touch. */
export const SLACK: i32 = 32;

/** Room for `n` bytes at `p`? Vectors read past the end of a row, but never past the memory. */
@inline
function hasRoom(p: usize, n: usize): bool {
  return p + n <= <usize>memory.size() << 16;
}

/** Eight codes as int16. */
@inline
export function widen8(p: usize, signed: i32): v128 {
  return signed ? v128.load8x8_s(p) : v128.load8x8_u(p);
}

/** int16 of at least `n` codes; up to seven more are written. */
@inline
export function widenRow(x: usize, signed: i32, y: usize, n: i32): void {
  for (; n >= 16 || (n > 8 && hasRoom(x, 16)); n -= 16) {
    const v = v128.load(x);
    v128.store(y, signed ? i16x8.extend_low_i8x16_s(v) : i16x8.extend_low_i8x16_u(v));
    v128.store(y, signed ? i16x8.extend_high_i8x16_s(v) : i16x8.extend_high_i8x16_u(v), 16);
    x += 16;
    y += 32;
  }
  for (; n > 0; n -= 8) {
    if (n < 8 && !hasRoom(x, 8)) {
      for (let i = 0; i < n; i++) {
        store<i16>(y + (<usize>i << 1), signed ? <i16>load<i8>(x + <usize>i) : <i16>load<u8>(x + <usize>i));
      }
      return;
    }
    v128.store(y, widen8(x, signed));
    x += 8;
    y += 16;
  }
}

/** At least `n` int16 of value `fill`; up to seven more are written. */
@inline
export function fillRow(y: usize, fill: v128, n: i32): void {
  for (; n > 0; n -= 8) {
    v128.store(y, fill);
    y += 16;
  }
}

/** Bytes of `planes` planes of `height` x `width` int16. */
export function planeBytes(planes: i32, height: i32, width: i32): usize {
  return <usize>(planes * height * width + SLACK) << 1;
}

/** Widens planes to int16 inside their padding, from the first byte to the last, so that what overshoots is overwritten. */
export function padPlanes(
  x: usize, signed: i32, y: usize, planes: i32, ih: i32, iw: i32, pt: i32, pl: i32, pb: i32, pr: i32, pad: i32,
): void {
  const width = iw + pl + pr;
  const fill = i16x8.splat(<i16>pad);
  for (let c = 0; c < planes; c++) {
    fillRow(y, fill, pt * width + pl);
    y += <usize>(pt * width + pl) << 1;
    // What is right of a row lies next to what is left of the following one.
    for (let row = ih - 1; row >= 0; row--) {
      widenRow(x, signed, y, iw);
      fillRow(y + (<usize>iw << 1), fill, pr + (row > 0 ? pl : pb * width));
      x += <usize>iw;
      y += <usize>width << 1;
    }
    y += <usize>(pb * width - pl) << 1;
  }
}

/** Columns of a plane whose even and odd columns are kept apart: halves of the same length. */
@inline
export function splitWidth(width: i32): i32 {
  return (width + 1) & ~1;
}

/** Like `padPlanes`, but of every row first the even columns, then the odd ones. `line` has room for one padded row. */
export function splitPlanes(
  x: usize, signed: i32, y: usize, line: usize, planes: i32, ih: i32, iw: i32, pt: i32, pl: i32, pb: i32, pr: i32, pad: i32,
): void {
  const width = iw + pl + pr;
  const half = splitWidth(width) >> 1;
  const fill = i16x8.splat(<i16>pad);
  for (let c = 0; c < planes; c++) {
    for (let row = -pt; row < ih + pb; row++) {
      if (row < 0 || row >= ih) {
        fillRow(y, fill, 2 * half);
      } else {
        fillRow(line, fill, pl);
        widenRow(x, signed, line + (<usize>pl << 1), iw);
        fillRow(line + (<usize>(pl + iw) << 1), fill, pr);
        splitRow(line, y, half);
        x += <usize>iw;
      }
      y += <usize>half << 2;
    }
  }
}

/** What overshoots the even half is overwritten by the odd one, and that by the next row. */
@inline
function splitRow(line: usize, y: usize, half: i32): void {
  for (let i = 0; i < half; i += 8) {
    const from = line + (<usize>i << 2);
    v128.store(y + (<usize>i << 1), v128.shuffle<i16>(v128.load(from), v128.load(from, 16), 0, 2, 4, 6, 8, 10, 12, 14));
  }
  const odd = y + (<usize>half << 1);
  for (let i = 0; i < half; i += 8) {
    const from = line + (<usize>i << 2);
    v128.store(odd + (<usize>i << 1), v128.shuffle<i16>(v128.load(from), v128.load(from, 16), 1, 3, 5, 7, 9, 11, 13, 15));
  }
}

/** Bytes of a plane of row pairs: `pairs` pairs of `width` columns. */
export function zippedBytes(pairs: i32, width: i32): usize {
  return (<usize>(pairs * width + SLACK) << 2);
}

/**
 * One padded plane with two rows in one: column c of pair j is (row 2j, row 2j+1), the operand of a dot product of two
 * vertical taps. `pairs` may reach past the padding: rows there hold anything.
 */
export function zipPlane(
  x: usize, signed: i32, y: usize, pairs: i32, ih: i32, iw: i32, pt: i32, pl: i32, pr: i32, pad: i32,
): void {
  const fill = i16x8.splat(<i16>pad);
  const end = <usize>memory.size() << 16;
  for (let j = 0; j < pairs; j++) {
    const first = 2 * j - pt;
    const hasA = first >= 0 && first < ih;
    const hasB = first + 1 >= 0 && first + 1 < ih;
    const a = x + (hasA ? <usize>(first * iw) : 0);
    const b = x + (hasB ? <usize>((first + 1) * iw) : 0);
    for (let c = 0; c < pl; c += 4) v128.store(y + (<usize>c << 2), fill);
    y += <usize>pl << 2;
    for (let c = 0; c < iw; c += 8) {
      const at = <usize>c;
      if (max(a, b) + at + 8 > end) {
        zipRest(a + at, hasA, b + at, hasB, signed, y + (at << 2), iw - c, pad);
        break;
      }
      const p = hasA ? widen8(a + at, signed) : fill;
      const q = hasB ? widen8(b + at, signed) : fill;
      v128.store(y + (at << 2), v128.shuffle<i16>(p, q, 0, 8, 1, 9, 2, 10, 3, 11));
      v128.store(y + (at << 2), v128.shuffle<i16>(p, q, 4, 12, 5, 13, 6, 14, 7, 15), 16);
    }
    y += <usize>iw << 2;
    for (let c = 0; c < pr; c += 4) v128.store(y + (<usize>c << 2), fill);
    y += <usize>pr << 2;
  }
}

/** The last columns before the end of the memory, one by one. */
function zipRest(a: usize, hasA: bool, b: usize, hasB: bool, signed: i32, y: usize, n: i32, pad: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    store<i16>(y + (i << 2), hasA ? (signed ? <i16>load<i8>(a + i) : <i16>load<u8>(a + i)) : <i16>pad);
    store<i16>(y + (i << 2), hasB ? (signed ? <i16>load<i8>(b + i) : <i16>load<u8>(b + i)) : <i16>pad, 2);
  }
}
