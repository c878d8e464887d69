// The transforms of F(4x4, 3x3) with the points 0, ±√½, ±√2 and infinity: nearly all factors are powers of two, and the error is half of that
// with 0, ±1, ±2 (Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution" (2020), on why points matter).
import { clamp, loadSome, madd, storeTail } from '../lanes';

const ROOT_HALF: f32 = 0.70710678118654752;
const ROOT_TWO: f32 = 1.41421356237309505;

/** [[1, 0, 0], (-2/3)[1, ±√½, ½], (1/6)[1, ±√2, 2], [0, 0, 1]] times a column of three, in float64. */
@inline
function filterRow(row: i32, a: f64, b: f64, c: f64): f64 {
  if (row == 0) return a;
  if (row == 5) return c;
  const odd = (row < 3 ? 0.70710678118654752 : 1.41421356237309505) * b;
  const even = a + (row < 3 ? 0.5 : 2) * c;
  return (row & 1 ? even + odd : even - odd) / (row < 3 ? -1.5 : 6);
}

/** One filter; its 36 positions are `step` bytes apart. */
export function transformFilter(w: usize, to: usize, step: usize): void {
  for (let i = 0; i < 6; i++) {
    const a = filterRow(i, load<f32>(w), load<f32>(w, 12), load<f32>(w, 24));
    const b = filterRow(i, load<f32>(w, 4), load<f32>(w, 16), load<f32>(w, 28));
    const c = filterRow(i, load<f32>(w, 8), load<f32>(w, 20), load<f32>(w, 32));
    for (let j = 0; j < 6; j++, to += step) store<f32>(to, <f32>filterRow(j, a, b, c));
  }
}

/** Six values of B^T d, `step` bytes apart. */
@inline
function storeInput(to: usize, step: usize, d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128): void {
  const two = f32x4.splat(-2), half = f32x4.splat(-0.5), most = f32x4.splat(-2.5);
  v128.store(to, f32x4.add(madd(d4, most, d2), d0));
  const even = madd(d4, two, d2);
  const odd = f32x4.mul(f32x4.splat(ROOT_HALF), madd(d3, two, d1));
  v128.store(to + step, f32x4.add(even, odd));
  v128.store(to + 2 * step, f32x4.sub(even, odd));
  const even2 = madd(d4, half, d2);
  const odd2 = f32x4.mul(f32x4.splat(ROOT_TWO), madd(d3, half, d1));
  v128.store(to + 3 * step, f32x4.add(even2, odd2));
  v128.store(to + 4 * step, f32x4.sub(even2, odd2));
  v128.store(to + 5 * step, f32x4.add(madd(d5, most, d3), d1));
}

/** Along a row: four tiles at a time, their four own columns as lanes and two of the next tile's. */
export function inputRows(x: usize, to: usize, step: usize, tw: i32): void {
  for (; tw > 0; tw -= 4, x += 64, to += 16) {
    const a = v128.load(x), b = v128.load(x, 16), c = v128.load(x, 32), d = v128.load(x, 48);
    const next = v128.load64_zero(x, 64);
    const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    const d0 = v128.shuffle<i64>(ab0, cd0, 0, 2), d1 = v128.shuffle<i64>(ab0, cd0, 1, 3);
    const d2 = v128.shuffle<i64>(ab1, cd1, 0, 2), d3 = v128.shuffle<i64>(ab1, cd1, 1, 3);
    const d4 = v128.shuffle<i32>(d0, next, 1, 2, 3, 4), d5 = v128.shuffle<i32>(d1, next, 1, 2, 3, 5);
    storeInput(to, step, d0, d1, d2, d3, d4, d5);
  }
}

/** Down the columns, of up to four channels, into [position][four tiles][channel][4]. */
export function inputColumns(
  x: usize, plane: usize, step: usize, channels: i32, to: usize, position: usize, fours: i32, four: usize,
): void {
  for (; fours > 0; fours--, x += 16, to += four) {
    for (let j: usize = 0; j < 6; j++) {
      let from = x + j * step;
      let out = to + j * position;
      for (let c = 0; c < channels; c++, from += plane, out += 16) {
        const d0 = v128.load(from), d1 = v128.load(from + 6 * step), d2 = v128.load(from + 12 * step);
        const d3 = v128.load(from + 18 * step), d4 = v128.load(from + 24 * step), d5 = v128.load(from + 30 * step);
        storeInput(out, 6 * position, d0, d1, d2, d3, d4, d5);
      }
    }
  }
}

/** Bytes from one position to the next in the sums of a tile. */
const SUM_STEP: usize = 32 * 4;

