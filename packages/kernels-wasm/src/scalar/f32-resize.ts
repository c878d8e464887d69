import type { ResizeCoordName } from '../op-codes.ts';
import { roundHalfAway } from './vmath.ts';

const f = Math.fround;

/** Geometry of a resize over `planes` = n * channels. */
export interface ResizeShape {
  readonly planes: number;
  readonly ih: number;
  readonly iw: number;
  readonly oh: number;
  readonly ow: number;
}

export function resizeNearest(x: Float32Array, s: ResizeShape, coord: ResizeCoordName): Float32Array {
  const index = (o: number, size: number, out: number): number => {
    if (coord === 'asymmetric') return Math.min(Math.floor((o * size) / out), size - 1);
    return out === 1 ? 0 : Math.min(roundHalfAway((o * (size - 1)) / (out - 1)), size - 1);
  };
  return eachPixel(s, (plane, oy, ox) => x[(plane * s.ih + index(oy, s.ih, s.oh)) * s.iw + index(ox, s.iw, s.ow)]!);
}

/** Rows first, then columns: a*(1-f) + b*f, every step float32; the coordinate itself is float64. */
export function resizeLinear(x: Float32Array, s: ResizeShape, coord: ResizeCoordName): Float32Array {
  const locate = (o: number, size: number, out: number): { first: number; second: number; weight: number } => {
    const c = linearCoord(o, size, out, coord);
    const first = Math.min(Math.floor(c), size - 1);
    return { first, second: Math.min(first + 1, size - 1), weight: f(c - first) };
  };
  const mix = (a: number, b: number, w: number): number => f(f(a * f(1 - w)) + f(b * w));
  return eachPixel(s, (plane, oy, ox) => {
    const v = locate(oy, s.ih, s.oh);
    const h = locate(ox, s.iw, s.ow);
    const at = (iy: number, ix: number): number => x[(plane * s.ih + iy) * s.iw + ix]!;
    const left = mix(at(v.first, h.first), at(v.second, h.first), v.weight);
    const right = mix(at(v.first, h.second), at(v.second, h.second), v.weight);
    return mix(left, right, h.weight);
  });
}

function linearCoord(o: number, size: number, out: number, coord: ResizeCoordName): number {
  switch (coord) {
    case 'alignCorners':
      return out === 1 ? 0 : (o * (size - 1)) / (out - 1);
    case 'asymmetric':
      return (o * size) / out;
    case 'pytorchHalfPixel':
      return out === 1 ? 0 : Math.max(((o + 0.5) * size) / out - 0.5, 0);
    case 'halfPixel':
      return Math.max(((o + 0.5) * size) / out - 0.5, 0);
  }
}

function eachPixel(s: ResizeShape, value: (plane: number, oy: number, ox: number) => number): Float32Array {
  const y = new Float32Array(s.planes * s.oh * s.ow);
  let at = 0;
  for (let p = 0; p < s.planes; p++) {
    for (let oy = 0; oy < s.oh; oy++) for (let ox = 0; ox < s.ow; ox++) y[at++] = value(p, oy, ox);
  }
  return y;
}
