import { elementCount, type OpOf } from '@q/ir';
import { AverageFinish, Finish } from '@q/kernels-wasm';
import { refuse } from '../float/refuse.ts';
import { type PoolPass, prepareSlab, prepareSlicePut, volumePasses, volumeWindow } from '../float/volume.ts';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { floatBias, watchAccumulator } from './accumulate.ts';
import { withCodeRelu } from './code-table.ts';
import { byteCodesIn, codesIn, flag, lowestCode } from './codes.ts';
import { packFilter, perChannel } from './convolution.ts';
import { mixed } from './mixed.ts';
import { averageFinish } from './pooling.ts';

/** The i32 sums of a convolution in three dimensions, slice by slice of the result; padding holds the zero point. */
const conv3d: OpImplementation<'tpu.Conv3D'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    if (y.dtype !== 'i32') refuse(op, `a result of ${y.dtype}`, 'i32');
    const [input, output] = [byteCodesIn(x), codesIn(y)];
    const [N, , , H, W] = x.shape as [number, number, number, number, number];
    const [, OC, OD, OH, OW] = y.shape as [number, number, number, number, number];
    const { depth, slice: w } = volumeWindow(op.attributes);
    const { group, doRelu } = op.attributes;
    const slab = prepareSlab(context, x, depth, input.zero);
    const packed = packFilter(op, context, w, [slab.channels, OC]);
    const bias = op.inputs[2] == null ? null : context.derive(2, 'f32', (weight) => floatBias(weight.data));
    const [multipliers, shifts] = [context.place(perChannel([1], OC, 1)), context.place(perChannel([0], OC, 0))];
    const geometry = [w.kernelH, w.kernelW, w.strideH, w.strideW, w.dilationH, w.dilationW] as const;
    const padding = [w.padTop, w.padLeft, w.padBottom, w.padRight] as const;
    const scratch = context.scratch(
      kernels.qs8_conv2d_scratch_bytes(slab.channels, H, W, OC, ...geometry, ...padding, group),
    );
    const image = context.scratch(4 * OC * OH * OW);
    const put = prepareSlicePut(context, y);
    const lo = lowestCode(output, doRelu);
    const watch = watchAccumulator(context);
    return () => {
      for (let n = 0; n < N; n++) {
        for (let z = 0; z < OD; z++) {
          slab.load(n, z);
          // biome-ignore format: one argument per line hides the groups
          const peak = kernels.qs8_conv2d(
            slab.slot.ptr, flag(input.signed), packed.ptr, bias?.ptr ?? 0, multipliers.ptr, shifts.ptr,
            image.ptr, 4, scratch.ptr, 1, slab.channels, H, W, OC,
            w.kernelH, w.kernelW, w.strideH, w.strideW, w.dilationH, w.dilationW,
            w.padTop, w.padLeft, w.padBottom, w.padRight, group, input.zero, Finish.multiplierShift,
            output.zero, lo, output.hi,
          );
          watch(peak);
          put(image.ptr, n, z);
        }
      }
    };
  },
};

type Triple = readonly [number, number, number];

/** Calls back with the covered elements of every window of every plane, in output order. */
function eachWindow(
  op: OpOf<'tpu.Pool3D'>,
  shapes: { readonly input: readonly number[]; readonly output: readonly number[] },
  visit: (elements: readonly number[]) => void,
): void {
  const [D, H, W] = shapes.input.slice(2) as unknown as Triple;
  const outputs = shapes.output.slice(2) as unknown as Triple;
  const { kernelShape, strides, pads } = op.attributes;
  const span = (axis: number, at: number, length: number): [number, number] => {
    const start = at * strides[axis]! - pads[axis]!;
    return [Math.max(start, 0), Math.min(start + kernelShape[axis]!, length)];
  };
  const planes = shapes.input[0]! * shapes.input[1]!;
  for (let plane = 0; plane < planes; plane++) {
    for (let cell = 0; cell < elementCount(outputs); cell++) {
      const [z0, z1] = span(0, Math.floor(cell / (outputs[1] * outputs[2])), D);
      const [y0, y1] = span(1, Math.floor(cell / outputs[2]) % outputs[1], H);
      const [x0, x1] = span(2, cell % outputs[2], W);
      const elements: number[] = [];
      for (let z = z0; z < z1; z++) {
        for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) elements.push(((plane * D + z) * H + y) * W + x);
      }
      visit(elements);
    }
  }
}

