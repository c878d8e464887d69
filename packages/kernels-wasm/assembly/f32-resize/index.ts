// Interpolation. Coordinates are float64: x*in/out is exact up to one rounding, so nearest never lands one pixel off.
import { ResizeCoord } from '../op-codes';

@inline
function nearestIndex(o: i32, size: i32, out: i32, coord: i32): i32 {
  if (coord == ResizeCoord.asymmetric) return min(<i32>(<f64>o * <f64>size / <f64>out), size - 1);
  if (out == 1) return 0;
  return min(<i32>(<f64>o * <f64>(size - 1) / <f64>(out - 1) + 0.5), size - 1);
}

export function f32_resize_nearest(
  x: usize, y: usize, planes: i32, ih: i32, iw: i32, oh: i32, ow: i32, coord: i32,
): void {
  const rowBytes = <usize>iw << 2;
  const outRow = <usize>ow << 2;
  // The whole-number enlargement of detectors and segmenters: repeat each value, then each row.
  const repeat = coord == ResizeCoord.asymmetric && ow % iw == 0 ? ow / iw : 0;
  for (let p = 0; p < planes; p++, x += <usize>ih * rowBytes) {
    let previous = -1;
    for (let oy = 0; oy < oh; oy++, y += outRow) {
      const iy = nearestIndex(oy, ih, oh, coord);
      if (iy == previous) {
        memory.copy(y, y - outRow, outRow);
        continue;
      }
      previous = iy;
      const row = x + <usize>iy * rowBytes;
      if (repeat == 2) doubleRow(row, y, iw);
      else for (let ox = 0; ox < ow; ox++) {
        const ix = repeat ? ox / repeat : nearestIndex(ox, iw, ow, coord);
        store<u32>(y + (<usize>ox << 2), load<u32>(row + (<usize>ix << 2)));
      }
    }
  }
}

@inline
function doubleRow(src: usize, dst: usize, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4, src += 16, dst += 32) {
    const v = v128.load(src);
    v128.store(dst, v128.shuffle<i32>(v, v, 0, 0, 1, 1));
    v128.store(dst, v128.shuffle<i32>(v, v, 2, 2, 3, 3), 16);
  }
  for (; i < n; i++, src += 4, dst += 8) {
    store<u32>(dst, load<u32>(src));
    store<u32>(dst, load<u32>(src), 4);
  }
}

@inline
function linearCoord(o: i32, size: i32, out: i32, coord: i32): f64 {
  if (coord == ResizeCoord.alignCorners) return out == 1 ? 0 : <f64>o * <f64>(size - 1) / <f64>(out - 1);
  if (coord == ResizeCoord.asymmetric) return <f64>o * <f64>size / <f64>out;
  if (coord == ResizeCoord.pytorchHalfPixel && out == 1) return 0;
  return max<f64>((<f64>o + 0.5) * <f64>size / <f64>out - 0.5, 0);
}

/** Per output column: offset of the left pixel, of the right pixel, and the right one's weight; then a row buffer. */
export function f32_resize_linear_scratch_bytes(iw: i32, ow: i32): usize {
  return (<usize>ow * 3 + <usize>iw) * 4 + 16;
}

export function f32_resize_linear(
  x: usize, y: usize, scratch: usize, planes: i32, ih: i32, iw: i32, oh: i32, ow: i32, coord: i32,
): void {
  const left = scratch;
  const right = left + (<usize>ow << 2);
  const weight = right + (<usize>ow << 2);
  const blend = weight + (<usize>ow << 2);
  for (let ox = 0; ox < ow; ox++) {
    const c = linearCoord(ox, iw, ow, coord);
    const i = min(<i32>c, iw - 1);
    const at = <usize>ox << 2;
    store<i32>(left + at, i << 2);
    store<i32>(right + at, min(i + 1, iw - 1) << 2);
    store<f32>(weight + at, <f32>(c - <f64>i));
  }
  const rowBytes = <usize>iw << 2;
  for (let p = 0; p < planes; p++, x += <usize>ih * rowBytes) {
    for (let oy = 0; oy < oh; oy++) {
      const c = linearCoord(oy, ih, oh, coord);
      const i = min(<i32>c, ih - 1);
      blendRows(x + <usize>i * rowBytes, x + <usize>min(i + 1, ih - 1) * rowBytes, <f32>(c - <f64>i), blend, iw);
      for (let ox = 0; ox < ow; ox++, y += 4) {
        const at = <usize>ox << 2;
        const f = load<f32>(weight + at);
        const a = load<f32>(blend + <usize>load<i32>(left + at));
        const b = load<f32>(blend + <usize>load<i32>(right + at));
        store<f32>(y, a * (1 - f) + b * f);
      }
    }
  }
}

@inline
function blendRows(a: usize, b: usize, f: f32, dst: usize, n: i32): void {
  const low = f32x4.splat(1 - f), high = f32x4.splat(f);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = <usize>i << 2;
    v128.store(dst + at, f32x4.add(f32x4.mul(v128.load(a + at), low), f32x4.mul(v128.load(b + at), high)));
  }
  for (; i < n; i++) {
    const at = <usize>i << 2;
    store<f32>(dst + at, load<f32>(a + at) * (1 - f) + load<f32>(b + at) * f);
  }
}
