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
