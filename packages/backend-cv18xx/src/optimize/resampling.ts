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

/** Zeros before and behind an axis so that the filter yields `scale` results per pixel. */
function padsOf(scale: number): readonly [number, number] {
  const begin = Math.trunc(scale / 2) - 1;
  return [begin, scale - begin - 2];
}

/** The filter of every channel: products of the taps of both axes. */
function tapProducts(channels: number, scaleH: number, scaleW: number): Float32Array {
  const [rows, columns] = [scaleH, scaleW].map((scale) => halfPixelTaps(scale, padsOf(scale)[0])) as [
    Float32Array,
    Float32Array,
  ];
  const plane = rows.length * columns.length;
  return Float32Array.from({ length: channels * plane }, (_, at) => {
    const inPlane = at % plane;
    return rows[Math.floor(inPlane / columns.length)]! * columns[inPlane % columns.length]!;
  });
}

/**
 * Linear enlargement by whole factors: the edge is repeated once around, then a depthwise convolution runs over the pixels
 * with zeros inserted between them.
 */
export const enlargeByConvolution: Rewrite = (state, op, index) => {
  if (op.type !== 'top.Interp' || !looksAtHalfPixels(state, op)) return false;
  const { scaleH, scaleW } = op.attributes;
  if (!isWhole(scaleH, scaleW) || scaleH < 2 || scaleW < 2) return false;
  const input = op.inputs[0]!;
  const [n, channels, h, w] = state.graph.values.get(input)!.shape as readonly [number, number, number, number];
  const [[top, bottom], [left, right]] = [padsOf(scaleH), padsOf(scaleW)];
  const kernelShape = [2 * scaleH, 2 * scaleW];
  const padded = `${input}_pad_edge`;
  addValue(state, padded, { shape: [n, channels, h + 2, w + 2], dtype: 'f32' }, state.ranges.get(input));
  const taps = tapProducts(channels, scaleH, scaleW);
  const weight = addWeight(state, `${op.name}_${input}_add_weight`, [channels, 1, 1, ...kernelShape], taps);
  const attributes = {
    kernelShape,
    strides: [1, 1],
    pads: [top, left, bottom, right],
    dilations: [1, 1],
    inserts: [scaleH - 1, scaleW - 1],
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
