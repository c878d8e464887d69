import { KC, MR, NR, NR_BYTES } from './tile';

/** Packs rows [m0, m0+rows) of A, columns [k0, k0+kc), as tiles [kc][4]; missing rows of the last tile are zeros. */
export function packA(
  a: usize, dst: usize, rows: i32, k: i32, rowStride: isize, colStride: isize,
): void {
  for (let m = 0; m < rows; m += MR) {
    const valid = min(MR, rows - m);
    let src = a + ((<isize>m * rowStride) << 2);
    for (let i = 0; i < k; i++) {
      for (let r = 0; r < MR; r++) {
        store<f32>(dst + (<usize>r << 2), r < valid ? load<f32>(src + ((<isize>r * rowStride) << 2)) : 0);
      }
      dst += 16;
      src += colStride << 2;
    }
  }
}

/** Packs `cols` columns of B (k rows) as panels [k][12]; missing columns of the last panel are zeros. */
export function packB(b: usize, dst: usize, cols: i32, k: i32, rowStride: isize, colStride: isize): void {
  for (let n = 0; n < cols; n += NR) {
    const valid = min(NR, cols - n);
    const panel = b + ((<isize>n * colStride) << 2);
    if (valid == NR && colStride == 1) {
      let src = panel;
      let to = dst;
      for (let i = 0; i < k; i++) {
        v128.store(to, v128.load(src));
        v128.store(to, v128.load(src, 16), 16);
        v128.store(to, v128.load(src, 32), 32);
        to += NR_BYTES;
        src += rowStride << 2;
      }
    } else {
      // Column by column: with a transposed B each column is contiguous.
      for (let j = 0; j < NR; j++) {
        let to = dst + (<usize>j << 2);
        if (j >= valid) {
          for (let i = 0; i < k; i++, to += NR_BYTES) store<f32>(to, 0);
          continue;
        }
        let src = panel + ((<isize>j * colStride) << 2);
        for (let i = 0; i < k; i++) {
          store<f32>(to, load<f32>(src));
          to += NR_BYTES;
          src += rowStride << 2;
        }
      }
    }
    dst += <usize>k * NR_BYTES;
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
