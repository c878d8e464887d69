// Strided copies. Everything that moves data without computing (permute, slice, concat, pad, tile, expand, reverse) is a
// plan for copy_nd; the two innermost dimensions have fast forms for contiguous rows and for transposition.

export function copy_nd_x32(src: usize, dst: usize, rank: i32, plan: usize): void {
  walk32(src, dst, rank, plan, plan + (<usize>rank << 2), plan + (<usize>rank << 3));
}

export function copy_nd_x8(src: usize, dst: usize, rank: i32, plan: usize): void {
  walk8(src, dst, rank, plan, plan + (<usize>rank << 2), plan + (<usize>rank << 3));
}

function walk32(src: usize, dst: usize, rank: i32, dims: usize, from: usize, to: usize): void {
  const n = load<i32>(dims);
  const s = <isize>load<i32>(from);
  const d = <isize>load<i32>(to);
  if (rank == 1) return row32(src, dst, n, s, d);
  // Rows that are contiguous in dst but strided in src, next to a dimension where it is the other way round.
  if (rank == 2 && s == 1 && load<i32>(to, 4) == 1 && load<i32>(from, 4) != 1) {
    return transpose32(src, dst, n, load<i32>(dims, 4), <isize>load<i32>(from, 4), d);
  }
  for (let i = 0; i < n; i++) {
    walk32(src, dst, rank - 1, dims + 4, from + 4, to + 4);
    src += s << 2;
    dst += d << 2;
  }
}

@inline
function row32(src: usize, dst: usize, n: i32, s: isize, d: isize): void {
  if (d == 1) {
    if (s == 1) return copyWords(src, dst, n);
    if (s == 0) return fill_x32(dst, load<i32>(src), n);
  }
  const sBytes = s << 2;
  const dBytes = d << 2;
  for (let i = 0; i < n; i++, src += sBytes, dst += dBytes) store<u32>(dst, load<u32>(src));
}

/** memory.copy is a call into the engine: short rows are faster by hand. */
@inline
function copyWords(src: usize, dst: usize, n: i32): void {
  if (n > 128) {
    memory.copy(dst, src, <usize>n << 2);
    return;
  }
  const end = src + (<usize>(n & ~3) << 2);
  for (; src < end; src += 16, dst += 16) v128.store(dst, v128.load(src));
  for (let i = n & 3; i > 0; i--, src += 4, dst += 4) store<u32>(dst, load<u32>(src));
}

/** dst[i*dRow + j] = src[i + j*sCol], in 4x4 blocks. */
function transpose32(src: usize, dst: usize, rows: i32, cols: i32, sCol: isize, dRow: isize): void {
  const sBytes = sCol << 2;
  const dBytes = dRow << 2;
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    let p = src + (<usize>i << 2);
    let q = dst + <usize>i * dBytes;
    let j = 0;
    for (; j + 4 <= cols; j += 4) {
      const a = v128.load(p), b = v128.load(p + sBytes), c = v128.load(p + 2 * sBytes), d = v128.load(p + 3 * sBytes);
      const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
      const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
      v128.store(q, v128.shuffle<i64>(ab0, cd0, 0, 2));
      v128.store(q + dBytes, v128.shuffle<i64>(ab0, cd0, 1, 3));
      v128.store(q + 2 * dBytes, v128.shuffle<i64>(ab1, cd1, 0, 2));
      v128.store(q + 3 * dBytes, v128.shuffle<i64>(ab1, cd1, 1, 3));
      p += 4 * sBytes;
      q += 16;
    }
    for (; j < cols; j++, p += sBytes, q += 4) {
      store<u32>(q, load<u32>(p));
      store<u32>(q + dBytes, load<u32>(p, 4));
      store<u32>(q + 2 * dBytes, load<u32>(p, 8));
      store<u32>(q + 3 * dBytes, load<u32>(p, 12));
    }
  }
  for (; i < rows; i++) row32(src + (<usize>i << 2), dst + <usize>i * dBytes, cols, sCol, 1);
}

function walk8(src: usize, dst: usize, rank: i32, dims: usize, from: usize, to: usize): void {
  let n = load<i32>(dims);
  const s = <isize>load<i32>(from);
  const d = <isize>load<i32>(to);
  if (rank == 1) return row8(src, dst, n, s, d);
  if (rank == 2 && s == 1 && load<i32>(to, 4) == 1) {
    const inner = load<i32>(dims, 4);
    const step = <isize>load<i32>(from, 4);
    if (step == 0 && d == <isize>inner) return repeat8(src, dst, n, inner);
    if (step != 1) return transpose8(src, dst, n, inner, step, d);
  }
  for (; n > 0; n--) {
    walk8(src, dst, rank - 1, dims + 4, from + 4, to + 4);
    src += s;
    dst += d;
  }
}

