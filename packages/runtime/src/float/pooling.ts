import type { OpOf } from '@q/ir';
import type { Implementations, OpImplementation, PrepareContext } from '../implementation.ts';
import { maxPoolWithIndices, preparePlaces, preparePoolByDefinition } from './pool-definition.ts';
import { type Bounds, reluBounds } from './relu-bounds.ts';
import { prepareVolumePool } from './volume.ts';
import { imageShape, type Window2D, window2D } from './window.ts';

type PoolOp = OpOf<'top.AvgPool'> | OpOf<'top.MaxPool'>;

function preparePool(op: PoolOp, context: PrepareContext): () => void {
  const bounds = reluBounds(op.attributes);
  if (fitsVolume(op, context)) return prepareVolumePool(op, context, { outputs: volumeOutputs(op, context), bounds });
  if (fitsKernel(op, context)) {
    return op.type === 'top.MaxPool' ? prepareMax(op, context, bounds) : prepareAverage(op, context, bounds);
  }
  const isImage = op.attributes.kernelShape.length < 3 && !op.attributes.isAdaptive;
  if (op.type === 'top.MaxPool' && isImage) return preparePlaces(op, context, [context.output(), null]);
  return preparePoolByDefinition(op, context, bounds);
}

/** The kernels do equal windows, each of them over at least one element, and zero padding. */
function isPlain({ attributes }: PoolOp): boolean {
  const { isAdaptive, padValue, pads, dilations, uncountedCells } = attributes;
  if (dilations?.some((step) => step !== 1) || uncountedCells !== undefined || isAdaptive) return false;
  return padValue === 0 || pads.every((pad) => pad === 0);
}

const covers = (length: number, stride: number, pad: number, kernel: number, outputs: number): boolean =>
  kernel > pad && (outputs - 1) * stride - pad < length;

/** One or two dimensions. */
function fitsKernel(op: PoolOp, context: PrepareContext): boolean {
  const { kernelShape } = op.attributes;
  if (!isPlain(op) || kernelShape.length < 1 || kernelShape.length > 2) return false;
  const { input, output, w } = poolGeometry(op, context);
  return (
    covers(input.H, w.strideH, w.padTop, w.kernelH, output.H) &&
    covers(input.W, w.strideW, w.padLeft, w.kernelW, output.W)
  );
}

/** Three dimensions. */
function fitsVolume(op: PoolOp, context: PrepareContext): boolean {
  const { kernelShape, strides, pads } = op.attributes;
  const spatial = context.input(0).shape.slice(2);
  if (!isPlain(op) || kernelShape.length !== 3 || spatial.length !== 3) return false;
  const outputs = volumeOutputs(op, context);
  return spatial.every((length, axis) =>
    covers(length, strides[axis]!, pads[axis]!, kernelShape[axis]!, outputs[axis]!),
  );
}

function volumeOutputs({ attributes }: PoolOp, context: PrepareContext): readonly number[] {
  const { kernelShape, strides, pads } = attributes;
  return context
    .input(0)
    .shape.slice(2)
    .map((length, axis) => outputLength(length, kernelShape[axis]!, strides[axis]!, pads[axis]! + pads[axis + 3]!));
}

function prepareMax(op: PoolOp, context: PrepareContext, { lo, hi }: Bounds): () => void {
  const { kernels } = context;
  const [x, y] = [context.input(0), context.output()];
  const { input, output, w, planes } = poolGeometry(op, context);
  const scratch = context.scratch(kernels.f32_pool2d_scratch_bytes(input.W, output.W, w.kernelW, w.strideW));
  return () =>
    // biome-ignore format: one argument per line hides the groups
    kernels.f32_maxpool2d(
      x.ptr, y.ptr, scratch.ptr, planes, input.H, input.W, output.H, output.W,
      w.kernelH, w.kernelW, w.strideH, w.strideW, w.padTop, w.padLeft, lo, hi,
    );
}

function prepareAverage(op: PoolOp, context: PrepareContext, { lo, hi }: Bounds): () => void {
  const { kernels } = context;
  const [x, y] = [context.input(0), context.output()];
  const { input, output, w, planes } = poolGeometry(op, context);
  const includePad = op.attributes.countIncludePad ? 1 : 0;
  const scratch = context.scratch(kernels.f32_pool2d_scratch_bytes(input.W, output.W, w.kernelW, w.strideW));
  return () =>
    // biome-ignore format: one argument per line hides the groups
    kernels.f32_avgpool2d(
      x.ptr, y.ptr, scratch.ptr, planes, input.H, input.W, output.H, output.W,
      w.kernelH, w.kernelW, w.strideH, w.strideW, w.padTop, w.padLeft, includePad, lo, hi,
    );
}

function poolGeometry(op: PoolOp, context: PrepareContext) {
  const input = imageShape(context.input(0).shape);
  const w: Window2D = window2D(op.attributes);
  // The result's own type may have lost trailing dimensions (keepdims = false): its size follows from the element count.
  const planes = input.N * input.C;
  const rows = outputLength(input.H, w.kernelH, w.strideH, w.padTop + w.padBottom);
  const output = { H: rows, W: context.output().length / (planes * rows) };
  return { input, output, w, planes };
}

function outputLength(input: number, kernel: number, stride: number, pads: number): number {
  return Math.floor((input + pads - kernel) / stride) + 1;
}

export const poolingImplementations: Implementations = {
  'top.AvgPool': { prepare: preparePool } satisfies OpImplementation<'top.AvgPool'>,
  'top.MaxPool': { prepare: preparePool } satisfies OpImplementation<'top.MaxPool'>,
  'top.MaxPoolWithIndices': maxPoolWithIndices,
};
