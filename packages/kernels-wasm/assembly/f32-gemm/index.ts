// C = A*B: for k blocks, for blocks of 64 rows, for blocks of columns. Every accumulator starts from its bias and
// takes k in ascending order, so blocking never changes a bit.
import { applyEpilogue, setEpilogue, setNoEpilogue } from '../f32-unary/epilogue';
import { madd } from '../lanes';
import { depthAt, f32_gemm_packed_bytes, packA, packB } from './pack';
import { blockColumns, EDGE_BYTES, f32_gemm_1row, f32_gemm_4rows, f32_gemm_tail, KC, MR, NR, NR_BYTES, Start, ZEROS } from './tile';

export { f32_gemm_pack, f32_gemm_packed_bytes } from './pack';

const MC: i32 = 64;
/** Below this many rows packing B costs more than it saves: stream its rows instead. */
const STREAM_ROWS: i32 = 4;

const A_BYTES: usize = 64 * 384 * 4;

export function f32_gemm_scratch_bytes(m: i32, n: i32, k: i32): usize {
  const cols = min(blockColumns(min(KC, k)), n);
  return EDGE_BYTES + A_BYTES + f32_gemm_packed_bytes(cols, min(KC, k));
}

export function f32_gemm(
  a: usize, b: usize, bias: usize, c: usize, scratch: usize, m: i32, n: i32, k: i32,
  aRowStride: isize, aColStride: isize, bRowStride: isize, bColStride: isize, cRowStride: isize,
  biasMode: i32, lo: f32, hi: f32,
): void {
  if (m < STREAM_ROWS && bColStride == 1) {
    for (let i = 0; i < m; i++) {
      const row = c + ((<isize>i * cRowStride) << 2);
      startRow(row, n, bias, biasMode, i);
      streamRow(a + ((<isize>i * aRowStride) << 2), b, row, n, k, aColStride, bRowStride);
      clampRow(row, n, lo, hi);
    }
    return;
  }
  setNoEpilogue();
  run(a, b, 0, bias, c, scratch, m, n, k, aRowStride, aColStride, bRowStride, bColStride, cRowStride, biasMode, lo, hi);
}

export function f32_gemm_packed(
  a: usize, packed: usize, bias: usize, c: usize, scratch: usize, m: i32, n: i32, k: i32,
  aRowStride: isize, aColStride: isize, cRowStride: isize, biasMode: i32, lo: f32, hi: f32,
): void {
  setNoEpilogue();
  run(a, 0, packed, bias, c, scratch, m, n, k, aRowStride, aColStride, 0, 0, cRowStride, biasMode, lo, hi);
}

export function f32_gemm_packed_unary(
  a: usize, packed: usize, bias: usize, c: usize, scratch: usize, m: i32, n: i32, k: i32,
  aRowStride: isize, aColStride: isize, cRowStride: isize, biasMode: i32, lo: f32, hi: f32, op: i32, p: f32, q: f32,
): void {
  setEpilogue(op, p, q);
  run(a, 0, packed, bias, c, scratch, m, n, k, aRowStride, aColStride, 0, 0, cRowStride, biasMode, lo, hi);
}

