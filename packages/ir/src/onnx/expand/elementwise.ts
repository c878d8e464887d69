import { floatAttribute, intAttribute, stringAttribute } from '../onnx-graph.ts';
import { type ElementType, elementTypeOf } from '../tensor-data.ts';
import { type Expander, int, isFloatType, notExpanded } from './expansion.ts';

/** Integer types whose arithmetic wraps at a size that float32 still holds exactly. */
const NARROW: ReadonlySet<ElementType> = new Set(['i8', 'u8', 'i16', 'u16', 'i4', 'u4']);

/**
 * Arithmetic of narrow integers: computed in int64, then cast back, which wraps (numpy's and ONNX's meaning). What cannot
 * leave the type is not touched.
 */
const wrapping: Expander = (node, to) => {
  const type = to.elementType(to.input(0));
  if (!NARROW.has(type) && !(type === 'u32' || type === 'u64')) return;
  if (!NARROW.has(type) && node.opType !== 'Sub') return;
  const wide = node.inputs.map((input) => to.cast(input, 'i64'));
  to.finishCast(to.add(node.opType, wide, Object.fromEntries(node.attributes)), type);
};

/** gamma · (x > 0 ? x : alpha · (eˣ − 1)) */
const selu: Expander = (node, to) => {
  const alpha = floatAttribute(node, 'alpha', Math.fround(1.6732632423543772));
  const gamma = floatAttribute(node, 'gamma', Math.fround(1.0507009873554805));
  const elu = to.add('Elu', [to.input(0)], { alpha: { kind: 'float', value: alpha } });
  to.finish('Mul', [elu, to.floats(gamma)]);
};

/** alpha · elu(x / alpha) */
const celu: Expander = (node, to) => {
  const alpha = floatAttribute(node, 'alpha', 1);
  if (alpha === 1) {
    to.finish('Elu', [to.input(0)], { alpha: { kind: 'float', value: 1 } });
    return;
  }
  const scaled = to.add('Div', [to.input(0), to.floats(alpha)]);
  const elu = to.add('Elu', [scaled], { alpha: { kind: 'float', value: 1 } });
  to.finish('Mul', [elu, to.floats(alpha)]);
};

const thresholdedRelu: Expander = (node, to) => {
  const above = to.add('Greater', [to.input(0), to.floats(floatAttribute(node, 'alpha', 1))]);
  to.finish('Where', [above, to.input(0), to.floats(0)]);
};

/** x < −lambd: x + bias; x > lambd: x − bias; else 0. */
const shrink: Expander = (node, to) => {
  const [x, type] = [to.input(0), to.elementType(to.input(0))];
  const [bias, lambd] = [floatAttribute(node, 'bias', 0), floatAttribute(node, 'lambd', 0.5)];
  const below = to.add('Less', [x, to.floats(-lambd)]);
  const above = to.add('Greater', [x, to.floats(lambd)]);
  const positive = to.add('Where', [above, to.add('Sub', [x, to.floats(bias)]), to.floats(0)]);
  const result = [below, to.add('Add', [x, to.floats(bias)]), positive];
  if (isFloatType(type)) to.finish('Where', result);
  else to.finishCast(to.cast(to.add('Where', result), 'f32'), type);
};

const mean: Expander = (node, to) => {
  if (node.inputs.length === 1) to.finish('Identity', node.inputs);
  else to.finish('Mul', [to.add('Sum', node.inputs), to.floats(1 / node.inputs.length)]);
};

/** Bounds that the graph computes: min(max(x, lo), hi), the upper bound last as ONNX says. */
const clip: Expander = (_node, to) => {
  const computed = [1, 2].some((index) => to.has(index) && to.constant(to.input(index)) === undefined);
  if (!computed) return;
  if (!to.has(2)) {
    to.finish('Max', [to.input(0), to.input(1)]);
    return;
  }
  const raised = to.has(1) ? to.add('Max', [to.input(0), to.input(1)]) : to.input(0);
  to.finish('Min', [raised, to.input(2)]);
};

/** A slope that is not one number per channel: x < 0 ? slope · x : x. */
const prelu: Expander = (_node, to) => {
  const [x, slope] = [to.input(0), to.input(1)];
  const [shape, slopes] = [to.shape(x), to.shape(slope)];
  const count = slopes.reduce((product, dim) => product * dim, 1);
  const channelAt = slopes.length - (shape.length - 1);
  if (to.opset < 7 && slopes.length === 1 && count === shape[1] && shape.length > 2) {
    // Before opset 7 a slope of rank 1 is one number per channel.
    const column = [count, ...shape.slice(2).map(() => 1)];
    to.finish('PRelu', [x, to.reshape(slope, column)]);
    return;
  }
  const perChannel = count === 1 || (count === shape[1] && slopes[channelAt] === count);
  if (perChannel && to.constant(slope) !== undefined && isFloatType(to.elementType(x))) return;
  const negative = to.add('Less', [x, to.cast(to.floats(0), to.elementType(x))]);
  to.finish('Where', [negative, to.add('Mul', [x, slope]), x]);
};

