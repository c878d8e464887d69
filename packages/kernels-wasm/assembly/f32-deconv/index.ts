// Transposed convolution: taps[oc*kh*kw, pixels] = weights * input for a few output channels at a time, then each tap is
// added to the output where it lands.
import { depthAt } from '../f32-gemm/pack';
import { EDGE_BYTES, f32_gemm_1row, f32_gemm_4rows, f32_gemm_tail, KC, MR, NR, NR_BYTES, Start, ZEROS } from '../f32-gemm/tile';
import { applyEpilogue, setEpilogue, setNoEpilogue } from '../f32-unary/epilogue';

/** Output channels whose taps are held at once. Four make whole tiles whatever the window. */
const CHANNELS: i32 = 4;

@inline
function chunks(ocg: i32): i32 {
  return (ocg + CHANNELS - 1) / CHANNELS;
}

/** Per group and chunk of four output channels: tiles of four rows (oc, kh, kw), [ic/groups][4] each. */
export function f32_deconv2d_packed_bytes(ic: i32, oc: i32, kh: i32, kw: i32, groups: i32): usize {
  return <usize>groups * <usize>chunks(oc / groups) * <usize>(CHANNELS * kh * kw) * <usize>(ic / groups) * 4;
}

export function f32_deconv2d_pack(w: usize, packed: usize, ic: i32, oc: i32, kh: i32, kw: i32, groups: i32): void {
  const icg = ic / groups;
  const ocg = oc / groups;
  const taps = kh * kw;
  const rows = ocg * taps;
  for (let g = 0; g < groups; g++) {
    const from = w + (<usize>(g * icg) * <usize>rows << 2);
    for (let r0 = 0; r0 < chunks(ocg) * CHANNELS * taps; r0 += MR) {
      for (let c = 0; c < icg; c++, packed += 16) {
        for (let r = 0; r < MR; r++) {
          const row = r0 + r;
          store<f32>(packed + (<usize>r << 2), row < rows ? load<f32>(from + (<usize>(c * rows + row) << 2)) : 0);
        }
      }
    }
  }
}

export function f32_deconv2d_scratch_bytes(ih: i32, iw: i32, oc: i32, kh: i32, kw: i32, groups: i32): usize {
  // The taps of one chunk, its input panel at the ragged end, and a partial tile.
  return EDGE_BYTES + <usize>(NR * KC) * 4 + <usize>(CHANNELS * kh * kw) * <usize>(ih * iw) * 4;
}

export function f32_deconv2d(
  x: usize, packed: usize, bias: usize, y: usize, scratch: usize, n: i32, ic: i32, ih: i32, iw: i32, oc: i32,
  kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32, pb: i32, pr: i32, oph: i32, opw: i32,
  groups: i32, lo: f32, hi: f32,
): void {
  setNoEpilogue();
  deconvolve(x, packed, bias, y, scratch, n, ic, ih, iw, oc, kh, kw, sh, sw, dh, dw, pt, pl, pb, pr, oph, opw, groups, lo, hi);
}

export function f32_deconv2d_unary(
  x: usize, packed: usize, bias: usize, y: usize, scratch: usize, n: i32, ic: i32, ih: i32, iw: i32, oc: i32,
  kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32, pb: i32, pr: i32, oph: i32, opw: i32,
  groups: i32, lo: f32, hi: f32, op: i32, p: f32, q: f32,
): void {
  setEpilogue(op, p, q);
  deconvolve(x, packed, bias, y, scratch, n, ic, ih, iw, oc, kh, kw, sh, sw, dh, dw, pt, pl, pb, pr, oph, opw, groups, lo, hi);
}

