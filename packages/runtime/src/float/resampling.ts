import { ResizeCoord, type ResizeCoordName, UnaryOp } from '@q/kernels-wasm';
import type { Implementations, OpImplementation } from '../implementation.ts';
import { gridSampler } from './grid-sample.ts';
import { refuse } from './refuse.ts';
import { upperBound } from './relu-bounds.ts';
import { prepareResize } from './resize-definition.ts';
import { roiAlign } from './roi-align.ts';
import { imageShape } from './window.ts';

const upsample: OpImplementation<'top.Upsample'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const [input, output] = [imageShape(x.shape), imageShape(y.shape)];
    const planes = input.N * input.C;
    const { doRelu, reluLimit } = op.attributes;
    const hi = upperBound(reluLimit);
    const { asymmetric } = ResizeCoord;
    return () => {
      kernels.f32_resize_nearest(x.ptr, y.ptr, planes, input.H, input.W, output.H, output.W, asymmetric);
      if (doRelu) kernels.f32_unary(UnaryOp.clip, y.ptr, y.ptr, y.length, 0, hi);
    };
  },
};

const COORDINATES: Readonly<Record<string, ResizeCoordName>> = {
  align_corners: 'alignCorners',
  half_pixel: 'halfPixel',
  pytorch_half_pixel: 'pytorchHalfPixel',
  asymmetric: 'asymmetric',
};

const interp: OpImplementation<'top.Interp'> = {
  prepare(op, context) {
    if (op.attributes.sizes !== undefined) return prepareResize(op, context);
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const { mode, coordMode } = op.attributes;
    const coordinate =
      COORDINATES[coordMode] ?? refuse(op, `coord_mode ${coordMode}`, Object.keys(COORDINATES).join(', '));
    if (x.shape.length < 3 || x.shape.length > 4) refuse(op, `rank ${x.shape.length}`, 'rank 3 or 4');
    const [input, output] = [imageShape(x.shape), imageShape(y.shape)];
    const planes = input.N * input.C;
    const code = ResizeCoord[coordinate];
    if (mode === 'nearest') {
      return () => kernels.f32_resize_nearest(x.ptr, y.ptr, planes, input.H, input.W, output.H, output.W, code);
    }
    if (mode !== 'linear') refuse(op, `mode ${mode}`, 'nearest or linear');
    const scratch = context.scratch(kernels.f32_resize_linear_scratch_bytes(input.W, output.W));
    return () =>
      // biome-ignore format: one argument per line hides the groups
      kernels.f32_resize_linear(
        x.ptr, y.ptr, scratch.ptr, planes, input.H, input.W, output.H, output.W, code,
      );
  },
};

export const resamplingImplementations: Implementations = {
  'top.Upsample': upsample,
  'top.Interp': interp,
  'top.GridSampler': gridSampler,
  'top.RoiAlign': roiAlign,
};
