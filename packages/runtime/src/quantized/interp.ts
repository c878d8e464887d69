import { imageShape } from '../float/window.ts';
import type { Implementations, OpImplementation } from '../implementation.ts';
import { floatIn } from './codes.ts';
import { asFloat } from './float-form.ts';

const f = Math.fround;

/** The element before each output position of one axis, and how far beyond it the position lies; in f32. */
function positions(input: number, output: number, coordMode: string): { first: Int32Array; distance: Float32Array } {
  const aligned = coordMode === 'align_corners';
  const scale = aligned ? f(output > 1 ? (input - 1) / (output - 1) : 0) : f(input / output);
  const at = Float32Array.from({ length: output }, (_, o) => {
    const halfPixel = coordMode === 'half_pixel' || (coordMode === 'pytorch_half_pixel' && output > 1);
    const position = halfPixel ? f(f((o + 0.5) * scale) - 0.5) : coordMode === 'pytorch_half_pixel' ? 0 : f(o * scale);
    return Math.min(Math.max(position, 0), input - 1);
  });
  return { first: Int32Array.from(at, Math.floor), distance: at.map((position) => position - Math.floor(position)) };
}

/** Linear interpolation as the interpreter does it: a + d · (b − a) down the columns, then along the rows, in f32. */
const interp: OpImplementation<'tpu.Interp'> = {
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const { mode, coordMode } = op.attributes;
    if (mode !== 'linear' || x.shape.length !== 4) return asFloat<'tpu.Interp'>().prepare(op, context);
    const { kernels } = context;
    floatIn(x);
    const [from, to] = [imageShape(x.shape), imageShape(y.shape)];
    const rows = positions(from.H, to.H, coordMode);
    const columns = positions(from.W, to.W, coordMode);
    const [row, rowDistance] = [context.place(rows.first), context.place(rows.distance)];
    const [column, columnDistance] = [context.place(columns.first), context.place(columns.distance)];
    const scratch = context.scratch(4 * from.W);
    const planes = from.N * from.C;
    return () =>
      // biome-ignore format: one argument per line hides the groups
      kernels.lowered_interp(
        x.ptr, y.ptr, scratch.ptr, planes, from.H, from.W, to.H, to.W,
        row.ptr, rowDistance.ptr, column.ptr, columnDistance.ptr,
      );
  },
};

export const interpImplementations: Implementations = { 'tpu.Interp': interp };
