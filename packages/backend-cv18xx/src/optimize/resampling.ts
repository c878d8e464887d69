import type { OpOf } from '@q/ir';
import type { Rewrite, Rewriting } from './rewrite.ts';
import { addValue, addWeight, makeOp, replaceBy } from './rewrite.ts';

const isWhole = (...values: readonly number[]): boolean => values.every(Number.isInteger);

/** Nearest-neighbour resizing by whole factors is an Upsample. */
export const interpToUpsample: Rewrite = (state, op, index) => {
  if (op.type !== 'top.Interp' || op.attributes.mode !== 'nearest') return false;
  const { scaleH, scaleW } = op.attributes;
  if (!isWhole(scaleH, scaleW)) return false;
  return replaceBy(state, index, [makeOp('top.Upsample', op.name, [op.inputs[0]!], { scaleH, scaleW })]);
};

/** From this factor on an Upsample stays. */
const LARGEST_STRIDE = 16;

/** An Upsample is a transposed depthwise convolution with ones. */
export const upsampleToDeconv: Rewrite = (state, op, index) => {
  if (op.type !== 'top.Upsample') return false;
  const { scaleH, scaleW } = op.attributes;
  if (scaleH >= LARGEST_STRIDE || scaleW >= LARGEST_STRIDE) return false;
  const channels = state.graph.values.get(op.inputs[0]!)!.shape[1]!;
  const shape = [...(channels === 1 ? [] : [channels]), 1, 1, scaleH, scaleW];
  const ones = new Float32Array(channels * scaleH * scaleW).fill(1);
  const filter = addWeight(state, `${op.name}_${op.name}filter`, shape, ones);
  const attributes = {
    kernelShape: [scaleH, scaleW],
    strides: [scaleH, scaleW],
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    group: channels,
    ...op.attributes,
  };
  return replaceBy(state, index, [makeOp('top.Deconv', op.name, [op.inputs[0]!, filter, null], attributes)]);
};

/** Does a linear resizing look at half pixels? PyTorch's form differs for a single row or column only. */
function looksAtHalfPixels(state: Rewriting, op: OpOf<'top.Interp'>): boolean {
  if (op.attributes.mode !== 'linear') return false;
  if (op.attributes.coordMode === 'half_pixel') return true;
  const shape = state.graph.values.get(op.name)!.shape;
  return op.attributes.coordMode === 'pytorch_half_pixel' && shape.at(-1)! > 1 && shape.at(-2)! > 1;
}

/** Weights of the two pixels around each of `scale` positions, for a filter over pixels with zeros in between. */
function halfPixelTaps(scale: number, pad: number): Float32Array {
  const taps = new Float32Array(2 * scale);
  for (let i = 0; i < scale; i++) {
    const at = pad - i < 0 ? pad - i + scale : pad - i;
    const position = Math.fround((0.5 + i) / scale + 0.5);
    const distance = Math.fround(position - Math.trunc(position));
    taps[at] = 1 - distance;
    taps[scale + at] = distance;
  }
  return taps;
}

/**
 * Linear enlargement by an even whole factor: the edge is repeated once around, then a depthwise convolution runs over the
 * pixels with zeros inserted between them.
 */
export const enlargeByConvolution: Rewrite = (state, op, index) => {
  if (op.type !== 'top.Interp' || !looksAtHalfPixels(state, op)) return false;
  const { scaleH: scale, scaleW } = op.attributes;
  // Other factors get pads in an order that upstream reads differently.
  if (scale !== scaleW || scale < 2 || scale % 2 !== 0) return false;
  const input = op.inputs[0]!;
  const [n, channels, h, w] = state.graph.values.get(input)!.shape as readonly [number, number, number, number];
  const pad = scale / 2 - 1;
  const taps = halfPixelTaps(scale, pad);
  const kernel = taps.length;
  const filter = Float32Array.from({ length: channels * kernel * kernel }, (_, at) => {
    const inPlane = at % (kernel * kernel);
    return taps[Math.floor(inPlane / kernel)]! * taps[inPlane % kernel]!;
  });
  const padded = `${input}_pad_edge`;
  addValue(state, padded, { shape: [n, channels, h + 2, w + 2], dtype: 'f32' }, state.ranges.get(input));
  const weight = addWeight(state, `${op.name}_${input}_add_weight`, [channels, 1, 1, kernel, kernel], filter);
  const attributes = {
    kernelShape: [kernel, kernel],
    strides: [1, 1],
    pads: [pad, pad, pad, pad],
    dilations: [1, 1],
    inserts: [scale - 1, scale - 1],
    group: channels,
  };
  return replaceBy(state, index, [
    makeOp('top.Pad', padded, [input], { paddings: [0, 0, 1, 1, 0, 0, 1, 1], val: 0, mode: 'edge' }),
    makeOp('top.Conv', op.name, [padded, weight, null], attributes),
  ]);
};

/** Linear halving is the average of four pixels. */
export const halveByConvolution: Rewrite = (state, op, index) => {
  if (op.type !== 'top.Interp' || !looksAtHalfPixels(state, op)) return false;
  const { scaleH, scaleW } = op.attributes;
  if (Math.abs(scaleH - scaleW) >= 1e-6 || Math.abs(scaleH - 0.5) >= 1e-6) return false;
  const input = op.inputs[0]!;
  const channels = state.graph.values.get(input)!.shape[1]!;
  const quarter = new Float32Array(channels * 4).fill(0.25);
  const weight = addWeight(state, `${op.name}_${input}_conv_filter`, [channels, 1, 1, 2, 2], quarter);
  const attributes = { kernelShape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0], dilations: [1, 1], group: channels };
  return replaceBy(state, index, [makeOp('top.Conv', op.name, [input, weight, null], attributes)]);
};
