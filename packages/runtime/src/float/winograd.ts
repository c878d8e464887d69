import type { OpOf } from '@q/ir';
import type { PrepareContext, RunOp } from '../implementation.ts';
import { reluBounds } from './relu-bounds.ts';
import { type ImageShape, imageShape, window2D } from './window.ts';

/** With fewer input channels the transforms take longer than the products that they save. */
const LEAST_CHANNELS = 8;
/** Costs in products of the direct algorithm, fitted to layers of ResNet-18 and YOLOv3-tiny: of a product among tiles … */
const TILE_PRODUCT = 4;
/** … of transforming a tile of one input or output channel … */
const INPUT_TILE = 17;
const OUTPUT_TILE = 11;
/** … and of reading a transformed filter from memory, once per sixteen tiles. */
const FILTER = 10;
/** What the algorithm must save before its memory and its rounding are worth it. */
const WORTH = 0.8;

/**
 * Prepares a convolution by Winograd's F(4x4, 3x3) where the session allows it and it is worth it; otherwise undefined. Whether it is
 * does not depend on the batch, so that a sample's result does not either.
 */
export function prepareWinograd(op: OpOf<'top.Conv'>, context: PrepareContext): RunOp | undefined {
  const [x, y, bias] = [context.input(0), context.output(), context.optionalInput(2)];
  const [input, output] = [imageShape(x.shape), imageShape(y.shape)];
  if (!context.winograd || context.constant(1) === undefined || !isPlain3x3(op)) return undefined;
  if (!isWorthIt(input.C, output)) return undefined;
  const { kernels } = context;
  const w = window2D(op.attributes);
  const { lo, hi } = reluBounds(op.attributes);
  const { N, C, H, W } = input;
  const pads = [w.padTop, w.padLeft, w.padBottom, w.padRight] as const;
  const filters = context.pack(1, {
    layout: `f32_winograd ${[C, output.C]}`,
    byteLength: kernels.f32_winograd_packed_bytes(C, output.C),
    fill: (raw, packed) => kernels.f32_winograd_pack(raw, packed, C, output.C),
  });
  const scratch = context.scratch(kernels.f32_winograd_scratch_bytes(N, C, H, W, ...pads));
  return () =>
    // biome-ignore format: one argument per line hides the groups
    kernels.f32_winograd(
      x.ptr, filters.ptr, bias?.ptr ?? 0, y.ptr, scratch.ptr, N, C, H, W, output.C,
      w.padTop, w.padLeft, w.padBottom, w.padRight, lo, hi,
    );
}

function isPlain3x3({ attributes }: OpOf<'top.Conv'>): boolean {
  const w = window2D(attributes);
  const steps = [w.strideH, w.strideW, w.dilationH, w.dilationW, attributes.group];
  return w.kernelH === 3 && w.kernelW === 3 && steps.every((step) => step === 1);
}

/** Compares costs per sample, in products of the direct algorithm per filter tap. */
function isWorthIt(ic: number, { C: oc, H, W }: ImageShape): boolean {
  if (ic < LEAST_CHANNELS || oc < LEAST_CHANNELS) return false;
  const tiles = Math.ceil(H / 4) * Math.ceil(W / 4);
  const products = TILE_PRODUCT * 4 * Math.ceil(tiles / 4) * ic * oc + FILTER * Math.ceil(tiles / 16) * ic * oc;
  const transforms = tiles * (INPUT_TILE * ic + OUTPUT_TILE * oc);
  return products + transforms < WORTH * H * W * ic * oc;
}