function deconvolve(
  x: usize, packed: usize, bias: usize, y: usize, scratch: usize, n: i32, ic: i32, ih: i32, iw: i32, oc: i32,
  kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32, pb: i32, pr: i32, oph: i32, opw: i32,
  groups: i32, lo: f32, hi: f32,
): void {
  const oh = (ih - 1) * sh - pt - pb + dh * (kh - 1) + oph + 1;
  const ow = (iw - 1) * sw - pl - pr + dw * (kw - 1) + opw + 1;
  const icg = ic / groups;
  const ocg = oc / groups;
  const taps = kh * kw;
  const pixels = ih * iw;
  const plane = oh * ow;
  const cols = scratch + EDGE_BYTES + <usize>(NR * KC) * 4;
  const chunkBytes = <usize>(CHANNELS * taps) * <usize>icg * 4;
  for (let b = 0; b < n; b++) {
    let weights = packed;
    for (let g = 0; g < groups; g++) {
      for (let o = 0; o < ocg; o += CHANNELS) {
        const channels = min(CHANNELS, ocg - o);
        multiply(x, weights, cols, scratch, channels * taps, pixels, icg);
        for (let j = 0; j < channels; j++) {
          const start: f32 = bias ? load<f32>(bias + (<usize>(g * ocg + o + j) << 2)) : 0;
          for (let i = 0; i < plane; i++) store<f32>(y + (<usize>i << 2), start);
          const from = cols + (<usize>(j * taps) * <usize>pixels << 2);
          scatter(from, y, ih, iw, oh, ow, kh, kw, sh, sw, dh, dw, pt, pl);
          clampPlane(y, plane, lo, hi);
          applyEpilogue(y, 1, plane, 0);
          y += <usize>plane << 2;
        }
        weights += chunkBytes;
      }
      x += <usize>icg * <usize>pixels * 4;
    }
  }
}

/** cols[rows, pixels] = weights * x; x is read in place except for its ragged last panel. */
function multiply(x: usize, weights: usize, cols: usize, edge: usize, rows: i32, pixels: i32, k: i32): void {
  const panel = edge + EDGE_BYTES;
  const stride = <usize>pixels << 2;
  const whole = pixels - pixels % NR;
  for (let k0 = 0; k0 < k; k0 += KC) {
    const kc = depthAt(k, k0);
    const start = k0 == 0 ? Start.perRow : Start.fromC;
    const input = x + <usize>k0 * stride;
    const rest = pixels - whole;
    for (let i = 0; i < kc; i++) {
      const from = input + <usize>i * stride + (<usize>whole << 2);
      const to = panel + <usize>i * NR_BYTES;
      for (let j = 0; j < NR; j++) store<f32>(to + (<usize>j << 2), j < rest ? load<f32>(from + (<usize>j << 2)) : 0);
    }
    for (let r = 0; r < rows; r += MR) {
      const a = weights + ((<usize>r * <usize>k + <usize>(k0 * MR)) << 2);
      const to = cols + <usize>r * stride;
      const valid = min(MR, rows - r);
      if (valid == MR) f32_gemm_4rows(kc, a, input, stride, whole / NR, NR_BYTES, to, stride, start, ZEROS, -Infinity, Infinity);
      else for (let i = 0; i < valid; i++) {
        f32_gemm_1row(kc, a + (<usize>i << 2), 16, input, stride, whole / NR, NR_BYTES, to + <usize>i * stride, start, ZEROS, -Infinity, Infinity);
      }
      if (rest) {
        f32_gemm_tail(kc, a, valid, 4, 16, panel, rest, to + (<usize>whole << 2), stride, start, ZEROS, -Infinity, Infinity, edge);
      }
    }
  }
}

/** y += every tap at the place where it lands; kh, kw ascending, so each output adds its taps in that order. */
function scatter(
  from: usize, y: usize, ih: i32, iw: i32, oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32,
  pt: i32, pl: i32,
): void {
  for (let r = 0; r < kh; r++) {
    for (let s = 0; s < kw; s++) {
      for (let iy = 0; iy < ih; iy++) {
        const oy = iy * sh - pt + r * dh;
        if (<u32>oy < <u32>oh) {
          const row = y + (<usize>(oy * ow) << 2);
          let ox = s * dw - pl;
          for (let ix = 0; ix < iw; ix++, ox += sw) {
            if (<u32>ox < <u32>ow) {
              const at = row + (<usize>ox << 2);
              store<f32>(at, load<f32>(at) + load<f32>(from + (<usize>ix << 2)));
            }
          }
        }
        from += <usize>iw << 2;
      }
    }
  }
}

function clampPlane(y: usize, n: i32, lo: f32, hi: f32): void {
  if (lo == -Infinity && hi == Infinity) return;
  for (let i = 0; i < n; i++, y += 4) {
    let v = load<f32>(y);
    v = v < lo ? lo : v;
    store<f32>(y, hi < v ? hi : v);
  }
}
