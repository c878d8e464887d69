import { imageShape } from '../float/window.ts';
import type { Implementations, OpImplementation } from '../implementation.ts';
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
    const [from, to] = [imageShape(x.shape), imageShape(y.shape)];
    const rows = positions(from.H, to.H, coordMode);
    const columns = positions(from.W, to.W, coordMode);
    const row = new Float32Array(from.W);
    return () => {
      const [source, target] = [x.f32(), y.f32()];
      let written = 0;
      for (let plane = 0; plane < from.N * from.C; plane++) {
        for (let oy = 0; oy < to.H; oy++) {
          const top = (plane * from.H + rows.first[oy]!) * from.W;
          const bottom = rows.first[oy]! + 1 < from.H ? top + from.W : top;
          const down = rows.distance[oy]!;
          for (let ix = 0; ix < from.W; ix++) {
            const a = source[top + ix]!;
            row[ix] = a + f(down * f(source[bottom + ix]! - a));
          }
          for (let ox = 0; ox < to.W; ox++) {
            const first = columns.first[ox]!;
            const a = row[first]!;
            const b = row[Math.min(first + 1, from.W - 1)]!;
            target[written++] = a + f(columns.distance[ox]! * f(b - a));
          }
        }
      }
    };
  },
};

export const interpImplementations: Implementations = { 'tpu.Interp': interp };
