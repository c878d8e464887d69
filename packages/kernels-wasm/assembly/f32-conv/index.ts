// Convolution in NCHW: depthwise has its own kernel, everything else is weights[oc, K] * panels[K, pixels].
import { dwconvPlane, dwconvScratchBytes } from '../f32-dwconv/index';
import { depthAt, packA } from '../f32-gemm/pack';
import { blockColumns, EDGE_BYTES, f32_gemm_tile, KC, MR, NR, NR_BYTES, Start, ZEROS } from '../f32-gemm/tile';
import { fillPanels, setGeometry } from './im2col';

/** With fewer output channels than this a 1x1 convolution reads its input in place: packing would not pay. */
const DIRECT_OC: i32 = 32;

@inline
function outSize(size: i32, before: i32, after: i32, k: i32, stride: i32, dilation: i32): i32 {
  return (size + before + after - dilation * (k - 1) - 1) / stride + 1;
}

/** Bytes of one group's packed weights: per k block, tiles of four output channels [k][4]. */
@inline
function groupBytes(icg: i32, ocg: i32, taps: i32): usize {
  return <usize>((ocg + MR - 1) / MR * MR) * <usize>(icg * taps) * 4;
}

export function f32_conv2d_packed_bytes(ic: i32, oc: i32, kh: i32, kw: i32, groups: i32): usize {
  if (groups == ic) return <usize>(oc * kh * kw) << 2;
  return <usize>groups * groupBytes(ic / groups, oc / groups, kh * kw);
}

export function f32_conv2d_pack(w: usize, packed: usize, ic: i32, oc: i32, kh: i32, kw: i32, groups: i32): void {
  if (groups == ic) {
    memory.copy(packed, w, <usize>(oc * kh * kw) << 2);
    return;
  }
  const ocg = oc / groups;
  const k = ic / groups * kh * kw;
  const rows = (ocg + MR - 1) / MR * MR;
  for (let g = 0; g < groups; g++) {
    const from = w + (<usize>(g * ocg) * <usize>k << 2);
    for (let k0 = 0; k0 < k; k0 += KC) {
      const kc = depthAt(k, k0);
      packA(from + (<usize>k0 << 2), packed, ocg, kc, k, 1);
      packed += <usize>rows * <usize>kc << 2;
    }
  }
}

export function f32_conv2d_scratch_bytes(
  ic: i32, ih: i32, iw: i32, oc: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32,
  pt: i32, pl: i32, pb: i32, pr: i32, groups: i32,
): usize {
  const oh = outSize(ih, pt, pb, kh, sh, dh);
  const ow = outSize(iw, pl, pr, kw, sw, dw);
  if (groups == ic) return dwconvScratchBytes(oh, ow, kh, kw, sh, sw, dh, dw);
  const k = ic / groups * kh * kw;
  const panels = (min(blockColumns(min(KC, k)), oh * ow) + NR - 1) / NR;
  return EDGE_BYTES + <usize>panels * <usize>min(KC, k) * NR_BYTES;
}

export function f32_conv2d(
  x: usize, packed: usize, bias: usize, y: usize, scratch: usize, n: i32, ic: i32, ih: i32, iw: i32, oc: i32,
  kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32, pb: i32, pr: i32, groups: i32,
  lo: f32, hi: f32,
): void {
  const oh = outSize(ih, pt, pb, kh, sh, dh);
  const ow = outSize(iw, pl, pr, kw, sw, dw);
  const inPlane = <usize>(ih * iw) << 2;
  const outPlane = <usize>(oh * ow) << 2;
  const icg = ic / groups;
  const ocg = oc / groups;
  if (groups == ic) {
    for (let b = 0; b < n; b++) {
      dwconvPlane(x, packed, bias, y, scratch, ic, ih, iw, ocg, oh, ow, kh, kw, sh, sw, dh, dw, pt, pl, lo, hi);
      x += <usize>ic * inPlane;
      y += <usize>oc * outPlane;
    }
    return;
  }
  setGeometry(ih, iw, ow, kh, kw, sh, sw, dh, dw, pt, pl);
  const pointwise = kh == 1 && kw == 1 && sh == 1 && sw == 1 && pt == 0 && pl == 0 && pb == 0 && pr == 0;
  const direct = pointwise && ocg < DIRECT_OC;
  const bytes = groupBytes(icg, ocg, kh * kw);
  for (let b = 0; b < n; b++) {
    for (let g = 0; g < groups; g++) {
      const weights = packed + <usize>g * bytes;
      const groupBias = bias ? bias + (<usize>(g * ocg) << 2) : 0;
      convGroup(x, weights, groupBias, y, scratch, icg * kh * kw, oh * ow, ocg, direct, lo, hi);
      x += <usize>icg * inPlane;
      y += <usize>ocg * outPlane;
    }
  }
}

/** y[oc, pixels] of one group: pixel blocks outside, then k blocks, then output channels over the cached panels. */
function convGroup(
  x: usize, weights: usize, bias: usize, y: usize, scratch: usize, k: i32, pixels: i32, oc: i32, direct: bool,
  lo: f32, hi: f32,
): void {
  const edge = scratch;
  const panels = scratch + EDGE_BYTES;
  const cStride = <usize>pixels << 2;
  const rows = (oc + MR - 1) / MR * MR;
  const blockCols = blockColumns(min(KC, k));
  for (let p0 = 0; p0 < pixels; p0 += blockCols) {
    const count = min(blockCols, pixels - p0);
    for (let k0 = 0; k0 < k; k0 += KC) {
      const kc = depthAt(k, k0);
      const first = k0 == 0;
      const last = k0 + kc >= k;
      const blockLo = last ? lo : -Infinity;
      const blockHi = last ? hi : Infinity;
      const whole = direct ? count - count % NR : 0;
      const input = x + (<usize>k0 * <usize>pixels + <usize>p0 << 2);
      fillPanels(x, panels, p0 + whole, count - whole, k0, kc);
      const block = weights + (<usize>k0 * <usize>rows << 2);
      for (let r = 0; r < oc; r += MR) {
        const a = block + (<usize>r * <usize>kc << 2);
        const from = bias ? bias + (<usize>r << 2) : ZEROS;
        const start = first ? Start.perRow : Start.fromC;
        const valid = min(MR, oc - r);
        const to = y + <usize>r * cStride + (<usize>p0 << 2);
        for (let j = 0; j < whole; j += NR) {
          const at = <usize>j << 2;
          f32_gemm_tile(kc, a, input + at, cStride, to + at, cStride, start, from, valid, NR, blockLo, blockHi, edge);
        }
        for (let j = whole; j < count; j += NR) {
          const panel = panels + <usize>(j - whole) * <usize>kc * 4;
          const cols = min(NR, count - j);
          f32_gemm_tile(kc, a, panel, NR_BYTES, to + (<usize>j << 2), cStride, start, from, valid, cols, blockLo, blockHi, edge);
        }
      }
    }
  }
}