/** The four values of A^T m of six. */
@inline
function first(m0: v128, m1: v128, m2: v128, m3: v128, m4: v128): v128 {
  return f32x4.add(f32x4.add(m0, f32x4.add(m1, m2)), f32x4.add(m3, m4));
}

@inline
function second(m1: v128, m2: v128, m3: v128, m4: v128): v128 {
  return f32x4.mul(f32x4.splat(ROOT_HALF), madd(f32x4.sub(m1, m2), f32x4.splat(2), f32x4.sub(m3, m4)));
}

@inline
function third(m1: v128, m2: v128, m3: v128, m4: v128): v128 {
  return madd(f32x4.mul(f32x4.splat(0.5), f32x4.add(m1, m2)), f32x4.splat(2), f32x4.add(m3, m4));
}

@inline
function fourth(m1: v128, m2: v128, m3: v128, m4: v128, m5: v128): v128 {
  const odd = madd(f32x4.mul(f32x4.splat(0.5), f32x4.sub(m1, m2)), f32x4.splat(4), f32x4.sub(m3, m4));
  return madd(m5, f32x4.splat(ROOT_HALF), odd);
}

/** A^T m of four channels of one tile into [4][6] vectors. */
function vertical(m: usize, to: usize): void {
  for (let j = 0; j < 6; j++, m += SUM_STEP, to += 16) {
    const m0 = v128.load(m), m1 = v128.load(m + 6 * SUM_STEP), m2 = v128.load(m + 12 * SUM_STEP);
    const m3 = v128.load(m + 18 * SUM_STEP), m4 = v128.load(m + 24 * SUM_STEP), m5 = v128.load(m + 30 * SUM_STEP);
    v128.store(to, first(m0, m1, m2, m3, m4));
    v128.store(to, second(m1, m2, m3, m4), 96);
    v128.store(to, third(m1, m2, m3, m4), 192);
    v128.store(to, fourth(m1, m2, m3, m4, m5), 288);
  }
}

/** One output row of one tile: `count` channels, `width` of four columns. */
@inline
function horizontal(m: usize, y: usize, plane: usize, count: i32, width: i32, bias: v128, l: v128, h: v128): void {
  const m0 = v128.load(m), m1 = v128.load(m, 16), m2 = v128.load(m, 32);
  const m3 = v128.load(m, 48), m4 = v128.load(m, 64), m5 = v128.load(m, 80);
  const a = clamp(f32x4.add(first(m0, m1, m2, m3, m4), bias), l, h);
  const b = clamp(f32x4.add(second(m1, m2, m3, m4), bias), l, h);
  const c = clamp(f32x4.add(third(m1, m2, m3, m4), bias), l, h);
  const d = clamp(f32x4.add(fourth(m1, m2, m3, m4, m5), bias), l, h);
  const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  storeColumns(y, v128.shuffle<i64>(ab0, cd0, 0, 2), width);
  if (count > 1) storeColumns(y + plane, v128.shuffle<i64>(ab0, cd0, 1, 3), width);
  if (count > 2) storeColumns(y + 2 * plane, v128.shuffle<i64>(ab1, cd1, 0, 2), width);
  if (count > 3) storeColumns(y + 3 * plane, v128.shuffle<i64>(ab1, cd1, 1, 3), width);
}

@inline
function storeColumns(y: usize, v: v128, width: i32): void {
  if (width >= 4) v128.store(y, v);
  else storeTail(y, v, width);
}

/**
 * A^T m A of a row of tiles: sums are [tile][36][32], four channels are lanes; `rows` output rows are inside the plane. Eight
 * channels before the next ones: planes a multiple of 4 KiB apart share their places in the first-level cache.
 */
export function outputTiles(
  m: usize, y: usize, edge: usize, tw: i32, channels: i32, plane: i32, rows: i32, ow: i32, bias: usize, lo: f32, hi: f32,
): void {
  const l = f32x4.splat(lo), h = f32x4.splat(hi);
  const planeBytes = <usize>plane << 2;
  const row = <usize>ow << 2;
  for (let first = 0; first < channels; first += 8) {
    for (let tile = 0; tile < tw; tile++) {
      const sums = m + <usize>tile * (36 * SUM_STEP);
      const width = ow - (tile << 2);
      for (let c = first; c < min(first + 8, channels); c += 4) {
        const count = min(4, channels - c);
        const b = bias ? loadSome(bias + (<usize>c << 2), count) : f32x4.splat(0);
        vertical(sums + (<usize>c << 2), edge);
        let to = y + <usize>c * planeBytes + (<usize>tile << 4);
        for (let from = edge; from < edge + <usize>(rows * 96); from += 96, to += row) horizontal(from, to, planeBytes, count, width, b, l, h);
      }
    }
  }
}
