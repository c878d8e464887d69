import { KC, MR, NR, NR_BYTES } from './tile';

/** Four rows of four floats, `stride` bytes apart, as columns: stored `to` bytes apart. */
@inline
function transpose4(src: usize, stride: usize, dst: usize, to: usize): void {
  const a = v128.load(src), b = v128.load(src + stride), c = v128.load(src + 2 * stride), d = v128.load(src + 3 * stride);
  const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(dst, v128.shuffle<i64>(ab0, cd0, 0, 2));
  v128.store(dst + to, v128.shuffle<i64>(ab0, cd0, 1, 3));
  v128.store(dst + 2 * to, v128.shuffle<i64>(ab1, cd1, 0, 2));
  v128.store(dst + 3 * to, v128.shuffle<i64>(ab1, cd1, 1, 3));
}

/** Packs rows [m0, m0+rows) of A, columns [k0, k0+kc), as tiles [kc][4]; missing rows of the last tile are zeros. */
export function packA(
  a: usize, dst: usize, rows: i32, k: i32, rowStride: isize, colStride: isize,
): void {
  const rowBytes = <usize>(rowStride << 2);
  for (let m = 0; m < rows; m += MR) {
    const valid = min(MR, rows - m);
    let src = a + ((<isize>m * rowStride) << 2);
    let i = 0;
    if (valid == MR && colStride == 1) {
      for (; i + 4 <= k; i += 4, src += 16, dst += 64) transpose4(src, rowBytes, dst, 16);
    } else if (valid == MR && rowStride == 1) {
      for (; i < k; i++, src += colStride << 2, dst += 16) v128.store(dst, v128.load(src));
    }
    for (; i < k; i++) {
      for (let r = 0; r < MR; r++) {
        store<f32>(dst + (<usize>r << 2), r < valid ? load<f32>(src + (<usize>r * rowBytes)) : 0);
      }
      dst += 16;
      src += colStride << 2;
    }
  }
}

/** Packs `cols` columns of B (k rows) as panels [k][8]; missing columns of the last panel are zeros. */
export function packB(b: usize, dst: usize, cols: i32, k: i32, rowStride: isize, colStride: isize): void {
  const panelBytes = <usize>k * NR_BYTES;
  const rowBytes = <usize>(rowStride << 2);
  let n = 0;
  if (colStride == 1) {
    n = cols / NR * NR;
    packRows(b, dst, n, k, rowBytes, panelBytes);
    b += <usize>n << 2;
    dst += <usize>(n / NR) * panelBytes;
  }
  for (; n < cols; n += NR) {
    const valid = min(NR, cols - n);
    let i = 0;
    if (rowStride == 1 && valid == NR) {
      // A transposed B: each column is contiguous.
      const step = <usize>(colStride << 2);
      for (; i + 4 <= k; i += 4) {
        const src = b + (<usize>i << 2), to = dst + <usize>i * NR_BYTES;
        transpose4(src, step, to, NR_BYTES);
        transpose4(src + 4 * step, step, to + 16, NR_BYTES);
      }
    }
    for (; i < k; i++) {
      const src = b + <usize>i * rowBytes, to = dst + <usize>i * NR_BYTES;
      for (let j = 0; j < NR; j++) {
        store<f32>(to + (<usize>j << 2), j < valid ? load<f32>(src + ((<isize>j * colStride) << 2)) : 0);
      }
    }
    b += <usize>((<isize>NR * colStride) << 2);
    dst += panelBytes;
  }
}

/** Whole panels of contiguous rows. Four rows at a time: long runs are read in order, whole cache lines are written. */
function packRows(b: usize, dst: usize, cols: i32, k: i32, rowBytes: usize, panelBytes: usize): void {
  const end = <usize>cols << 2;
  let i = 0;
  for (; i + 4 <= k; i += 4) {
    const b1 = b + rowBytes, b2 = b1 + rowBytes, b3 = b2 + rowBytes;
    let to = dst;
    for (let at: usize = 0; at < end; at += NR_BYTES, to += panelBytes) {
      v128.store(to, v128.load(b + at));
      v128.store(to, v128.load(b + at, 16), 16);
      v128.store(to, v128.load(b1 + at), 32);
      v128.store(to, v128.load(b1 + at, 16), 48);
      v128.store(to, v128.load(b2 + at), 64);
      v128.store(to, v128.load(b2 + at, 16), 80);
      v128.store(to, v128.load(b3 + at), 96);
      v128.store(to, v128.load(b3 + at, 16), 112);
    }
    b = b3 + rowBytes;
    dst += 4 * NR_BYTES;
  }
  for (; i < k; i++, b += rowBytes, dst += NR_BYTES) {
    let to = dst;
    for (let at: usize = 0; at < end; at += NR_BYTES, to += panelBytes) {
      v128.store(to, v128.load(b + at));
      v128.store(to, v128.load(b + at, 16), 16);
    }
  }
}

/** Bytes of B packed whole: panels over n, all of k deep. */
export function f32_gemm_packed_bytes(n: i32, k: i32): usize {
  return <usize>((n + NR - 1) / NR) * <usize>k * NR_BYTES;
}

export function f32_gemm_pack(b: usize, packed: usize, n: i32, k: i32, bRowStride: isize, bColStride: isize): void {
  packB(b, packed, n, k, bRowStride, bColStride);
}

/** Depth of the k block that starts at k0. */
@inline
export function depthAt(k: i32, k0: i32): i32 {
  return min(KC, k - k0);
}
