import { intAttribute } from '../onnx-graph.ts';
import { type ElementType, elementTypeOf } from '../tensor-data.ts';
import { type Expander, type Expansion, notExpanded } from './expansion.ts';

/** Smallest and largest code. */
const RANGES: Readonly<Partial<Record<ElementType, readonly [number, number]>>> = {
  i4: [-8, 7],
  u4: [0, 15],
  i8: [-128, 127],
  u8: [0, 255],
  i16: [-32768, 32767],
  u16: [0, 65535],
};

/** Element types that `top.QuantizeLinear` makes itself. */
const NATIVE: ReadonlySet<ElementType> = new Set(['i8', 'u8', 'i16']);

/** A scale or zero point of one number per tensor, per index of `axis`, or per block, shaped to broadcast against x. */
function spread(to: Expansion, parameter: string, x: readonly number[]): string {
  const shape = to.shape(parameter);
  const real = to.cast(parameter, 'f32');
  const block = intAttribute(to.source, 'block_size', 0);
  if (shape.reduce((product, dim) => product * dim, 1) === 1 && block === 0) return to.reshape(real, [1]);
  const axis = intAttribute(to.source, 'axis', 1);
  const front = axis < 0 ? axis + x.length : axis;
  if (block === 0 || shape.length !== x.length) {
    return to.reshape(
      real,
      x.map((dim, index) => (index === front ? dim : 1)),
    );
  }
  // Every entry stands for `block` neighbours along the axis; the last block may be shorter.
  const wide = [...shape.slice(0, front + 1), block, ...shape.slice(front + 1)];
  const column = to.add('Unsqueeze', [real, to.ints([front + 1])]);
  const repeated = to.reshape(to.expand(column, wide), shape.with(front, shape[front]! * block));
  return shape[front]! * block === x[front] ? repeated : to.slice(repeated, front, 0, x[front]!);
}

function codes(to: Expansion, real: string, zero: string | undefined, type: ElementType): string {
  const range = RANGES[type];
  if (range === undefined) throw notExpanded(to.source, `codes of type ${type}`, Object.keys(RANGES).join(', '));
  const rounded = to.add('Round', [real]);
  const shifted = zero === undefined ? rounded : to.add('Add', [rounded, zero]);
  return to.add('Clip', [shifted, to.floats(range[0]), to.floats(range[1])]);
}

const isOneParameter = (to: Expansion, tensor: string) =>
  to.constant(tensor) !== undefined && to.shape(tensor).length <= 1;

/** Scales that the graph computes, blocks, no zero point, and codes that Top has no type for. */
const quantizeLinear: Expander = (node, to) => {
  const type = to.has(2) ? to.elementType(to.input(2)) : (elementTypeOf(intAttribute(node, 'output_dtype', 0)) ?? 'u8');
  const native = isOneParameter(to, to.input(1)) && intAttribute(node, 'block_size', 0) === 0 && NATIVE.has(type);
  if (native && to.has(2) && isOneParameter(to, to.input(2))) return;
  const shape = to.shape(to.input(0));
  const real = to.add('Div', [to.cast(to.input(0), 'f32'), spread(to, to.input(1), shape)]);
  const zero = to.has(2) ? spread(to, to.input(2), shape) : undefined;
  to.finishCast(codes(to, real, zero, type), type);
};

/** (x − zero) · scale where the parameters are computed, or per block. */
const dequantizeLinear: Expander = (node, to) => {
  const native = isOneParameter(to, to.input(1)) && intAttribute(node, 'block_size', 0) === 0;
  if (native && (!to.has(2) || isOneParameter(to, to.input(2)))) return;
  const shape = to.shape(to.input(0));
  const x = to.cast(to.input(0), 'f32');
  const shifted = to.has(2) ? to.add('Sub', [x, spread(to, to.input(2), shape)]) : x;
  const scale = spread(to, to.input(1), shape);
  to.finish('Mul', [shifted, scale]);
};

/** scale = (max(x, 0) − min(x, 0)) / 255, zero = round(−min / scale) in 0..255. */
const dynamicQuantizeLinear: Expander = (_node, to) => {
  const axes = to.shape(to.input(0)).map((_, axis) => axis);
  const extreme = (opType: string, bound: string) =>
    to.add(bound, [to.reduce(opType, to.input(0), axes, false), to.floats(0)]);
  const [low, high] = [extreme('ReduceMin', 'Min'), extreme('ReduceMax', 'Max')];
  const scale = to.add('Div', [to.add('Sub', [high, low]), to.floats(255)]);
  // A tensor of zeros has no range: its codes are 0 whatever the scale.
  const divisor = to.add('Where', [to.add('Equal', [scale, to.floats(0)]), to.floats(1), scale]);
  const zero = codes(to, to.add('Div', [to.add('Neg', [low]), divisor]), undefined, 'u8');
  to.finishCast(codes(to, to.add('Div', [to.input(0), divisor]), zero, 'u8'), 'u8');
  if (to.wants(1)) to.finish('Identity', [scale], {}, 1);
  if (to.wants(2)) to.finishCast(zero, 'u8', 2);
};

