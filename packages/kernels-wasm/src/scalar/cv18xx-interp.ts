import type { CvBlendName } from '../op-codes.ts';

const f = Math.fround;

/** Two pixels of an axis and their weights; the second one may be the first again. */
export interface CvTaps {
  readonly first: number;
  readonly second: number;
  readonly weights: readonly [number, number];
}

type Pixels = readonly [number, number, number, number];

/** Weights are multiplied first, then the four products are added in order. */
function products([p00, p01, p10, p11]: Pixels, { weights: [y0, y1] }: CvTaps, { weights: [x0, x1] }: CvTaps): number {
  return f(f(f(f(f(x0 * y0) * p00) + f(f(x1 * y0) * p01)) + f(f(x0 * y1) * p10)) + f(f(x1 * y1) * p11));
}

const BLEND: Readonly<Record<CvBlendName, (pixels: Pixels, y: CvTaps, x: CvTaps) => number>> = {
  products,
  whereNeeded(pixels, y, x) {
    const [p00, p01, p10] = pixels;
    const [hitsY, hitsX] = [y.first === y.second, x.first === x.second];
    if (hitsY && hitsX) return p00;
    if (hitsY) return f(f(p00 * x.weights[0]) + f(p01 * x.weights[1]));
    return hitsX ? f(f(p00 * y.weights[0]) + f(p10 * y.weights[1])) : products(pixels, y, x);
  },
  rows: ([p00, p01, p10, p11], { weights: [y0, y1] }, { weights: [x0, x1] }) =>
    f(f(y0 * f(f(x0 * p00) + f(x1 * p01))) + f(y1 * f(f(x0 * p10) + f(x1 * p11)))),
};

/** Linear resizing of planes [ih, iw] in f32 (tpu-mlir: GenericCpuFunc.cpp): the definition of `cv_interp`. */
export function cvInterp(
  blend: CvBlendName,
  x: Float32Array,
  { planes, ih, iw }: { readonly planes: number; readonly ih: number; readonly iw: number },
  rows: readonly CvTaps[],
  columns: readonly CvTaps[],
): Float32Array {
  const y: number[] = [];
  for (let plane = 0; plane < planes; plane++) {
    for (const row of rows) {
      const pixel = (r: number, c: number): number => x[(plane * ih + r) * iw + c]!;
      for (const c of columns) {
        const above = [pixel(row.first, c.first), pixel(row.first, c.second)] as const;
        const below = [pixel(row.second, c.first), pixel(row.second, c.second)] as const;
        y.push(BLEND[blend]([...above, ...below], row, c));
      }
    }
  }
  return Float32Array.from(y);
}
