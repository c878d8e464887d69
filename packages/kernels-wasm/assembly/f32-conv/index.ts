// Convolution in NCHW: depthwise has its own kernel, everything else is weights[oc, K] * panels[K, pixels]. A block of k is a
// whole number of channels, so that a pixel's column of B is the same few taps of each.
import { dwconvPlane, dwconvScratchBytes } from '../f32-dwconv/index';
import { applyEpilogue, setEpilogue, setNoEpilogue } from '../f32-unary/epilogue';
import { packA, packB } from '../f32-gemm/pack';
import {
  blockColumns, EDGE_BYTES, f32_gemm_1column, f32_gemm_1row, f32_gemm_4rows, f32_gemm_tail, KC, MR, NR, NR_BYTES, Start, ZEROS,
} from '../f32-gemm/tile';
import { isPointwise } from '../window';
import { clearFloats, fillPlane } from './padded-plane';
import { fillPanels, setPlanes, SLACK } from './panels';
import { isWorthSkipping, zeroSkippingPointwise, zeroSkippingScratchBytes } from './zero-skipping';

/** With fewer output channels than this a 1x1 convolution reads its input in place: packing would not pay. */
const DIRECT_OC: i32 = 8;

@inline
function outSize(size: i32, before: i32, after: i32, k: i32, stride: i32, dilation: i32): i32 {
  return (size + before + after - dilation * (k - 1) - 1) / stride + 1;
}

/** Channels of a k block. */
@inline
function channelBlock(icg: i32, taps: i32): i32 {
  return min(icg, max(1, KC / taps));
}

/** Behind the packed weights: 1 where all of them are finite, so that zeros may be left out. */
const FLAG_BYTES: usize = 16;

/** Bytes of one group's packed weights: per k block, tiles of four output channels [k][4]. */
@inline
function groupBytes(icg: i32, ocg: i32, taps: i32): usize {
  return <usize>((ocg + MR - 1) / MR * MR) * <usize>(icg * taps) * 4;
}

export function f32_conv2d_packed_bytes(ic: i32, oc: i32, kh: i32, kw: i32, groups: i32): usize {
  if (groups == ic) return <usize>(oc * kh * kw) << 2;
  return <usize>groups * groupBytes(ic / groups, oc / groups, kh * kw) + FLAG_BYTES;
}

export function f32_conv2d_pack(w: usize, packed: usize, ic: i32, oc: i32, kh: i32, kw: i32, groups: i32): void {
  if (groups == ic) {
    memory.copy(packed, w, <usize>(oc * kh * kw) << 2);
    return;
  }
  const ocg = oc / groups;
  const icg = ic / groups;
  const taps = kh * kw;
  const k = icg * taps;
  const depth = channelBlock(icg, taps) * taps;
  const rows = (ocg + MR - 1) / MR * MR;
  for (let g = 0; g < groups; g++) {
    const from = w + (<usize>(g * ocg) * <usize>k << 2);
    for (let k0 = 0; k0 < k; k0 += depth) {
      const kc = min(depth, k - k0);
      packA(from + (<usize>k0 << 2), packed, ocg, kc, k, 1);
      packed += <usize>rows * <usize>kc << 2;
    }
  }
  store<i32>(packed, <i32>areFinite(w, oc * k));
}

function areFinite(w: usize, count: i32): bool {
  // Zero, or NaN where one of them is not finite.
  let sum: f32 = 0;
  for (; count > 0; count--, w += 4) sum += load<f32>(w) * 0;
  return sum == 0;
}

@inline
function phasesOf(kw: i32, sw: i32, dw: i32): i32 {
  return min(sw, (kw - 1) * dw + 1);
}

@inline
function phaseWidth(ow: i32, kw: i32, sw: i32, dw: i32): i32 {
  return ow + ((kw - 1) * dw + sw - 1) / sw;
}

@inline
function planeHeight(oh: i32, kh: i32, sh: i32, dh: i32): i32 {
  return kh == 1 ? oh : (oh - 1) * sh + (kh - 1) * dh + 1;
}

/** Bytes of padded planes that are held at a time: with the panels they stay in the second-level cache, and scratch stays small. */
const PLANES_BYTES: i32 = 1 << 19;

/** Output rows whose input rows are held as padded planes at a time: all, or bands of equal height that end on whole panels. */
function bandRows(channels: i32, rowFloats: i32, oh: i32, ow: i32, kh: i32, sh: i32, dh: i32): i32 {
  const fits = PLANES_BYTES / max(1, channels * rowFloats * 4);
  if (planeHeight(oh, kh, sh, dh) <= fits) return oh;
  // ow * rows is a multiple of eight when rows is one of 8 / gcd(ow, 8).
  const whole = NR / min(NR, ow & -ow);
  const most = max(whole, (kh == 1 ? fits : (fits - (kh - 1) * dh - 1) / sh + 1) / whole * whole);
  const bands = (oh + most - 1) / most;
  return min(oh, ((oh + bands - 1) / bands + whole - 1) / whole * whole);
}

