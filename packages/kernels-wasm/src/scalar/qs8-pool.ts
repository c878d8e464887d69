import { multiplyShift } from './requant.ts';

export interface PoolGeometry {
  readonly planes: number;
  readonly ih: number;
  readonly iw: number;
  readonly oh: number;
  readonly ow: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  /** Top and left; bottom and right follow from `oh` and `ow`. */
  readonly pads: readonly [number, number];
}

/** The part of one dimension that a window covers. */
export function windowSpan(at: number, stride: number, pad: number, kernel: number, length: number): [number, number] {
  return [Math.max(at * stride - pad, 0), Math.min(at * stride - pad + kernel, length)];
}

/** Calls back with the plane, the covered rows and columns of every window, in output order. */
export function forEachWindow(
  g: PoolGeometry,
  visit: (plane: number, rows: readonly [number, number], columns: readonly [number, number]) => void,
): void {
  for (let plane = 0; plane < g.planes; plane++) {
    for (let row = 0; row < g.oh; row++) {
      const rows = windowSpan(row, g.stride[0], g.pads[0], g.kernel[0], g.ih);
      for (let column = 0; column < g.ow; column++) {
        visit(plane, rows, windowSpan(column, g.stride[1], g.pads[1], g.kernel[1], g.iw));
      }
    }
  }
}

/** The largest code of every window; elements outside the input do not count. */
export function qs8MaxPool(x: ArrayLike<number>, g: PoolGeometry): Int32Array {
  const y = new Int32Array(g.planes * g.oh * g.ow);
  let at = 0;
  forEachWindow(g, (plane, [top, bottom], [left, right]) => {
    let best = Number.NEGATIVE_INFINITY;
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        best = Math.max(best, x[(plane * g.ih + row) * g.iw + column]!);
      }
    }
    y[at++] = best;
  });
  return y;
}

/** What becomes of an average times its window: integer factors as the BM chips or CV18xx apply them, or a real one. */
export type AveragePoolFinish =
  | { readonly kind: 'multiplierShift' | 'cv18xx'; readonly multiplier: number; readonly rshift: number }
  | { readonly kind: 'real'; readonly scale: number; readonly offset: number };

const f = Math.fround;
const halfAway = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

function finishAverage(back: number, finish: AveragePoolFinish): number {
  switch (finish.kind) {
    case 'real':
      return halfAway(f(back * finish.scale + finish.offset));
    case 'cv18xx': {
      const t = Math.floor(back + 0.5);
      return Math.floor(f(f(t * finish.multiplier) / 2 ** finish.rshift) + 0.5);
    }
    case 'multiplierShift':
      return multiplyShift(halfAway(back), finish.multiplier, finish.rshift, 'HalfUp');
  }
}

/**
 * Average of codes (numerics.md 7.5, 9.3): the f32 average of every window, multiplied back by height and width in f32,
 * finished, plus the zero point, clamped. Outside elements do not count, except in the divisor with `countPad`.
 */
export function qs8AveragePool(
  x: ArrayLike<number>,
  g: PoolGeometry,
  codes: { readonly countPad: boolean; readonly zero: number; readonly lo: number; readonly hi: number },
  finish: AveragePoolFinish,
): Int32Array {
  const y = new Int32Array(g.planes * g.oh * g.ow);
  const [kh, kw] = g.kernel;
  let at = 0;
  forEachWindow(g, (plane, [top, bottom], [left, right]) => {
    let sum = 0;
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) sum += x[(plane * g.ih + row) * g.iw + column]!;
    }
    const covered = codes.countPad ? kh * kw : (bottom - top) * (right - left);
    const back = f(f(f(sum / covered) * kh) * kw);
    y[at++] = Math.min(Math.max(finishAverage(back, finish) + codes.zero, codes.lo), codes.hi);
  });
  return y;
}
