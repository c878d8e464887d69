import type { OpOf } from '@q/ir';
import type { ConstantOperand, Implementations, OpImplementation, PrepareContext } from '../implementation.ts';
import type { Slot } from '../slot.ts';
import { prepareConvolution, prepareTransposed } from './convolution-definition.ts';
import { deformConv } from './deformable-convolution.ts';
import { packedFilter } from './packed-filter.ts';
import { refuse } from './refuse.ts';
import { reluBounds } from './relu-bounds.ts';
import { prepareVolumeConvolution } from './volume.ts';
import { type ImageShape, imageShape, type Window2D, window2D } from './window.ts';
import { prepareWinograd } from './winograd.ts';

const conv: OpImplementation<'top.Conv'> = {
  prepare(op, context) {
    if (op.attributes.inserts?.some((insert) => insert !== 0)) refuse(op, 'inserted zeros', 'inserts of 0');
    const { shape, length } = context.input(0);
    if (shape.length === 5 && length > 0) return prepareVolumeConvolution(op, context);
    if (shape.length > 4 || length === 0) return prepareConvolution(op, context);
    checkRank(op);
    const winograd = prepareWinograd(op, context);
    if (winograd !== undefined) return winograd;
    const { kernels } = context;
    const [x, y, bias] = [context.input(0), context.output(), context.optionalInput(2)];
    const { N, C, H, W } = imageShape(x.shape);
    const OC = imageShape(y.shape).C;
    const { group } = op.attributes;
    const w = window2D(op.attributes);
    const { lo, hi } = reluBounds(op.attributes);
    const filter = packedFilter(context, [C, OC, w.kernelH, w.kernelW, group]);
    const geometry = [w.kernelH, w.kernelW, w.strideH, w.strideW, w.dilationH, w.dilationW] as const;
    const padding = [w.padTop, w.padLeft, w.padBottom, w.padRight] as const;
    const scratch = context.scratch(kernels.f32_conv2d_scratch_bytes(C, H, W, OC, ...geometry, ...padding, group));
    context.offerFusion(({ code, p, q }) => () => {
      filter.refresh();
      // biome-ignore format: one argument per line hides the groups
      kernels.f32_conv2d_unary(
        x.ptr, filter.packed.ptr, bias?.ptr ?? 0, y.ptr, scratch.ptr, N, C, H, W, OC,
        w.kernelH, w.kernelW, w.strideH, w.strideW, w.dilationH, w.dilationW,
        w.padTop, w.padLeft, w.padBottom, w.padRight, group, lo, hi, code, p, q,
      );
    });
    return () => {
      filter.refresh();
      // biome-ignore format: one argument per line hides the groups
      kernels.f32_conv2d(
        x.ptr, filter.packed.ptr, bias?.ptr ?? 0, y.ptr, scratch.ptr, N, C, H, W, OC,
        w.kernelH, w.kernelW, w.strideH, w.strideW, w.dilationH, w.dilationW,
        w.padTop, w.padLeft, w.padBottom, w.padRight, group, lo, hi,
      );
    };
  },
};

const deconv: OpImplementation<'top.Deconv'> = {
  prepare(op, context) {
    if (context.input(0).shape.length > 4 || context.constant(1) === undefined) return prepareTransposed(op, context);
    checkRank(op);
    const { kernels } = context;
    const [x, y, bias] = [context.input(0), context.output(), context.optionalInput(2)];
    const [input, output] = [imageShape(x.shape), imageShape(y.shape)];
    const { group } = op.attributes;
    const w = window2D(op.attributes);
    const { lo, hi } = reluBounds(op.attributes);
    const [outputPadH, outputPadW] = trailingRows(w, input, output);
    const packed = packedDeconvFilter(op, context, input.C, output.C);
    const scratch = context.scratch(
      kernels.f32_deconv2d_scratch_bytes(input.H, input.W, output.C, w.kernelH, w.kernelW, group),
    );
    context.offerFusion(
      ({ code, p, q }) =>
        () =>
          // biome-ignore format: one argument per line hides the groups
          kernels.f32_deconv2d_unary(
            x.ptr, packed.ptr, bias?.ptr ?? 0, y.ptr, scratch.ptr, input.N, input.C, input.H, input.W, output.C,
            w.kernelH, w.kernelW, w.strideH, w.strideW, w.dilationH, w.dilationW,
            w.padTop, w.padLeft, w.padBottom, w.padRight, outputPadH, outputPadW, group, lo, hi, code, p, q,
          ),
    );
    return () =>
      // biome-ignore format: one argument per line hides the groups
      kernels.f32_deconv2d(
        x.ptr, packed.ptr, bias?.ptr ?? 0, y.ptr, scratch.ptr, input.N, input.C, input.H, input.W, output.C,
        w.kernelH, w.kernelW, w.strideH, w.strideW, w.dilationH, w.dilationW,
        w.padTop, w.padLeft, w.padBottom, w.padRight, outputPadH, outputPadW, group, lo, hi,
      );
  },
};

function packedDeconvFilter(op: OpOf<'top.Deconv'>, context: PrepareContext, ic: number, oc: number): Slot {
  const { kernels } = context;
  const { kernelH, kernelW } = window2D(op.attributes);
  const geometry = [ic, oc, kernelH, kernelW, op.attributes.group] as const;
  return context.pack(1, {
    layout: `f32_deconv2d ${geometry}`,
    byteLength: kernels.f32_deconv2d_packed_bytes(...geometry),
    arrange: (weight) => inputMajorFilter(weight, ic, oc, op.attributes.group),
    fill: (raw, packed) => kernels.f32_deconv2d_pack(raw, packed, ...geometry),
  });
}

/** From the stored order (g, oc/g, ic/g, k…) of ir.md 8.5 to ONNX's (ic, oc/g, k…), which the kernel packs. */
function inputMajorFilter(weight: ConstantOperand, ic: number, oc: number, groups: number): Float32Array {
  const [I, O] = [ic / groups, oc / groups];
  const taps = weight.data.length / (groups * I * O);
  const arranged = new Float32Array(weight.data.length);
  for (let g = 0; g < groups; g++) {
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) {
        const source = ((g * O + o) * I + i) * taps;
        arranged.set(weight.data.subarray(source, source + taps), ((g * I + i) * O + o) * taps);
      }
    }
  }
  return arranged;
}

/** Rows and columns beyond what stride, pads and taps give: ONNX's output padding, read from the result's type. */
function trailingRows(w: Window2D, input: ImageShape, output: ImageShape): [number, number] {
  const plain = (length: number, stride: number, pads: number, reach: number): number =>
    (length - 1) * stride - pads + reach + 1;
  return [
    output.H - plain(input.H, w.strideH, w.padTop + w.padBottom, w.dilationH * (w.kernelH - 1)),
    output.W - plain(input.W, w.strideW, w.padLeft + w.padRight, w.dilationW * (w.kernelW - 1)),
  ];
}

function checkRank(op: OpOf<'top.Conv'> | OpOf<'top.Deconv'>): void {
  const rank = op.attributes.kernelShape.length;
  if (rank < 1 || rank > 2) refuse(op, `${rank} spatial dimensions`, '1 or 2');
}

export const convolutionImplementations: Implementations = {
  'top.Conv': conv,
  'top.Deconv': deconv,
  'top.DeformConv2D': deformConv,
};
