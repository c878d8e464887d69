import type { OpOf } from '@q/ir';
import type { PrepareContext, RunOp } from '../implementation.ts';
import type { Slot, TensorSlot } from '../slot.ts';
import { bytesPerElement } from '../storage.ts';
import { type Copy, prepareCopy } from '../strided-copy.ts';
import { packedFilter } from './packed-filter.ts';
import { type Bounds, reluBounds } from './relu-bounds.ts';
import { type Window2D, window2D } from './window.ts';

interface VolumeAttributes {
  readonly kernelShape: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations?: readonly number[];
}

/** A window in three dimensions: along depth, and within a slice. */
export interface VolumeWindow {
  readonly depth: { readonly kernel: number; readonly stride: number; readonly pad: number; readonly dilation: number };
  readonly slice: Window2D;
}

export function volumeWindow({ kernelShape, strides, pads, dilations }: VolumeAttributes): VolumeWindow {
  return {
    depth: { kernel: kernelShape[0]!, stride: strides[0]!, pad: pads[0]!, dilation: dilations?.[0] ?? 1 },
    slice: window2D({
      kernelShape: kernelShape.slice(1),
      strides: strides.slice(1),
      pads: [...pads.slice(1, 3), ...pads.slice(4)],
      ...(dilations === undefined ? {} : { dilations: dilations.slice(1) }),
    }),
  };
}

/** What one slice of the result sees: an image whose channels are the input's, each with its taps along depth. */
export interface Slab {
  readonly slot: Slot;
  readonly channels: number;
  /** Fills the slab with what slice `z` of the result of sample `n` sees. */
  load(n: number, z: number): void;
}

/**
 * A convolution in three dimensions is one of images with `kernel` times the channels, for every slice of its result: filters
 * are stored in that order already, and sums take their products in the same order. `empty` is what padding holds.
 */
export function prepareSlab(
  context: PrepareContext,
  x: TensorSlot,
  { kernel, stride, pad, dilation }: VolumeWindow['depth'],
  empty: number,
): Slab {
  const { kernels } = context;
  const [, C, D, H, W] = x.shape as [number, number, number, number, number];
  const sliceLength = H * W;
  const sliceBytes = sliceLength * bytesPerElement(x.dtype);
  const slot = context.scratch(C * kernel * sliceBytes);
  const copies = Array.from({ length: kernel + 1 }, (_, taps): Copy => {
    const sourceStrides = [D * sliceLength, dilation * sliceLength, 1];
    const targetStrides = [kernel * sliceLength, sliceLength, 1];
    return prepareCopy(context, x.dtype, { dims: [C, taps, sliceLength], sourceStrides, targetStrides });
  });
  const clear = (): void => {
    if (x.dtype === 'f32') kernels.fill_f32(slot.ptr, empty, slot.byteLength / 4);
    else kernels.fill_x8(slot.ptr, empty, slot.byteLength);
  };
  return {
    slot,
    channels: C * kernel,
    load(n, z) {
      const origin = z * stride - pad;
      const first = Math.max(0, Math.ceil(-origin / dilation));
      const end = Math.min(kernel, Math.ceil((D - origin) / dilation));
      const taps = Math.max(0, end - first);
      if (taps < kernel) clear();
      copies[taps]!(x.ptr + (n * C * D + origin + first * dilation) * sliceBytes, slot.ptr + first * sliceBytes);
    },
  };
}

/** Puts an image [channels, length] at slice `z` of sample `n` of y. */
export function prepareSlicePut(context: PrepareContext, y: TensorSlot): (from: number, n: number, z: number) => void {
  const [, channels, depth, rows, columns] = y.shape as [number, number, number, number, number];
  const length = rows * columns;
  const bytes = bytesPerElement(y.dtype);
  const copy = prepareCopy(context, y.dtype, {
    dims: [channels, length],
    sourceStrides: [length, 1],
    targetStrides: [depth * length, 1],
  });
  return (from, n, z) => copy(from, y.ptr + (n * channels * depth + z) * length * bytes);
}

