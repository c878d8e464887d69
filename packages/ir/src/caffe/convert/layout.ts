import { elementCount } from '../../dtype.ts';
import { frontAxis } from '../../operators/shape-rules.ts';
import { type CaffeConversion, type LayerConverter, refuse } from '../conversion.ts';
import { integer, integers, message } from '../fields.ts';
import type { CaffeLayer } from '../net.ts';

/** The top is the bottom: the layer makes no operator. */
const alias: LayerConverter = (layer, to) => {
  const value = to.operand(layer);
  for (const top of layer.tops) to.values.set(top, value);
};

const nothing: LayerConverter = () => {};

const concat: LayerConverter = (layer, to) => {
  if (layer.bottoms.length === 1) return alias(layer, to);
  const parameters = message(layer.fields, 'concat_param');
  const inputs = layer.bottoms.map((_, index) => to.operand(layer, index));
  const axis = frontAxis(
    integer(parameters, 'axis', integer(parameters, 'concat_dim', 1)),
    to.shape(inputs[0]!).length,
  );
  if (inputs.every((input) => to.builder.weights.has(input))) return joinWeights(layer, to, inputs, axis);
  return to.finish(layer, 'top.Concat', { inputs, attributes: { axis } });
};

/** Prior boxes are weights; joined they are one, which TPU-MLIR's folding calls `<layer>_folder` (ir.md 4.1). */
function joinWeights(layer: CaffeLayer, to: CaffeConversion, inputs: readonly string[], axis: number): void {
  const shapes = inputs.map((input) => to.shape(input));
  const [first] = shapes as [readonly number[]];
  const fits = shapes.every(
    (shape) => shape.length === first.length && shape.every((dim, at) => at === axis || dim === first[at]),
  );
  if (!fits) refuse(layer, 'bottoms that do not fit together', `shapes that differ in dimension ${axis} only`);
  const outer = elementCount(first.slice(0, axis));
  const runs = shapes.map((shape) => elementCount(shape.slice(axis)));
  const shape = first.with(
    axis,
    shapes.reduce((sum, { [axis]: dim }) => sum + dim!, 0),
  );
  const top = to.top(layer);
  const weight = to.constant(`${to.nameOf(top)}_folder`, shape, () => {
    const joined = new Float32Array(elementCount(shape));
    let at = 0;
    for (let row = 0; row < outer; row++) {
      inputs.forEach((input, index) => {
        const data = to.builder.weights.get(input)!.data as Float32Array;
        joined.set(data.subarray(row * runs[index]!, (row + 1) * runs[index]!), at);
        at += runs[index]!;
      });
    }
    return joined;
  });
  to.define(top, weight);
}

function reshape(layer: CaffeLayer, to: CaffeConversion, shape: readonly number[]): void {
  to.finish(layer, 'top.Reshape', { inputs: [to.operand(layer), null], attributes: { shape } });
}

const flatten: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'flatten_param');
  const shape = to.shape(to.operand(layer));
  const start = frontAxis(integer(parameters, 'axis', 1), shape.length);
  const end = frontAxis(integer(parameters, 'end_axis', -1), shape.length);
  reshape(layer, to, [...shape.slice(0, start), elementCount(shape.slice(start, end + 1)), ...shape.slice(end + 1)]);
};

/** 0 copies a dimension, −1 is inferred; `axis` and `num_axes` select the dimensions that are replaced. */
const reshapeLayer: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'reshape_param');
  const shape = to.shape(to.operand(layer));
  const dims = integers(message(parameters, 'shape'), 'dim');
  const given = integer(parameters, 'axis', 0);
  const start = given < 0 ? shape.length + given + 1 : given;
  const count = integer(parameters, 'num_axes', -1);
  const end = count < 0 ? shape.length : start + count;
  if (start < 0 || start > shape.length || end > shape.length)
    refuse(layer, 'axes outside the bottom', 'existing axes');
  const copied = dims.map((dim, index) => (dim === 0 ? (shape[start + index] ?? 0) : dim));
  reshape(layer, to, [...shape.slice(0, start), ...copied, ...shape.slice(end)]);
};

/** Dimensions that `order` leaves out follow in their own order. */
const permute: LayerConverter = (layer, to) => {
  const input = to.operand(layer);
  const given = integers(message(layer.fields, 'permute_param'), 'order');
  const axes = to.shape(input).map((_, axis) => axis);
  if (given.some((axis) => !axes.includes(axis)) || new Set(given).size !== given.length)
    refuse(layer, `order ${given.join(' ')}`, 'each axis at most once');
  const order = [...given, ...axes.filter((axis) => !given.includes(axis))];
  to.finish(layer, 'top.Permute', { inputs: [input], attributes: { order } });
};

/** One Slice per top. */
const slice: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'slice_param');
  const input = to.operand(layer);
  const shape = to.shape(input);
  const axis = frontAxis(integer(parameters, 'axis', integer(parameters, 'slice_dim', 1)), shape.length);
  const points = integers(parameters, 'slice_point');
  const length = shape[axis]!;
  const part = length / layer.tops.length;
  const starts = points.length > 0 ? [0, ...points] : layer.tops.map((_, index) => index * part);
  const ends = [...starts.slice(1), length];
  if (
    starts.length !== layer.tops.length ||
    starts.some((start, index) => !Number.isInteger(start) || start >= ends[index]!)
  )
    refuse(layer, `slice points ${points.join(' ')} of ${length}`, 'rising points, one less than there are tops');
  layer.tops.forEach((_, index) => {
    to.finish(
      layer,
      'top.Slice',
      {
        inputs: [input, null, null, null],
        attributes: {
          offset: shape.map((_dim, at) => (at === axis ? starts[index]! : 0)),
          ends: shape.map((dim, at) => (at === axis ? ends[index]! : dim)),
          steps: shape.map(() => 1),
        },
      },
      index,
    );
  });
};

const shuffleChannel: LayerConverter = (layer, to) =>
  to.finish(layer, 'top.ShuffleChannel', {
    inputs: [to.operand(layer)],
    attributes: { group: integer(message(layer.fields, 'shuffle_channel_param'), 'group', 1) },
  });

const upsample: LayerConverter = (layer, to) => {
  const scale = integer(message(layer.fields, 'upsample_param'), 'scale', 2);
  if (layer.bottoms.length > 1) refuse(layer, 'a mask as second bottom', 'plain repetition');
  to.finish(layer, 'top.Upsample', { inputs: [to.operand(layer)], attributes: { scaleH: scale, scaleW: scale } });
};

export const layoutLayers = {
  Concat: concat,
  Dropout: alias,
  Split: alias,
  Silence: nothing,
  Flatten: flatten,
  Reshape: reshapeLayer,
  Permute: permute,
  Slice: slice,
  ShuffleChannel: shuffleChannel,
  Upsample: upsample,
};
