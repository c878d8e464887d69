import type { OpOf } from '@q/ir';
import type { Implementations, OpImplementation } from '../implementation.ts';
import { contiguousStrides } from '../shapes.ts';
import { prepareCopy } from '../strided-copy.ts';
import { withCodeRelu } from './code-table.ts';
import { asFloat } from './float-form.ts';
import { mixed } from './mixed.ts';

/** Codes of every pixel, repeated: a copy with two strides of zero. */
const upsample: OpImplementation<'tpu.Upsample'> = {
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const [N, C, H, W] = x.shape as [number, number, number, number];
    const { scaleH, scaleW } = op.attributes;
    const [, , rowStride] = contiguousStrides(y.shape) as [number, number, number, number];
    const copy = prepareCopy(context, x.dtype, {
      dims: [N * C * H, scaleH, W, scaleW],
      sourceStrides: [W, 0, 1, 0],
      targetStrides: [scaleH * rowStride, rowStride, scaleW, 1],
    });
    return withCodeRelu(context, op.attributes.doRelu, () => copy(x.ptr, y.ptr));
  },
};

/** The float operator's own clamp would read the codes as floats. */
const concat: OpImplementation<'tpu.Concat'> = {
  prepare(op, context) {
    const { doRelu } = op.attributes;
    const moved = { ...op, attributes: { ...op.attributes, doRelu: false } } as OpOf<'tpu.Concat'>;
    return withCodeRelu(context, doRelu, asFloat<'tpu.Concat'>().prepare(moved, context));
  },
};

/** Codes are moved by the float operators' copies, which know element sizes. */
export const layoutImplementations: Implementations = {
  'tpu.Concat': mixed(concat),
  'tpu.Permute': asFloat(),
  'tpu.Reshape': asFloat(),
  'tpu.Squeeze': asFloat(),
  'tpu.Unsqueeze': asFloat(),
  'tpu.Slice': asFloat(),
  'tpu.Pad': asFloat(),
  'tpu.Tile': asFloat(),
  'tpu.Depth2Space': asFloat(),
  'tpu.ShuffleChannel': asFloat(),
  'tpu.SwapChannel': asFloat(),
  'tpu.SwapDimInner': asFloat(),
  'tpu.Reverse': asFloat(),
  'tpu.Upsample': mixed(upsample),
  'tpu.Gather': asFloat(),
  'tpu.TopK': asFloat(),
  'tpu.Arg': asFloat(),
  'tpu.PixelNorm': asFloat(),
};