/** top.Conv over [N, C, D, H, W], slice by slice of its result. */
export function prepareVolumeConvolution(op: OpOf<'top.Conv'>, context: PrepareContext): RunOp {
  const { kernels } = context;
  const [x, y, bias] = [context.input(0), context.output(), context.optionalInput(2)];
  const [N, , , H, W] = x.shape as [number, number, number, number, number];
  const [, OC, OD, OH, OW] = y.shape as [number, number, number, number, number];
  const { group } = op.attributes;
  const { depth, slice: w } = volumeWindow(op.attributes);
  const { lo, hi } = reluBounds(op.attributes);
  const slab = prepareSlab(context, x, depth, 0);
  const filter = packedFilter(context, [slab.channels, OC, w.kernelH, w.kernelW, group]);
  const geometry = [w.kernelH, w.kernelW, w.strideH, w.strideW, w.dilationH, w.dilationW] as const;
  const padding = [w.padTop, w.padLeft, w.padBottom, w.padRight] as const;
  const scratch = context.scratch(
    kernels.f32_conv2d_scratch_bytes(slab.channels, H, W, OC, ...geometry, ...padding, group),
  );
  const image = context.scratch(4 * OC * OH * OW);
  const put = prepareSlicePut(context, y);
  return () => {
    filter.refresh();
    for (let n = 0; n < N; n++) {
      for (let z = 0; z < OD; z++) {
        slab.load(n, z);
        // biome-ignore format: one argument per line hides the groups
        kernels.f32_conv2d(
          slab.slot.ptr, filter.packed.ptr, bias?.ptr ?? 0, image.ptr, scratch.ptr, 1, slab.channels, H, W, OC,
          w.kernelH, w.kernelW, w.strideH, w.strideW, w.dilationH, w.dilationW,
          w.padTop, w.padLeft, w.padBottom, w.padRight, group, lo, hi,
        );
        put(image.ptr, n, z);
      }
    }
  };
}

/** One pooling of images; the kernels' arguments between the planes and the bounds. */
export type PoolPass = readonly [
  planes: number,
  ih: number,
  iw: number,
  oh: number,
  ow: number,
  kh: number,
  kw: number,
  strideH: number,
  strideW: number,
  padTop: number,
  padLeft: number,
];

/** Pooling over [N, C, D, H, W] as two of images: within the slices, then along depth. */
export function volumePasses(
  attributes: VolumeAttributes,
  x: readonly number[],
  outputs: readonly number[],
): readonly [slices: PoolPass, depth: PoolPass] {
  const [N, C, D, H, W] = x as readonly [number, number, number, number, number];
  const [OD, OH, OW] = outputs as readonly [number, number, number];
  const { depth, slice: w } = volumeWindow(attributes);
  return [
    [N * C * D, H, W, OH, OW, w.kernelH, w.kernelW, w.strideH, w.strideW, w.padTop, w.padLeft],
    [N * C, D, OH * OW, OD, OH * OW, depth.kernel, 1, depth.stride, 1, depth.pad, 0],
  ];
}

/** Largest or mean element of windows in three dimensions; a mean is one of the slices' means. */
export function prepareVolumePool(
  op: OpOf<'top.AvgPool'> | OpOf<'top.MaxPool'>,
  context: PrepareContext,
  { outputs, bounds }: { readonly outputs: readonly number[]; readonly bounds: Bounds },
): RunOp {
  const { kernels } = context;
  const [x, y] = [context.input(0), context.output()];
  const [slices, depth] = volumePasses(op.attributes, x.shape, outputs);
  const between = context.scratch(4 * slices[0] * slices[3] * slices[4]);
  const room = ([, , iw, , ow, , kw, , strideW]: PoolPass): number =>
    kernels.f32_pool2d_scratch_bytes(iw, ow, kw, strideW);
  const scratch = context.scratch(Math.max(room(slices), room(depth)));
  const { lo, hi } = bounds;
  const [none, all] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  if (op.type === 'top.MaxPool') {
    return () => {
      kernels.f32_maxpool2d(x.ptr, between.ptr, scratch.ptr, ...slices, none, all);
      kernels.f32_maxpool2d(between.ptr, y.ptr, scratch.ptr, ...depth, lo, hi);
    };
  }
  const padding = op.attributes.countIncludePad ? 1 : 0;
  return () => {
    kernels.f32_avgpool2d(x.ptr, between.ptr, scratch.ptr, ...slices, padding, none, all);
    kernels.f32_avgpool2d(between.ptr, y.ptr, scratch.ptr, ...depth, padding, lo, hi);
  };
}
