import { refuse } from '../float/refuse.ts';
import type { Implementations, OpImplementation } from '../implementation.ts';

/** One table of 256 bytes per channel (axis 1). */
const scaleLut: OpImplementation<'tpu.ScaleLut'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [x, table, y] = [context.input(0), context.input(1), context.output()];
    if (x.dtype !== 'i8' && x.dtype !== 'u8') refuse(op, `an operand of ${x.dtype}`, 'i8 or u8');
    const [batch = 1, channels = 1, ...image] = y.shape;
    const area = image.reduce((product, dim) => product * dim, 1);
    return () => {
      for (let plane = 0; plane < batch * channels; plane++) {
        const at = plane * area;
        kernels.lut_x8(x.ptr + at, table.ptr + 256 * (plane % channels), y.ptr + at, area);
      }
    };
  },
};

export const scaleLutImplementations: Implementations = { 'tpu.ScaleLut': scaleLut };