export function f32_conv2d_scratch_bytes(
  ic: i32, ih: i32, iw: i32, oc: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32,
  pt: i32, pl: i32, pb: i32, pr: i32, groups: i32,
): usize {
  const oh = outSize(ih, pt, pb, kh, sh, dh);
  const ow = outSize(iw, pl, pr, kw, sw, dw);
  if (groups == ic) return dwconvScratchBytes(oh, ow, kh, kw, sh, sw, dh, dw);
  const taps = kh * kw;
  const channels = channelBlock(ic / groups, taps);
  const depth = channels * taps;
  const panels = (min(blockColumns(depth), oh * ow) + NR - 1) / NR;
  const bytes = EDGE_BYTES + <usize>panels * <usize>depth * NR_BYTES + SLACK;
  if (isPointwise(kh, kw, sh, sw, pt, pl, pb, pr)) return max(bytes, zeroSkippingScratchBytes(ic / groups, oh * ow, oc / groups));
  const row = phaseWidth(ow, kw, sw, dw) * phasesOf(kw, sw, dw);
  const plane = row * planeHeight(bandRows(channels, row, oh, ow, kh, sh, dh), kh, sh, dh);
  return bytes + (<usize>((taps + 3) & ~3) + <usize>channels * <usize>plane << 2) + SLACK;
}

export function f32_conv2d(
  x: usize, packed: usize, bias: usize, y: usize, scratch: usize, n: i32, ic: i32, ih: i32, iw: i32, oc: i32,
  kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32, pb: i32, pr: i32, groups: i32,
  lo: f32, hi: f32,
): void {
  setNoEpilogue();
  convolve(x, packed, bias, y, scratch, n, ic, ih, iw, oc, kh, kw, sh, sw, dh, dw, pt, pl, pb, pr, groups, lo, hi);
}

export function f32_conv2d_unary(
  x: usize, packed: usize, bias: usize, y: usize, scratch: usize, n: i32, ic: i32, ih: i32, iw: i32, oc: i32,
  kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32, pb: i32, pr: i32, groups: i32,
  lo: f32, hi: f32, op: i32, p: f32, q: f32,
): void {
  setEpilogue(op, p, q);
  convolve(x, packed, bias, y, scratch, n, ic, ih, iw, oc, kh, kw, sh, sw, dh, dw, pt, pl, pb, pr, groups, lo, hi);
}

function convolve(
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
  const taps = kh * kw;
  const pixels = oh * ow;
  const channels = channelBlock(icg, taps);
  const pointwise = isPointwise(kh, kw, sh, sw, pt, pl, pb, pr);
  const block = min(blockColumns(channels * taps), (pixels + NR - 1) / NR * NR);
  const panels = scratch + EDGE_BYTES;
  const tapTable = panels + <usize>(block * channels * taps) * 4 + SLACK;
  const planes = tapTable + (<usize>((taps + 3) & ~3) << 2);
  const phase = phaseWidth(ow, kw, sw, dw);
  const phases = phasesOf(kw, sw, dw);
  const row = phase * phases;
  const band = bandRows(channels, row, oh, ow, kh, sh, dh);
  const stepH = kh == 1 ? sh : 1;
  const planeFloats = row * planeHeight(band, kh, sh, dh);
  if (!pointwise) {
    for (let r = 0; r < kh; r++) {
      for (let s = 0; s < kw; s++) {
        const q = s * dw;
        store<i32>(tapTable + (<usize>(r * kw + s) << 2), (r * dh * row + (q % sw) * phase + q / sw) << 2);
      }
    }
    clearFloats(planes, channels * planeFloats);
    setPlanes(ow, kh == 1 ? row : sh * row, <usize>planeFloats << 2, tapTable, taps);
  }
  const bytes = groupBytes(icg, ocg, taps);
  const rows = (ocg + MR - 1) / MR * MR;
  const mayLeaveOut = pointwise && load<i32>(packed + <usize>groups * bytes) == 1;
  for (let b = 0; b < n; b++) {
    for (let g = 0; g < groups; g++) {
      const weights = packed + <usize>g * bytes;
      const sums = bias ? bias + (<usize>(g * ocg) << 2) : 0;
      if (pointwise) {
        if (mayLeaveOut && isWorthSkipping(x, sums, icg, pixels, ocg)) {
          zeroSkippingPointwise(x, weights, sums, y, scratch, icg, pixels, ocg, lo, hi);
          applyEpilogue(y, ocg, pixels, outPlane);
        } else pointwiseGroup(x, weights, sums, y, scratch, icg, pixels, ocg, block, lo, hi);
        x += <usize>icg * inPlane;
      } else {
        for (let r0 = 0; r0 < oh; r0 += band) {
          const outRows = min(band, oh - r0);
          const height = planeHeight(outRows, kh, sh, dh);
          const bandPixels = outRows * ow;
          let tiles = weights;
          let from = x;
          for (let c0 = 0; c0 < icg; c0 += channels) {
            const count = min(channels, icg - c0);
            const last = c0 + channels >= icg;
            const start = c0 == 0 ? Start.perRow : Start.fromC;
            for (let c = 0; c < count; c++, from += inPlane) {
              fillPlane(from, planes + (<usize>(c * planeFloats) << 2), ih, iw, height, phase, phases, sw, stepH, pt - r0 * sh, pl);
            }
            for (let p0 = 0; p0 < bandPixels; p0 += block) {
              const cols = min(block, bandPixels - p0);
              fillPanels(planes, panels, p0, cols, count);
              const to = y + (<usize>(r0 * ow + p0) << 2);
              multiply(count * taps, tiles, panels, NR_BYTES, panels, cols, to, outPlane, ocg, start, sums, last, lo, hi, scratch);
            }
            tiles += <usize>(rows * count * taps) << 2;
          }
        }
        x += <usize>icg * inPlane;
      }
      y += <usize>ocg * outPlane;
    }
  }
}