function row8(src: usize, dst: usize, n: i32, s: isize, d: isize): void {
  if (d == 1) {
    if (s == 1) return copyBytes(src, dst, n);
    if (s == 0) {
      memory.fill(dst, load<u8>(src), n);
      return;
    }
  }
  for (; n > 0; n--, src += s, dst += d) store<u8>(dst, load<u8>(src));
}

/** As `copyWords`. */
@inline
function copyBytes(src: usize, dst: usize, n: i32): void {
  if (n > 256) {
    memory.copy(dst, src, n);
    return;
  }
  for (; n >= 16; n -= 16, src += 16, dst += 16) v128.store(dst, v128.load(src));
  for (; n >= 4; n -= 4, src += 4, dst += 4) store<u32>(dst, load<u32>(src));
  for (; n > 0; n--, src++, dst++) store<u8>(dst, load<u8>(src));
}

/** Every byte `times` times. */
function repeat8(src: usize, dst: usize, n: i32, times: i32): void {
  if (times == 2) {
    for (; n >= 16; n -= 16, src += 16, dst += 32) {
      const v = v128.load(src);
      v128.store(dst, v128.shuffle<i8>(v, v, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7));
      v128.store(dst, v128.shuffle<i8>(v, v, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15), 16);
    }
  }
  for (; n > 0; n--, src++) {
    const byte = load<u8>(src);
    for (let i = times; i > 0; i--, dst++) store<u8>(dst, byte);
  }
}

/** dst[i*dRow + j] = src[i + j*sCol], in 8x8 blocks. */
function transpose8(src: usize, dst: usize, rows: i32, cols: i32, sCol: isize, dRow: isize): void {
  for (; rows >= 8; rows -= 8, src += 8, dst += dRow << 3) {
    let p = src;
    let q = dst;
    let left = cols;
    for (; left >= 8; left -= 8, q += 8) {
      // Pairs, then fours, then eights of what lies in one row of dst.
      const ab = pairs8(p, sCol), cd = pairs8(p + 2 * sCol, sCol);
      const ef = pairs8(p + 4 * sCol, sCol), gh = pairs8(p + 6 * sCol, sCol);
      p += sCol << 3;
      const a = v128.shuffle<i16>(ab, cd, 0, 8, 1, 9, 2, 10, 3, 11), b = v128.shuffle<i16>(ab, cd, 4, 12, 5, 13, 6, 14, 7, 15);
      const e = v128.shuffle<i16>(ef, gh, 0, 8, 1, 9, 2, 10, 3, 11), f = v128.shuffle<i16>(ef, gh, 4, 12, 5, 13, 6, 14, 7, 15);
      storeHalves(q, dRow, v128.shuffle<i32>(a, e, 0, 4, 1, 5));
      storeHalves(q + 2 * dRow, dRow, v128.shuffle<i32>(a, e, 2, 6, 3, 7));
      storeHalves(q + 4 * dRow, dRow, v128.shuffle<i32>(b, f, 0, 4, 1, 5));
      storeHalves(q + 6 * dRow, dRow, v128.shuffle<i32>(b, f, 2, 6, 3, 7));
    }
    for (; left > 0; left--, p += sCol, q++) row8(p, q, 8, 1, dRow);
  }
  for (; rows > 0; rows--, src++, dst += dRow) row8(src, dst, cols, sCol, 1);
}

/** Eight bytes of two columns, taking turns. */
@inline
function pairs8(p: usize, sCol: isize): v128 {
  const a = v128.load64_zero(p), b = v128.load64_zero(p + sCol);
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

@inline
function storeHalves(q: usize, dRow: isize, rows: v128): void {
  v128.store64_lane(q, rows, 0);
  v128.store64_lane(q + dRow, rows, 1);
}

export function fill_f32(dst: usize, value: f32, n: i32): void {
  fill_x32(dst, reinterpret<i32>(value), n);
}

export function fill_x32(dst: usize, bits: i32, n: i32): void {
  const v = i32x4.splat(bits);
  const end = dst + (<usize>(n & ~3) << 2);
  for (; dst < end; dst += 16) v128.store(dst, v);
  for (let i = n & 3; i > 0; i--, dst += 4) store<i32>(dst, bits);
}

export function fill_x8(dst: usize, value: i32, n: i32): void {
  memory.fill(dst, <u8>value, n);
}

export function gather_rows(src: usize, indices: usize, dst: usize, count: i32, rows: i32, rowBytes: i32): i32 {
  for (let i = 0; i < count; i++) {
    let at = load<i32>(indices + (<usize>i << 2));
    if (at < 0) at += rows;
    if (<u32>at >= <u32>rows) return i;
    const from = src + <usize>at * <usize>rowBytes;
    if (rowBytes == 4) store<u32>(dst, load<u32>(from));
    else memory.copy(dst, from, rowBytes);
    dst += rowBytes;
  }
  return -1;
}
