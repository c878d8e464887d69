import type { OpOf } from '@q/ir';
import { CvBlend, type CvBlendName } from '@q/kernels-wasm';
import { refuse } from '../../float/refuse.ts';
import type { PrepareContext, RunOp } from '../../implementation.ts';
import { floatIn } from '../codes.ts';

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

const LINEAR: Readonly<Record<string, readonly [TapsOf, CvBlendName]>> = {
  half_pixel: [halfPixel, 'products'],
  asymmetric: [asymmetric, 'whereNeeded'],
  align_corners: [alignCorners, 'rows'],
};

const NEAREST: Readonly<Record<string, (at: number, from: number, to: number) => number>> = {
  nearest: (at, from, to) => Math.trunc(f(at * f(f(from) / to))),
  nearest_half_pixel: (at, from, to) => Math.ceil((at + 0.5) * f(f(from) / to) - 1),
};

/** Two int32 pixels and two float32 weights per position: what the kernel reads. */
function tableOf(taps: readonly Taps[]): DataView {
  const table = new DataView(new ArrayBuffer(16 * taps.length));
  taps.forEach(({ first, second, weights }, index) => {
    table.setInt32(16 * index, first, true);
    table.setInt32(16 * index + 4, second, true);
    table.setFloat32(16 * index + 8, weights[0], true);
    table.setFloat32(16 * index + 12, weights[1], true);
  });
  return table;
}

/** The CPU operator `interp` (tpu-mlir: GenericCpuFunc.cpp): resizing of planes, in f32 where it is linear. */
export function prepareCpuInterp(op: OpOf<'tpu.GenericCpu'>, context: PrepareContext): RunOp {
  const param = op.unknownAttributes?.param;
  const text = param?.kind === 'verbatim' ? param.text : '';
  const coordinates = /coordinate_transformation_mode = "(\w+)"/.exec(text)?.[1] ?? '';
  const [x, y] = [context.input(0), context.output()];
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const [, , oh, ow] = y.shape as readonly [number, number, number, number];
  const { kernels } = context;
  const planes = n * c;
  const rowsBy = <T>(at: (index: number, from: number, to: number) => T): T[] =>
    Array.from({ length: oh }, (_, index) => at(index, h, oh));
  const columnsBy = <T>(at: (index: number, from: number, to: number) => T): T[] =>
    Array.from({ length: ow }, (_, index) => at(index, w, ow));
  const nearest = NEAREST[coordinates];
  if (nearest !== undefined) {
    const columns = columnsBy(nearest);
    const pixels = context.place(Int32Array.from(rowsBy(nearest).flatMap((row) => columns.map((at) => row * w + at))));
    const bytes = x.byteLength / x.length;
    return () => {
      for (let plane = 0; plane < planes; plane++) {
        const [from, to] = [x.ptr + plane * h * w * bytes, y.ptr + plane * oh * ow * bytes];
        kernels.gather_rows(from, pixels.ptr, to, oh * ow, h * w, bytes);
      }
    };
  }
  const known = [...Object.keys(LINEAR), ...Object.keys(NEAREST)];
  const [tapsOf, blend] = LINEAR[coordinates] ?? refuse(op, `the coordinates "${coordinates}"`, known.join(', '));
  floatIn(x);
  const [rows, columns] = [context.place(tableOf(rowsBy(tapsOf))), context.place(tableOf(columnsBy(tapsOf)))];
  const code = CvBlend[blend];
  return () => kernels.cv_interp(code, x.ptr, y.ptr, planes, h, w, oh, ow, rows.ptr, columns.ptr);
}
