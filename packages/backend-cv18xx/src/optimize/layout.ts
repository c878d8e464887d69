import { floatsOf } from '@q/ir/lowering';
import type { Rewrite } from './rewrite.ts';
import { addValue, addWeight, makeOp, replaceBy } from './rewrite.ts';

/** Squeeze and Unsqueeze are Reshapes to the shape of their type. */
export const squeezeToReshape: Rewrite = (state, op, index) => {
  if (op.type !== 'top.Squeeze' && op.type !== 'top.Unsqueeze') return false;
  return replaceBy(state, index, [makeOp('top.Reshape', op.name, [op.inputs[0]!], {})]);
};

/** A Gather of indices at equal distances is a Slice. */
export const gatherToSlice: Rewrite = (state, op, index) => {
  if (op.type !== 'top.Gather') return false;
  const indices = state.graph.weights.get(op.inputs[1]!);
  const from = state.graph.values.get(op.inputs[0]!)?.shape;
  const to = state.graph.values.get(op.name)!.shape;
  if (indices === undefined || from === undefined || from.length !== to.length) return false;
  const axis = op.attributes.axis < 0 ? op.attributes.axis + from.length : op.attributes.axis;
  const positions = Array.from(floatsOf(indices), (at) => (at < 0 ? at + from[axis]! : at));
  const step = positions.length === 1 ? 1 : positions[1]! - positions[0]!;
  if (step <= 0 || positions.some((at, k) => at !== positions[0]! + k * step)) return false;
  const last = positions.at(-1)! + 1;
  const attributes = {
    offset: from.map((_, k) => (k === axis ? positions[0]! : 0)),
    steps: from.map((_, k) => (k === axis ? step : 1)),
    ends: from.map((length, k) => (k === axis ? last : length)),
  };
  return replaceBy(state, index, [makeOp('top.Slice', op.name, [op.inputs[0]!], attributes)]);
};

/** Weights of a MatMul are transposed once and for all. */
export const transposeWeights: Rewrite = (state, op, index) => {
  if (op.type !== 'top.MatMul' || !op.attributes.rightTranspose || op.attributes.hdimIsBatch) return false;
  const weight = state.graph.weights.get(op.inputs[1]!);
  if (weight === undefined || weight.type.shape.length < 2) return false;
  const { shape } = weight.type;
  const [n, k] = shape.slice(-2) as [number, number];
  const data = floatsOf(weight);
  const transposed = Float32Array.from(data, (_, at) => {
    const [matrix, inMatrix] = [Math.floor(at / (n * k)), at % (n * k)];
    return data[matrix * n * k + (inMatrix % n) * k + Math.floor(inMatrix / n)]!;
  });
  const name = addWeight(state, `${op.name}_${op.inputs[1]}`, [...shape.slice(0, -2), k, n], transposed);
  const inputs = op.inputs.map((input, position) => (position === 1 ? name : input));
  return replaceBy(state, index, [{ ...op, inputs, attributes: { ...op.attributes, rightTranspose: false } }]);
};

/** Axes of a reduction that do not follow each other are reduced one run after the other, the last run first. */
export const splitReduction: Rewrite = (state, op, index) => {
  if (op.type !== 'top.Reduce') return false;
  const runs: number[][] = [];
  for (const axis of op.attributes.axes) {
    if (runs.at(-1)?.at(-1) === axis - 1) runs.at(-1)!.push(axis);
    else runs.push([axis]);
  }
  if (runs.length < 2) return false;
  let input = op.inputs[0]!;
  let shape = state.graph.values.get(input)!.shape;
  const ops = runs.toReversed().map((axes, step) => {
    const isLast = step === runs.length - 1;
    const name = isLast ? op.name : `${op.name}_${runs.length - 1 - step}`;
    const { keepdims } = op.attributes;
    shape = keepdims
      ? shape.map((n, axis) => (axes.includes(axis) ? 1 : n))
      : shape.filter((_, a) => !axes.includes(a));
    if (!isLast) addValue(state, name, { shape, dtype: 'f32' }, state.ranges.get(op.name));
    const reduced = makeOp('top.Reduce', name, [input], { ...op.attributes, axes });
    input = name;
    return reduced;
  });
  return replaceBy(state, index, ops);
};