/** x − zero point in float, where every code and product is exact. */
function centred(to: Expansion, x: string, zero: string | undefined, shape?: readonly number[]): string {
  const real = to.cast(x, 'f32');
  if (zero === undefined || zero === '') return real;
  const offset = to.cast(zero, 'f32');
  return to.add('Sub', [real, shape === undefined ? offset : to.reshape(offset, shape)]);
}

/** Requantizes an exact sum: round(sum · factor) + zero. */
function requantize(to: Expansion, sum: string, factor: string, zero: string): void {
  const type = to.elementType(zero);
  const scaled = to.add('Mul', [sum, factor]);
  to.finishCast(codes(to, scaled, to.cast(zero, 'f32'), type), type);
}

const ones = (rank: number) => new Array<number>(rank).fill(1);

const convIntegerOf = (
  to: Expansion,
  inputs: { x: number; w: number; xZero: number; wZero: number; bias?: number },
) => {
  const { x, w } = inputs;
  const rank = to.shape(to.input(w)).length;
  const wZero = to.has(inputs.wZero) ? to.input(inputs.wZero) : undefined;
  const perFilter = wZero !== undefined && to.shape(wZero).length === 1 && to.shape(wZero)[0] !== 1;
  const filter = centred(to, to.input(w), wZero, perFilter ? [to.shape(wZero)[0]!, ...ones(rank - 1)] : undefined);
  const data = centred(to, to.input(x), to.has(inputs.xZero) ? to.input(inputs.xZero) : undefined);
  const bias = inputs.bias !== undefined && to.has(inputs.bias) ? [to.cast(to.input(inputs.bias), 'f32')] : [];
  return to.add('Conv', [data, filter, ...bias], Object.fromEntries(to.source.attributes));
};

const convInteger: Expander = (_node, to) => {
  to.finishCast(convIntegerOf(to, { x: 0, w: 1, xZero: 2, wZero: 3 }), 'i32');
};

/** y = saturate(round(conv · (x_scale · w_scale / y_scale)) + y_zero). */
const qLinearConv: Expander = (_node, to) => {
  const sum = convIntegerOf(to, { x: 0, w: 3, xZero: 2, wZero: 5, bias: 8 });
  const rank = to.shape(to.input(0)).length;
  const product = to.add('Mul', [to.cast(to.input(1), 'f32'), to.cast(to.input(4), 'f32')]);
  const factor = to.add('Div', [product, to.cast(to.input(6), 'f32')]);
  const scales = to.shape(to.input(4));
  const perChannel: number[] = scales.length === 1 && scales[0] !== 1 ? [1, scales[0]!, ...ones(rank - 2)] : [1];
  requantize(to, sum, to.reshape(factor, perChannel), to.input(7));
};

/** A zero point or scale of a matrix operand: one number, one per row of the left, or one per column of the right. */
function matrixParameter(to: Expansion, tensor: string, matrix: readonly number[], isLeft: boolean): string {
  const shape = to.shape(tensor);
  const real = to.cast(tensor, 'f32');
  if (shape.length !== 1 || shape[0] === 1) return real;
  return to.reshape(real, isLeft && shape[0] === matrix.at(-2) ? [shape[0]!, 1] : [1, shape[0]!]);
}

function integerProduct(to: Expansion, a: number, aZero: number, b: number, bZero: number): string {
  const operands = (
    [
      [a, aZero, true],
      [b, bZero, false],
    ] as const
  ).map(([x, zero, isLeft]) => {
    const real = to.cast(to.input(x), 'f32');
    if (!to.has(zero)) return real;
    return to.add('Sub', [real, matrixParameter(to, to.input(zero), to.shape(to.input(x)), isLeft)]);
  });
  return to.add('MatMul', operands);
}

const matMulInteger: Expander = (_node, to) => {
  to.finishCast(integerProduct(to, 0, 2, 1, 3), 'i32');
};

const qLinearMatMul: Expander = (_node, to) => {
  const [left, right] = [to.shape(to.input(0)), to.shape(to.input(3))];
  const sum = integerProduct(to, 0, 2, 3, 5);
  const scale = (index: number, shape: readonly number[], isLeft: boolean) =>
    matrixParameter(to, to.input(index), shape, isLeft);
  const product = to.add('Mul', [scale(1, left, true), scale(4, right, false)]);
  const factor = to.add('Div', [product, to.cast(to.input(6), 'f32')]);
  requantize(to, sum, factor, to.input(7));
};

export const quantizationExpanders: Readonly<Record<string, Expander>> = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  ConvInteger: convInteger,
  QLinearConv: qLinearConv,
  MatMulInteger: matMulInteger,
  QLinearMatMul: qLinearMatMul,
};
