import { clamp } from './clamp.ts';

const f = Math.fround;

/** Geometry of a 2-D pooling over `planes` = n * channels. */
export interface Pool2dShape {
  readonly planes: number;
  readonly ih: number;
  readonly iw: number;
  readonly oh: number;
  readonly ow: number;
  readonly kh: number;
  readonly kw: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly padTop: number;
  readonly padLeft: number;
}

export function maxpool2d(x: Float32Array, s: Pool2dShape, lo = -Infinity, hi = Infinity): Float32Array {
  return pool(x, s, (window) => {
    let top = -Infinity;
    for (const column of window) for (const v of column) top = Math.max(top, v);
    return clamp(top, lo, hi);
  });
}

/** Each column top to bottom, then the columns left to right from 0, in float32; one division at the end. */
export function avgpool2d(
  x: Float32Array,
  s: Pool2dShape,
  countIncludePad: boolean,
  lo = -Infinity,
  hi = Infinity,
): Float32Array {
  return pool(x, s, (window) => {
    let sum = 0;
    let covered = 0;
    for (const column of window) {
      sum = f(sum + column.reduce((acc, v) => f(acc + v)));
      covered += column.length;
    }
    return clamp(f(sum / (countIncludePad ? s.kh * s.kw : covered)), lo, hi);
  });
}

/** Calls `fold` with the existing elements of each window, as columns. */
function pool(x: Float32Array, s: Pool2dShape, fold: (window: number[][]) => number): Float32Array {
  const y = new Float32Array(s.planes * s.oh * s.ow);
  let at = 0;
  for (let p = 0; p < s.planes; p++) {
    for (let oy = 0; oy < s.oh; oy++) {
      for (let ox = 0; ox < s.ow; ox++) {
        const window: number[][] = [];
        for (let ix = ox * s.strideW - s.padLeft; ix < ox * s.strideW - s.padLeft + s.kw; ix++) {
          if (ix < 0 || ix >= s.iw) continue;
          const column: number[] = [];
          for (let iy = oy * s.strideH - s.padTop; iy < oy * s.strideH - s.padTop + s.kh; iy++) {
            if (iy >= 0 && iy < s.ih) column.push(x[(p * s.ih + iy) * s.iw + ix]!);
          }
          window.push(column);
        }
        y[at++] = fold(window);
      }
    }
  }
  return y;
}

export interface MaxPlaces extends Pool2dShape {
  readonly dilationH: number;
  readonly dilationW: number;
  readonly columnMajor: boolean;
}

/** Largest element of every window, of NaNs the last, and its flat index in x, the first of equals; -1 for none. */
export function maxpool2dPlaces(x: Float32Array, s: MaxPlaces, lo = -Infinity, hi = Infinity) {
  const values = new Float32Array(s.planes * s.oh * s.ow);
  const places = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const [plane, oy, ox] = [Math.floor(i / (s.oh * s.ow)), Math.floor(i / s.ow) % s.oh, i % s.ow];
    const start = plane * s.ih * s.iw;
    let [best, place] = [-Infinity, -1];
    for (let tap = 0; tap < s.kh * s.kw; tap++) {
      const row = oy * s.strideH - s.padTop + Math.floor(tap / s.kw) * s.dilationH;
      const column = ox * s.strideW - s.padLeft + (tap % s.kw) * s.dilationW;
      if (row < 0 || row >= s.ih || column < 0 || column >= s.iw) continue;
      const value = x[start + row * s.iw + column]!;
      if (!(value > best || Number.isNaN(value))) continue;
      best = value;
      place = start + (s.columnMajor ? column * s.ih + row : row * s.iw + column);
    }
    values[i] = Math.min(Math.max(best, lo), hi);
    places[i] = place;
  }
  return { values, places };
}
