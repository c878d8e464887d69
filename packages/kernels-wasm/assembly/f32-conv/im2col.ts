// Fills B panels [k][12] for a block of output pixels straight from the NCHW input; k runs over (ic, kh, kw).
import { NR, NR_BYTES } from '../f32-gemm/tile';

/** What the filler needs of a convolution, held in static memory so that the hot calls stay short. */
export let iH: i32 = 0;
export let iW: i32 = 0;
export let oW: i32 = 0;
export let kH: i32 = 0;
export let kW: i32 = 0;
export let sH: i32 = 0;
export let sW: i32 = 0;
export let dH: i32 = 0;
export let dW: i32 = 0;
export let pT: i32 = 0;
export let pL: i32 = 0;

export function setGeometry(
  ih: i32, iw: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32,
): void {
  iH = ih; iW = iw; oW = ow; kH = kh; kW = kw; sH = sh; sW = sw; dH = dh; dW = dw; pT = pt; pL = pl;
}

/** Panels for pixels [p0, p0 + count), depth [k0, k0 + kc). Columns past `count` are zeros. */
export function fillPanels(x: usize, dst: usize, p0: i32, count: i32, k0: i32, kc: i32): void {
  for (let j = 0; j < count; j += NR) {
    fillPanel(x, dst, p0 + j, min(NR, count - j), k0, kc);
    dst += <usize>kc * NR_BYTES;
  }
}

function fillPanel(x: usize, dst: usize, p0: i32, valid: i32, k0: i32, kc: i32): void {
  const oy = p0 / oW;
  const ox = p0 - oy * oW;
  if (valid == NR && ox + NR <= oW && sW == 1) {
    const left = ox - pL;
    if (left >= 0 && left + NR - 1 + (kW - 1) * dW < iW) return fillInside(x, dst, oy * sH - pT, left, k0, kc);
  }
  if (valid < NR) for (let i = 0; i < kc; i++) clearRow(dst + <usize>i * NR_BYTES);
  // The panel's pixels lie on one or more output rows: one run of columns per row.
  let column = 0;
  let y = oy;
  let from = ox;
  while (column < valid) {
    const length = min(valid - column, oW - from);
    fillRun(x, dst + (<usize>column << 2), length, y * sH - pT, from * sW - pL, k0, kc);
    column += length;
    from = 0;
    y++;
  }
}

@inline
function clearRow(dst: usize): void {
  const zero = f32x4.splat(0);
  v128.store(dst, zero);
  v128.store(dst, zero, 16);
  v128.store(dst, zero, 32);
}

/** Twelve neighbouring pixels of one row, no column ever outside: three vector copies per k. */
function fillInside(x: usize, dst: usize, top: i32, left: i32, k0: i32, kc: i32): void {
  const taps = kH * kW;
  const planeBytes = <usize>(iH * iW) << 2;
  let c = k0 / taps;
  let r = (k0 - c * taps) / kW;
  let s = k0 - c * taps - r * kW;
  let plane = x + <usize>c * planeBytes;
  const end = dst + <usize>kc * NR_BYTES;
  while (dst < end) {
    const iy = top + r * dH;
    if (<u32>iy < <u32>iH) {
      const src = plane + (<usize>(iy * iW + left + s * dW) << 2);
      v128.store(dst, v128.load(src));
      v128.store(dst, v128.load(src, 16), 16);
      v128.store(dst, v128.load(src, 32), 32);
    } else {
      clearRow(dst);
    }
    dst += NR_BYTES;
    if (++s == kW) {
      s = 0;
      if (++r == kH) {
        r = 0;
        plane += planeBytes;
      }
    }
  }
}

/** A run of `length` pixels of one output row, any stride, columns checked. */
function fillRun(x: usize, dst: usize, length: i32, top: i32, left: i32, k0: i32, kc: i32): void {
  const taps = kH * kW;
  const planeBytes = <usize>(iH * iW) << 2;
  let c = k0 / taps;
  let r = (k0 - c * taps) / kW;
  let s = k0 - c * taps - r * kW;
  let plane = x + <usize>c * planeBytes;
  const reach = (length - 1) * sW;
  for (let i = 0; i < kc; i++) {
    const iy = top + r * dH;
    const ix = left + s * dW;
    if (<u32>iy >= <u32>iH) {
      for (let j = 0; j < length; j++) store<f32>(dst + (<usize>j << 2), 0);
    } else {
      const row = plane + (<usize>(iy * iW) << 2);
      if (ix >= 0 && ix + reach < iW) copyRun(row + (<usize>ix << 2), dst, length);
      else checkedRun(row, dst, length, ix);
    }
    dst += NR_BYTES;
    if (++s == kW) {
      s = 0;
      if (++r == kH) {
        r = 0;
        plane += planeBytes;
      }
    }
  }
}

@inline
function copyRun(src: usize, dst: usize, length: i32): void {
  let j = 0;
  if (sW == 1) {
    for (; j + 4 <= length; j += 4) v128.store(dst + (<usize>j << 2), v128.load(src + (<usize>j << 2)));
  } else if (sW == 2) {
    // Seven floats hold four strided ones: x0 x1 x2 x3 and x3 x4 x5 x6; reading an eighth could leave the tensor.
    for (; j + 4 <= length; j += 4) {
      const at = src + (<usize>j << 3);
      v128.store(dst + (<usize>j << 2), v128.shuffle<f32>(v128.load(at), v128.load(at, 12), 0, 2, 5, 7));
    }
  }
  for (; j < length; j++) store<f32>(dst + (<usize>j << 2), load<f32>(src + (<usize>(j * sW) << 2)));
}

function checkedRun(row: usize, dst: usize, length: i32, ix: i32): void {
  for (let j = 0; j < length; j++) {
    store<f32>(dst + (<usize>j << 2), <u32>ix < <u32>iW ? load<f32>(row + (<usize>ix << 2)) : 0);
    ix += sW;
  }
}
