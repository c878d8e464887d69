import { floatsOf } from '@q/ir/lowering';
import type { Rewrite } from './rewrite.ts';
import { addValue, addWeight, makeOp, replaceBy } from './rewrite.ts';

/** Largest pad and dilation that the chip's convolution has. */
const LARGEST = 15;

/** Pads that the chip cannot do become an operator: no number changes. */
export const padApart: Rewrite = (state, op, index) => {
  if (op.type !== 'top.Conv') return false;
  const { pads, kernelShape } = op.attributes;
  const shape = state.graph.values.get(op.inputs[0]!)?.shape;
  const axes = kernelShape.length;
  if (shape?.length !== axes + 2 || axes > 2 || !pads.some((pad) => pad > LARGEST)) return false;
  const moved = pads.map((pad) => (pad > LARGEST ? pad : 0));
  const paddings = [0, 0, ...moved.slice(0, axes), 0, 0, ...moved.slice(axes)];
  const padded = `${op.name}_pad`;
  const grown = shape.map((length, axis) => length + paddings[axis]! + paddings[axis + shape.length]!);
  addValue(state, padded, { shape: grown, dtype: 'f32' }, state.ranges.get(op.inputs[0]!));
  const attributes = { ...op.attributes, pads: pads.map((pad) => (pad > LARGEST ? 0 : pad)) };
  return replaceBy(state, index, [
    makeOp('top.Pad', padded, [op.inputs[0]!], { paddings, mode: 'constant' }),
    { ...op, inputs: [padded, ...op.inputs.slice(1)], attributes },
  ]);
};

/** Zeros between two taps, and the dilation that is left: together they are `dilation`. */
function spreadOf(dilation: number): readonly [number, number] {
  for (let zeros = 1; zeros < dilation; zeros++) {
    const left = (dilation - 1 - zeros) / (zeros + 1) + 1;
    if (Number.isInteger(left) && left < LARGEST) return [zeros, left];
  }
  return [0, dilation];
}

/** Dilations that the chip cannot do become zeros in the filter: no number changes. */
export const dilateFilter: Rewrite = (state, op, index) => {
  if (op.type !== 'top.Conv' || op.attributes.kernelShape.length !== 2) return false;
  const weight = state.graph.weights.get(op.inputs[1]!);
  const [dh = 1, dw = 1] = op.attributes.dilations ?? [];
  if (weight?.type.shape.length !== 4 || (dh <= LARGEST && dw <= LARGEST)) return false;
  const [[zerosH, leftH], [zerosW, leftW]] = [spreadOf(dh), spreadOf(dw)];
  const [oc, ic, kh, kw] = weight.type.shape as readonly [number, number, number, number];
  const [h, w] = [(zerosH + 1) * (kh - 1) + 1, (zerosW + 1) * (kw - 1) + 1];
  const spread = new Float32Array(oc * ic * h * w);
  floatsOf(weight).forEach((value, at) => {
    const [plane, row, column] = [Math.floor(at / (kh * kw)), Math.floor((at % (kh * kw)) / kw), at % kw];
    spread[(plane * h + row * (zerosH + 1)) * w + column * (zerosW + 1)] = value;
  });
  const filter = addWeight(state, `${op.name}_dilation`, [oc, ic, h, w], spread);
  const inputs = op.inputs.map((name, position) => (position === 1 ? filter : name));
  const attributes = { ...op.attributes, kernelShape: [h, w], dilations: [leftH, leftW] };
  return replaceBy(state, index, [{ ...op, inputs, attributes }]);
};