/** Only NaN differs from itself. */
const isNotANumber: Expander = (_node, to) => {
  to.finish('Not', [to.add('Equal', [to.input(0), to.input(0)])]);
};

const isInf: Expander = (node, to) => {
  const [up, down] = [intAttribute(node, 'detect_positive', 1) !== 0, intAttribute(node, 'detect_negative', 1) !== 0];
  const x = to.input(0);
  if (up && down) to.finish('Equal', [to.add('Abs', [x]), to.floats(Infinity)]);
  else if (up || down) to.finish('Equal', [x, to.floats(up ? Infinity : -Infinity)]);
  else to.finish('Less', [to.add('Abs', [x]), to.floats(0)]);
};

const castLike: Expander = (_node, to) => {
  const type = to.elementType(to.input(1));
  to.finishCast(to.input(0), type);
};

const INTEGER_BITS: Readonly<Partial<Record<ElementType, number>>> = { bool: 8, u8: 8, i8: 8, u16: 16, i16: 16 };

/** The bits of an integer read as another one of the same size: a cast that wraps. */
const bitCast: Expander = (node, to) => {
  const [from, type] = [to.elementType(to.input(0)), elementTypeOf(intAttribute(node, 'to'))];
  const bits = INTEGER_BITS[from];
  if (bits === undefined || type === undefined || type === 'bool' || INTEGER_BITS[type] !== bits) {
    throw notExpanded(node, `${from} read as ${type}`, 'integers of 8 or 16 bits: values are float32 in Top');
  }
  to.finishCast(to.input(0), type);
};

/** x · 2ⁿ, wrapped to the type, or ⌊x / 2ⁿ⌋. */
const bitShift: Expander = (node, to) => {
  const type = to.elementType(to.input(0));
  const [x, n] = node.inputs.map((input) => to.cast(input, 'f32')) as [string, string];
  const factor = to.add('Pow', [to.floats(2), n]);
  if (stringAttribute(node, 'direction', '') === 'LEFT')
    to.finishCast(to.cast(to.add('Mul', [x, factor]), 'i64'), type);
  else to.finishCast(to.add('Floor', [to.add('Div', [x, factor])]), type);
};

/** A power of integers is an integer: exact for integer exponents, towards zero for real ones. */
const pow: Expander = (node, to) => {
  const [base, exponent] = [to.elementType(to.input(0)), to.elementType(to.input(1))];
  if (isFloatType(base)) return;
  const [x, y] = node.inputs.map((input) => to.cast(input, 'f32')) as [string, string];
  const power = to.add('Pow', [x, y]);
  to.finishCast(isFloatType(exponent) ? power : to.add('Round', [power]), base);
};

/** 1 at the first largest element along the axis, 0 elsewhere. */
const hardmax: Expander = (node, to) => {
  const shape = to.shape(to.input(0));
  const axis = intAttribute(node, 'axis', to.opset < 13 ? 1 : -1);
  const front = axis < 0 ? axis + shape.length : axis;
  // Before opset 13 everything from the axis on is one dimension.
  const flat = to.opset < 13 ? shape.slice(front).reduce((product, dim) => product * dim, 1) : shape[front]!;
  const rows = to.opset < 13 ? to.reshape(to.input(0), [-1, flat]) : to.input(0);
  const at = to.opset < 13 ? 1 : front;
  const rank = to.opset < 13 ? 2 : shape.length;
  const best = to.add('ArgMax', [rows], { axis: int(at), keepdims: int(1) });
  const positions = to.ints(
    Array.from({ length: flat }, (_, index) => index),
    Array.from({ length: rank }, (_, index) => (index === at ? flat : 1)),
  );
  const hit = to.cast(to.add('Equal', [best, positions]), 'f32');
  to.finish('Reshape', [hit, to.ints(shape)]);
};

export const elementwiseExpanders: Readonly<Record<string, Expander>> = {
  Add: wrapping,
  Sub: wrapping,
  Mul: wrapping,
  Neg: wrapping,
  Sum: wrapping,
  Selu: selu,
  Celu: celu,
  ThresholdedRelu: thresholdedRelu,
  Shrink: shrink,
  Mean: mean,
  Clip: clip,
  PRelu: prelu,
  IsNaN: isNotANumber,
  IsInf: isInf,
  CastLike: castLike,
  BitCast: bitCast,
  BitShift: bitShift,
  Pow: pow,
  Hardmax: hardmax,
};
