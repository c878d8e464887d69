// Fills B panels [k][8] for a block of output pixels from padded planes; k runs over (ic, kh, kw).
import { NR, NR_BYTES } from '../f32-gemm/tile';

/** Bytes that a panel may be written, and a plane read, beyond its end. */
export const SLACK: usize = 64;

/** The padded planes as the filler sees them, held in static memory so that the hot calls stay short. */
let outWidth: i32 = 0;
/** From one output row to the next in a plane, in floats. */
let rowStep: i32 = 0;
let planeBytes: usize = 0;
/** Byte offsets of the taps in a plane. */
let taps: usize = 0;
let tapsEnd: usize = 0;

export function setPlanes(ow: i32, step: i32, bytes: usize, tapTable: usize, count: i32): void {
  outWidth = ow;
  rowStep = step;
  planeBytes = bytes;
  taps = tapTable;
  tapsEnd = tapTable + (<usize>count << 2);
}

/** Panels for pixels [p0, p0 + count) over `channels` planes. Columns past `count` are zeros. */
export function fillPanels(planes: usize, dst: usize, p0: i32, count: i32, channels: i32): void {
  const panelBytes = <usize>channels * ((tapsEnd - taps) >> 2) * NR_BYTES;
  let oy = p0 / outWidth;
  let ox = p0 - oy * outWidth;
  for (let j = 0; j < count; j += NR, dst += panelBytes) {
    const src = planes + (<usize>(oy * rowStep + ox) << 2);
    const first = outWidth - ox;
    if (count - j < NR) fillScattered(planes, dst, oy, ox, count - j, channels);
    else if (first >= NR) fillRun(src, dst, channels);
    else if (first + outWidth >= NR) fillTwoRuns(src, dst, channels, <usize>first << 2, <usize>(rowStep - ox) << 2);
    else fillScattered(planes, dst, oy, ox, NR, channels);
    for (ox += NR; ox >= outWidth; ox -= outWidth) oy++;
  }
}

/** Eight neighbouring pixels of one row. */
function fillRun(src: usize, dst: usize, channels: i32): void {
  for (; channels > 0; channels--, src += planeBytes) {
    for (let t = taps; t < tapsEnd; t += 4, dst += NR_BYTES) {
      const at = src + <usize>load<i32>(t);
      v128.store(dst, v128.load(at));
      v128.store(dst, v128.load(at, 16), 16);
    }
  }
}

/** The end of one row (`split` bytes) and the start of the next: what the second run writes too much, the next k rewrites. */
function fillTwoRuns(src: usize, dst: usize, channels: i32, split: usize, toNext: usize): void {
  for (; channels > 0; channels--, src += planeBytes) {
    for (let t = taps; t < tapsEnd; t += 4, dst += NR_BYTES) {
      const at = src + <usize>load<i32>(t);
      v128.store(dst, v128.load(at));
      v128.store(dst, v128.load(at, 16), 16);
      const rest = at + toNext, to = dst + split;
      v128.store(to, v128.load(rest));
      v128.store(to, v128.load(rest, 16), 16);
    }
  }
}

/** Pixel by pixel: the ragged end, and rows so short that eight pixels lie on three of them. */
function fillScattered(planes: usize, dst: usize, oy: i32, ox: i32, valid: i32, channels: i32): void {
  const depth = <usize>channels * ((tapsEnd - taps) >> 2);
  for (let j = 0; j < NR; j++, dst += 4) {
    let to = dst;
    if (j >= valid) {
      for (let i: usize = 0; i < depth; i++, to += NR_BYTES) store<f32>(to, 0);
      continue;
    }
    let src = planes + (<usize>(oy * rowStep + ox) << 2);
    for (let c = 0; c < channels; c++, src += planeBytes) {
      for (let t = taps; t < tapsEnd; t += 4, to += NR_BYTES) store<f32>(to, load<f32>(src + <usize>load<i32>(t)));
    }
    if (++ox == outWidth) {
      ox = 0;
      oy++;
    }
  }
}