function run(
  a: usize, b: usize, packed: usize, bias: usize, c: usize, scratch: usize, m: i32, n: i32, k: i32,
  aRowStride: isize, aColStride: isize, bRowStride: isize, bColStride: isize, cRowStride: isize,
  biasMode: i32, lo: f32, hi: f32,
): void {
  const edge = scratch;
  const aPack = scratch + EDGE_BYTES;
  const bPack = aPack + A_BYTES;
  const cStride = cRowStride << 2;
  const blockCols = blockColumns(min(KC, k));
  let k0 = 0;
  do {
    const kc = depthAt(k, k0);
    const last = k0 + kc >= k;
    const blockLo = last ? lo : -Infinity;
    const blockHi = last ? hi : Infinity;
    for (let m0 = 0; m0 < m; m0 += MC) {
      const mc = min(MC, m - m0);
      const aBlock = a + ((<isize>m0 * aRowStride + <isize>k0 * aColStride) << 2);
      const whole = mc - mc % MR;
      packA(aBlock, aPack, whole, kc, aRowStride, aColStride);
      const tail = aPack + (<usize>whole * <usize>kc << 2);
      for (let r = whole; r < mc; r++) {
        const src = aBlock + ((<isize>r * aRowStride) << 2);
        const to = tail + (<usize>(r - whole) * <usize>kc << 2);
        for (let i = 0; i < kc; i++) store<f32>(to + (<usize>i << 2), load<f32>(src + ((<isize>i * aColStride) << 2)));
      }
      for (let n0 = 0; n0 < n; n0 += blockCols) {
        const nc = min(blockCols, n - n0);
        if (packed == 0) packB(b + ((<isize>k0 * bRowStride + <isize>n0 * bColStride) << 2), bPack, nc, kc, bRowStride, bColStride);
        const panels = nc / NR;
        const rest = nc - panels * NR;
        const panelBytes = <usize>(packed == 0 ? kc : k) * NR_BYTES;
        const first = packed == 0 ? bPack : packed + (<usize>n0 * <usize>k << 2) + <usize>k0 * NR_BYTES;
        const ragged = first + <usize>panels * panelBytes;
        const perColumn = biasMode == Start.perColumn;
        const start = k0 > 0 ? Start.fromC : perColumn ? Start.perColumn : Start.perRow;
        for (let r = 0; r < mc; ) {
          const isTile = r < whole;
          const tile = isTile ? aPack + (<usize>r * <usize>kc << 2) : tail + (<usize>(r - whole) * <usize>kc << 2);
          const to = c + <usize>(m0 + r) * cStride + (<usize>n0 << 2);
          const from = biasMode == 0 ? ZEROS : bias + (<usize>(perColumn ? n0 : m0 + r) << 2);
          if (isTile) f32_gemm_4rows(kc, tile, first, NR_BYTES, panels, panelBytes, to, cStride, start, from, blockLo, blockHi);
          else f32_gemm_1row(kc, tile, 4, first, NR_BYTES, panels, panelBytes, to, start, from, blockLo, blockHi);
          if (rest) {
            const end = perColumn ? from + <usize>panels * NR_BYTES : from;
            f32_gemm_tail(kc, tile, isTile ? MR : 1, 0, 4, ragged, rest, to + <usize>panels * NR_BYTES, cStride, start, end, blockLo, blockHi, edge);
          }
          if (last) applyEpilogue(to, isTile ? MR : 1, nc, cStride);
          r += isTile ? MR : 1;
        }
      }
    }
    k0 += KC;
  } while (k0 < k);
}

function startRow(row: usize, n: i32, bias: usize, biasMode: i32, m: i32): void {
  if (biasMode == Start.perColumn) {
    memory.copy(row, bias, <usize>n << 2);
    return;
  }
  const value: f32 = biasMode == Start.perRow ? load<f32>(bias + (<usize>m << 2)) : 0;
  for (let j = 0; j < n; j++) store<f32>(row + (<usize>j << 2), value);
}

/** c += a[k] * B[k] for k ascending: B is read once, in order. Four rows of B share one pass over c. */
function streamRow(a: usize, b: usize, c: usize, n: i32, k: i32, aStep: isize, bRowStride: isize): void {
  const aBytes = aStep << 2;
  const bBytes = bRowStride << 2;
  let i = 0;
  for (; i + 4 <= k; i += 4) {
    const s0 = load<f32>(a), s1 = load<f32>(a + aBytes), s2 = load<f32>(a + 2 * aBytes), s3 = load<f32>(a + 3 * aBytes);
    const a0 = f32x4.splat(s0), a1 = f32x4.splat(s1), a2 = f32x4.splat(s2), a3 = f32x4.splat(s3);
    const b1 = b + bBytes;
    const b2 = b1 + bBytes;
    const b3 = b2 + bBytes;
    let j: i32 = 0;
    for (; j + 4 <= n; j += 4) {
      const at = <usize>j << 2;
      let v = madd(v128.load(c + at), a0, v128.load(b + at));
      v = madd(v, a1, v128.load(b1 + at));
      v = madd(v, a2, v128.load(b2 + at));
      v128.store(c + at, madd(v, a3, v128.load(b3 + at)));
    }
    for (; j < n; j++) {
      const at = <usize>j << 2;
      let v = load<f32>(c + at) + s0 * load<f32>(b + at);
      v = v + s1 * load<f32>(b1 + at);
      v = v + s2 * load<f32>(b2 + at);
      store<f32>(c + at, v + s3 * load<f32>(b3 + at));
    }
    a += 4 * aBytes;
    b = b3 + bBytes;
  }
  for (; i < k; i++) {
    const s0 = load<f32>(a);
    for (let j = 0; j < n; j++) {
      const at = <usize>j << 2;
      store<f32>(c + at, load<f32>(c + at) + s0 * load<f32>(b + at));
    }
    a += aBytes;
    b += bBytes;
  }
}

function clampRow(row: usize, n: i32, lo: f32, hi: f32): void {
  if (lo == -Infinity && hi == Infinity) return;
  for (let j = 0; j < n; j++) {
    const at = row + (<usize>j << 2);
    let v = load<f32>(at);
    v = v < lo ? lo : v;
    store<f32>(at, hi < v ? hi : v);
  }
}