/** Pixel blocks outside, then k blocks: the input is a matrix already. */
function pointwiseGroup(
  x: usize, weights: usize, bias: usize, y: usize, scratch: usize, k: i32, pixels: i32, oc: i32, block: i32, lo: f32, hi: f32,
): void {
  const stride = <usize>pixels << 2;
  const rows = (oc + MR - 1) / MR * MR;
  const panels = scratch + EDGE_BYTES;
  for (let p0 = 0; p0 < pixels; p0 += block) {
    const cols = min(block, pixels - p0);
    const whole = oc < DIRECT_OC ? cols - cols % NR : 0;
    for (let k0 = 0; k0 < k; k0 += KC) {
      const kc = min(KC, k - k0);
      const last = k0 + kc >= k;
      const input = x + (<usize>k0 * stride) + (<usize>p0 << 2);
      packB(input + (<usize>whole << 2), panels, cols - whole, kc, pixels, 1);
      const a = weights + (<usize>k0 * <usize>rows << 2);
      const tail = panels + <usize>((cols - whole) / NR) * <usize>kc * NR_BYTES;
      const start = k0 == 0 ? Start.perRow : Start.fromC;
      const to = y + (<usize>p0 << 2);
      if (whole) multiply(kc, a, input, stride, tail, cols, to, stride, oc, start, bias, last, lo, hi, scratch);
      else multiply(kc, a, panels, NR_BYTES, tail, cols, to, stride, oc, start, bias, last, lo, hi, scratch);
    }
  }
}

/**
 * y[oc, cols] of one k block: bands of four output channels over all panels, then the ragged columns. Rows of `b` are `bStride`
 * bytes apart: NR_BYTES in panels, more where the input is read in place. After the last k block results are clamped and passed on.
 */
function multiply(
  kc: i32, a: usize, b: usize, bStride: usize, ragged: usize, cols: i32, y: usize, yStride: usize, oc: i32, start: i32,
  bias: usize, last: bool, lo: f32, hi: f32, edge: usize,
): void {
  if (!last) {
    lo = -Infinity;
    hi = Infinity;
  }
  const whole = cols / NR;
  const rest = cols - whole * NR;
  const panelBytes = bStride == NR_BYTES ? <usize>kc * NR_BYTES : NR_BYTES;
  const tile = <usize>kc << 4;
  const at = y + <usize>whole * NR_BYTES;
  const full = oc / MR;
  const tailPanel = bStride == NR_BYTES ? b + <usize>whole * panelBytes : ragged;
  const biasStep: usize = bias ? 16 : 0;
  let from = bias ? bias : ZEROS;
  const column = rest == 1 ? full : 0;
  if (column) f32_gemm_1column(kc, a, full, tailPanel, at, yStride, start, from, biasStep, lo, hi);
  for (let r = 0; r < full; r++) {
    const to = <usize>(r * MR) * yStride;
    f32_gemm_4rows(kc, a, b, bStride, whole, panelBytes, y + to, yStride, start, from, lo, hi);
    if (rest > 1) f32_gemm_tail(kc, a, MR, 4, 16, tailPanel, rest, at + to, yStride, start, from, lo, hi, edge);
    if (last) applyEpilogue(y + to, MR, cols, yStride);
    a += tile;
    from += biasStep;
  }
  const left = oc - full * MR;
  if (left == 0) return;
  const to = <usize>(full * MR) * yStride;
  for (let r = 0; r < left; r++) {
    const own = bias ? from + (<usize>r << 2) : ZEROS;
    f32_gemm_1row(kc, a + (<usize>r << 2), 16, b, bStride, whole, panelBytes, y + to + <usize>r * yStride, start, own, lo, hi);
  }
  if (rest) f32_gemm_tail(kc, a, left, 4, 16, tailPanel, rest, at + to, yStride, start, from, lo, hi, edge);
  if (last) applyEpilogue(y + to, left, cols, yStride);
}
