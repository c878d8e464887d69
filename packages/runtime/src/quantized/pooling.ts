import { type OpOf, toInt } from '@q/ir';
import { AverageFinish, type AveragePoolFinish, multiplyShift, type PoolGeometry } from '@q/kernels-wasm';
import { refuse } from '../float/refuse.ts';
import { imageShape, window2D } from '../float/window.ts';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { withCodeRelu } from './code-table.ts';
import { byteCodesIn, codesIn, flag, lowestCode } from './codes.ts';
import { mixed } from './mixed.ts';

export type PoolOp = OpOf<'tpu.Pool1D'> | OpOf<'tpu.Pool2D'>;

/** Planes, lengths and window of a pool, for the kernels. */
function geometryOf(op: PoolOp, context: PrepareContext): PoolGeometry {
  const [x, y] = [context.input(0), context.output()];
  const input = imageShape(x.shape);
  const w = window2D(op.attributes);
  const planes = input.N * input.C;
  const oh = Math.floor((input.H + w.padTop + w.padBottom - w.kernelH) / w.strideH) + 1;
  // Trailing dimensions of the result's type may be gone: the width follows from the count.
  const ow = y.length / (planes * oh);
  return {
    planes,
    ih: input.H,
    iw: input.W,
    oh,
    ow,
    kernel: [w.kernelH, w.kernelW],
    stride: [w.strideH, w.strideW],
    pads: [w.padTop, w.padLeft],
  };
}

function prepareMax(op: PoolOp, context: PrepareContext): RunOp {
  const { kernels } = context;
  const [x, y] = [context.input(0), context.output()];
  const g = geometryOf(op, context);
  const { signed } = codesIn(x);
  const { planes, ih, iw, oh, ow, kernel, stride, pads } = g;
  const [[kh, kw], [strideH, strideW], [padTop, padLeft]] = [kernel, stride, pads];
  const scratch = context.scratch(kernels.qs8_maxpool2d_scratch_bytes(g.iw, g.ow, g.kernel[1], g.stride[1], g.pads[1]));
  return () =>
    // biome-ignore format: one argument per line hides the groups
    kernels.qs8_maxpool2d(
      x.ptr, flag(signed), y.ptr, scratch.ptr, planes, ih, iw, oh, ow, kh, kw, strideH, strideW, padTop, padLeft,
    );
}

/** The result of a window, before zero point and clamp, from the f32 average of its codes. */
export function averageFinish(
  op: PoolOp | OpOf<'tpu.Pool3D'>,
  kernel: readonly number[],
  zero: number,
): (average: number) => number {
  const { multiplier, rshift, scale, offset } = op.attributes;
  const f = Math.fround;
  const sum = (average: number): number => kernel.reduce((product, length) => f(product * length), average);
  if (multiplier !== undefined && rshift !== undefined) {
    return (average) => multiplyShift(toInt(sum(average)), multiplier, rshift, 'HalfUp') + zero;
  }
  // With zero points: one real factor and offset, in f64, narrowed once.
  if (scale !== undefined && offset !== undefined) return (average) => toInt(f(sum(average) * scale + offset));
  return refuse(op, 'neither multiplier nor scale', 'multiplier and rshift, or scale and offset');
}

/** Average of codes, finished as `finish` says and clamped to the codes of the result. */
export function prepareCodeAverage(op: PoolOp, context: PrepareContext, finish: AveragePoolFinish): RunOp {
  const { kernels } = context;
  const { doRelu, countIncludePad } = op.attributes;
  const [x, y] = [context.input(0), context.output()];
  const g = geometryOf(op, context);
  const [input, output] = [byteCodesIn(x), byteCodesIn(y)];
  const { planes, ih, iw, oh, ow, kernel, stride, pads } = g;
  const [[kh, kw], [strideH, strideW], [padTop, padLeft]] = [kernel, stride, pads];
  const lo = lowestCode(output, doRelu);
  const code = AverageFinish[finish.kind];
  const isReal = finish.kind === 'real';
  const [multiplier, rshift] = isReal ? [0, 0] : [finish.multiplier, finish.rshift];
  const [scale, offset] = isReal ? [finish.scale, finish.offset] : [0, 0];
  // A real factor comes with the zero point in its offset, and CV18xx has none.
  const zero = finish.kind === 'multiplierShift' ? output.zero : 0;
  return () =>
    // biome-ignore format: one argument per line hides the groups
    kernels.qs8_avgpool2d(
      x.ptr, flag(input.signed), y.ptr, planes, ih, iw, oh, ow, kh, kw, strideH, strideW, padTop, padLeft,
      flag(countIncludePad), code, multiplier, rshift, scale, offset, zero, lo, output.hi,
    );
}

/**
 * numerics.md 7.5: the f32 average is multiplied back by the window, rounded half away, and scaled by an 8-bit multiplier, half
 * up; or scaled and shifted by reals where codes have zero points.
 */
function prepareAverage(op: PoolOp, context: PrepareContext): RunOp {
  const { multiplier, rshift, scale, offset } = op.attributes;
  if (multiplier !== undefined && rshift !== undefined) {
    return prepareCodeAverage(op, context, { kind: 'multiplierShift', multiplier, rshift });
  }
  if (scale !== undefined && offset !== undefined)
    return prepareCodeAverage(op, context, { kind: 'real', scale, offset });
  return refuse(op, 'neither multiplier nor scale', 'multiplier and rshift, or scale and offset');
}

const pool: OpImplementation<'tpu.Pool1D'> & OpImplementation<'tpu.Pool2D'> = {
  prepare: (op: PoolOp, context: PrepareContext) =>
    op.attributes.poolMode === 'Max'
      ? withCodeRelu(context, op.attributes.doRelu, prepareMax(op, context))
      : prepareAverage(op, context),
};

export const poolingImplementations: Implementations = {
  'tpu.Pool1D': mixed<'tpu.Pool1D'>(pool),
  'tpu.Pool2D': mixed<'tpu.Pool2D'>(pool),
};
