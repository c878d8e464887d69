// Depthwise 3x3 at stride 1 on small planes, whose rows are too short to be walked one by one: the plane is one line. What
// lies above and below a code is a row's length away; what a row's ends read of their neighbours is masked out of the sums.

import { fillRow, widenRow } from '../qs8-conv/planes';

/** Rows up to this length. */
const LONGEST_ROW: i32 = 28;
/** Codes of a plane up to this number. */
const LARGEST: i32 = 1024;

@inline
function isSmall(ih: i32, iw: i32): bool {
  return iw <= LONGEST_ROW && ih * iw <= LARGEST;
}

/** Padding of one code all around, which reads as 0. */
@inline
export function isFlat(
  ih: i32, iw: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32, pb: i32, pr: i32,
): bool {
  return kh == 3 && kw == 3 && sh == 1 && sw == 1 && dh == 1 && dw == 1 && pt == 1 && pl == 1 && pb == 1 && pr == 1 &&
    isSmall(ih, iw);
}

/** int16 of the codes with a row of zeros before and two behind, then pairs of codes one above the other, then masks. */
@inline
function lineBytes(n: i32, width: i32): usize {
  return <usize>((n + 3 * width + 32) & ~7) << 1;
}

@inline
function pairBytes(n: i32, width: i32): usize {
  return <usize>((n + 2 * width + 32) & ~7) << 2;
}

/** Scratch of planes that may be flat. */
export function flatBytes(ih: i32, iw: i32): usize {
  if (!isSmall(ih, iw)) return 0;
  const n = ih * iw;
  return lineBytes(n, iw) + pairBytes(n, iw) + (<usize>(n + 8) << 3);
}

/** What does not depend on codes: zeros before the first row, and for each code whether it has a left and a right neighbour. */
export function openFlat(at: usize, ih: i32, iw: i32): void {
  const n = ih * iw;
  fillRow(at, i16x8.splat(0), iw);
  let mask = at + lineBytes(n, iw) + pairBytes(n, iw);
  for (let i = 0; i < n + 3; i += 4) {
    for (let lane = i; lane < i + 4; lane++) {
      const column = lane % iw;
      store<i32>(mask, column == 0 ? 0 : -1);
      store<i32>(mask, column == iw - 1 ? 0 : -1, 16);
      mask += 4;
    }
    mask += 16;
  }
}

/** Pairs of a plane's codes. */
export function loadFlat(x: usize, signed: i32, at: usize, ih: i32, iw: i32): void {
  const n = ih * iw;
  const first = at + (<usize>iw << 1);
  widenRow(x, signed, first, n);
  fillRow(first + (<usize>n << 1), i16x8.splat(0), 2 * iw + 8);
  const below = first;
  let pairs = at + lineBytes(n, iw) + 16;
  for (let j = 0; j < n + 2 * iw; j += 8) {
    const a = v128.load(at + (<usize>j << 1));
    const b = v128.load(below + (<usize>j << 1));
    v128.store(pairs, v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(pairs, v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), 16);
    pairs += 32;
  }
}

/** Accumulators of a plane; up to three more are written. `w` is packed as for zipped rows. */
export function flat3x3(at: usize, w: usize, out: usize, ih: i32, iw: i32): void {
  const n = ih * iw;
  // Two vertical taps of the first pair of rows, the third of the next but one.
  const u0 = v128.load32_splat(w), u1 = v128.load32_splat(w, 8), u2 = v128.load32_splat(w, 16);
  const l0 = v128.load32_splat(w, 24), l1 = v128.load32_splat(w, 32), l2 = v128.load32_splat(w, 40);
  let p = at + lineBytes(n, iw) + 12;
  let mask = at + lineBytes(n, iw) + pairBytes(n, iw);
  const lower = <usize>iw << 3;
  const end = out + (<usize>n << 2);
  while (out < end) {
    const q = p + lower;
    const left = i32x4.add(i32x4.dot_i16x8_s(u0, v128.load(p)), i32x4.dot_i16x8_s(l0, v128.load(q)));
    const middle = i32x4.add(i32x4.dot_i16x8_s(u1, v128.load(p, 4)), i32x4.dot_i16x8_s(l1, v128.load(q, 4)));
    const right = i32x4.add(i32x4.dot_i16x8_s(u2, v128.load(p, 8)), i32x4.dot_i16x8_s(l2, v128.load(q, 8)));
    const sides = i32x4.add(v128.and(left, v128.load(mask)), v128.and(right, v128.load(mask, 16)));
    v128.store(out, i32x4.add(middle, sides));
    p += 16;
    out += 16;
    mask += 32;
  }
}
