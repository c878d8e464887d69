import type { OpOf } from '@q/ir';
import { refuse } from '../../float/refuse.ts';
import type { PrepareContext, RunOp } from '../../implementation.ts';
import type { StorageArray } from '../../storage.ts';

const f = Math.fround;

/** Two pixels of an axis and their weights; the second one may be the first again. */
interface Taps {
  readonly first: number;
  readonly second: number;
  readonly weights: readonly [number, number];
}

type TapsOf = (at: number, from: number, to: number) => Taps;

/** ONNX half pixels: at the border both taps are one pixel, each with weight ½. */
const halfPixel: TapsOf = (at, from, to) => {
  const scale = f(f(to) / f(from));
  const looked = scale === 1 ? at : f(f(f(at + 0.5) / scale) - f(0.5));
  const position = Math.max(0, Math.min(looked, from - 1));
  const first = Math.min(Math.trunc(position), from - 1);
  const second = Math.min(first + 1, from - 1);
  if (first === second) return { first, second, weights: [0.5, 0.5] };
  return { first, second, weights: [Math.abs(f(position - second)), Math.abs(f(position - first))] };
};

const asymmetric: TapsOf = (at, from, to) => {
  const position = Math.min(f(at * f(f(from) / to)), from - 1);
  const [first, second] = [Math.floor(position), Math.ceil(position)];
  return { first, second, weights: first === second ? [1, 0] : [f(second - position), f(position - first)] };
};

const alignCorners: TapsOf = (at, from, to) => {
  const position = f((to > 1 ? f(f(from - 1) / (to - 1)) : 0) * at);
  const first = Math.trunc(position);
  const rest = f(position - first);
  return { first, second: first < from - 1 ? first + 1 : first, weights: [f(1 - rest), rest] };
};

type Blend = (pixels: readonly [number, number, number, number], y: Taps, x: Taps) => number;

/** Weights are multiplied first, then the four products are added in order. */
const blendProducts: Blend = ([p00, p01, p10, p11], { weights: [y0, y1] }, { weights: [x0, x1] }) =>
  f(f(f(f(f(x0 * y0) * p00) + f(f(x1 * y0) * p01)) + f(f(x0 * y1) * p10)) + f(f(x1 * y1) * p11));

/** The same, but an axis that hits a pixel is left out. */
const blendWhereNeeded: Blend = (pixels, y, x) => {
  const [p00, p01, p10] = pixels;
  const [hitsY, hitsX] = [y.first === y.second, x.first === x.second];
  if (hitsY && hitsX) return p00;
  if (hitsY) return f(f(p00 * x.weights[0]) + f(p01 * x.weights[1]));
  if (hitsX) return f(f(p00 * y.weights[0]) + f(p10 * y.weights[1]));
  return blendProducts(pixels, y, x);
};

/** Rows first, then between rows. */
const blendRows: Blend = ([p00, p01, p10, p11], { weights: [y0, y1] }, { weights: [x0, x1] }) =>
  f(f(y0 * f(f(x0 * p00) + f(x1 * p01))) + f(y1 * f(f(x0 * p10) + f(x1 * p11))));

const LINEAR: Readonly<Record<string, readonly [TapsOf, Blend]>> = {
  half_pixel: [halfPixel, blendProducts],
  asymmetric: [asymmetric, blendWhereNeeded],
  align_corners: [alignCorners, blendRows],
};

const NEAREST: Readonly<Record<string, (at: number, from: number, to: number) => number>> = {
  nearest: (at, from, to) => Math.trunc(f(at * f(f(from) / to))),
  nearest_half_pixel: (at, from, to) => Math.ceil((at + 0.5) * f(f(from) / to) - 1),
};

interface Planes {
  readonly count: number;
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
}

function nearestInto(source: StorageArray, target: StorageArray, planes: Planes, rows: number[], columns: number[]) {
  const [h, w] = planes.from;
  let at = 0;
  for (let plane = 0; plane < planes.count; plane++) {
    for (const row of rows) for (const column of columns) target[at++] = source[(plane * h + row) * w + column]!;
  }
}

function linearInto(
  source: StorageArray,
  target: StorageArray,
  planes: Planes,
  [rows, columns]: Taps[][],
  blend: Blend,
) {
  const [h, w] = planes.from;
  let at = 0;
  for (let plane = 0; plane < planes.count; plane++) {
    for (const y of rows!) {
      const [upper, lower] = [(plane * h + y.first) * w, (plane * h + y.second) * w];
      for (const x of columns!) {
        const left = [source[upper + x.first]!, source[upper + x.second]!] as const;
        target[at++] = blend([...left, source[lower + x.first]!, source[lower + x.second]!], y, x);
      }
    }
  }
}

/** The CPU operator `interp` (tpu-mlir: GenericCpuFunc.cpp): resizing of planes, in f32 where it is linear. */
export function prepareCpuInterp(op: OpOf<'tpu.GenericCpu'>, context: PrepareContext): RunOp {
  const param = op.unknownAttributes?.param;
  const text = param?.kind === 'verbatim' ? param.text : '';
  const coordinates = /coordinate_transformation_mode = "(\w+)"/.exec(text)?.[1] ?? '';
  const [x, y] = [context.input(0), context.output()];
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const [, , oh, ow] = y.shape as readonly [number, number, number, number];
  const planes: Planes = { count: n * c, from: [h, w], to: [oh, ow] };
  const along = <T>(axis: 0 | 1, at: (index: number, from: number, to: number) => T): T[] =>
    Array.from({ length: planes.to[axis] }, (_, index) => at(index, planes.from[axis], planes.to[axis]));
  const nearest = NEAREST[coordinates];
  if (nearest !== undefined) {
    const [rows, columns] = [along(0, nearest), along(1, nearest)];
    return () => nearestInto(x.view(), y.view(), planes, rows, columns);
  }
  const known = [...Object.keys(LINEAR), ...Object.keys(NEAREST)];
  const [tapsOf, blend] = LINEAR[coordinates] ?? refuse(op, `the coordinates "${coordinates}"`, known.join(', '));
  const taps = [along(0, tapsOf), along(1, tapsOf)];
  return () => linearInto(x.f32(), y.f32(), planes, taps, blend);
}