/** Largest code of windows in three dimensions: within the slices, then along depth. */
function prepareMax(op: OpOf<'tpu.Pool3D'>, context: PrepareContext): RunOp {
  const { kernels } = context;
  const [x, y] = [context.input(0), context.output()];
  const [slices, depth] = volumePasses(op.attributes, x.shape, y.shape.slice(2));
  const between = context.scratch(slices[0] * slices[3] * slices[4]);
  const room = ([, , iw, , ow, , kw, , strideW, , padLeft]: PoolPass): number =>
    kernels.qs8_maxpool2d_scratch_bytes(iw, ow, kw, strideW, padLeft);
  const scratch = context.scratch(Math.max(room(slices), room(depth)));
  const signed = flag(codesIn(x).signed);
  return () => {
    kernels.qs8_maxpool2d(x.ptr, signed, between.ptr, scratch.ptr, ...slices);
    kernels.qs8_maxpool2d(between.ptr, signed, y.ptr, scratch.ptr, ...depth);
  };
}

/**
 * An average always has a real factor and offset (numerics.md 7.5). Windows that lie in one slice are images' windows; the others
 * go by the definition, because the f32 average is multiplied back by every length of the window, each product rounded.
 */
function prepareAverage(op: OpOf<'tpu.Pool3D'>, context: PrepareContext): RunOp {
  const { kernels } = context;
  const { countIncludePad, doRelu, kernelShape, strides, pads, scale, offset } = op.attributes;
  const [x, y] = [context.input(0), context.output()];
  const [input, output] = [byteCodesIn(x), codesIn(y)];
  const lo = lowestCode(output, doRelu);
  const isFlat = kernelShape[0] === 1 && strides[0] === 1 && pads[0] === 0 && pads[3] === 0;
  if (!isFlat || scale === undefined || offset === undefined) return prepareAverageByDefinition(op, context);
  const [slices] = volumePasses(op.attributes, x.shape, y.shape.slice(2));
  return () =>
    // biome-ignore format: one argument per line hides the groups
    kernels.qs8_avgpool2d(
      x.ptr, flag(input.signed), y.ptr, ...slices, flag(countIncludePad), AverageFinish.real, 0, 0, scale, offset, 0,
      lo, output.hi,
    );
}

function prepareAverageByDefinition(op: OpOf<'tpu.Pool3D'>, context: PrepareContext): RunOp {
  const [x, y] = [context.input(0), context.output()];
  const { kernelShape, countIncludePad, doRelu } = op.attributes;
  const output = codesIn(y);
  const lo = lowestCode(output, doRelu);
  const shapes = { input: x.shape, output: y.shape };
  const area = elementCount(kernelShape);
  const finish = averageFinish(op, kernelShape, output.zero);
  return () => {
    const [from, to] = [x.view(), y.view()];
    let at = 0;
    eachWindow(op, shapes, (elements) => {
      const sum = elements.reduce((total, index) => total + from[index]!, 0);
      const value = finish(Math.fround(sum / (countIncludePad ? area : elements.length)));
      to[at++] = Math.min(Math.max(value, lo), output.hi);
    });
  };
}

const pool3d: OpImplementation<'tpu.Pool3D'> = {
  prepare: (op, context) =>
    op.attributes.poolMode === 'Max'
      ? withCodeRelu(context, op.attributes.doRelu, prepareMax(op, context))
      : prepareAverage(op, context),
};

export const volumeImplementations: Implementations = {
  'tpu.Conv3D': mixed(conv3d),
  'tpu.Pool3D': mixed(pool3d),
};
