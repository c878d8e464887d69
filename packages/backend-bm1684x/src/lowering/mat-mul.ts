import { getScaleAndShift, type MultiplierShift, type OpOf, QError, saturate, toInt } from '@q/ir';
import { tpuFormOf } from '@q/ir/lowering';
import type { Bm168xContext } from './context.ts';

/** Codes of a right operand that is a weight, one scale for all of it or one per column. */
export interface QuantizedRight {
  readonly codes: Int8Array;
  readonly scales: readonly number[];
}

/** Where element (k, n) of a right operand lies; upstream's sums read it as [K, N] even when it is transposed. */
interface RightLayout {
  readonly N: number;
  readonly K: number;
  readonly transposed: boolean;
}

export function rightLayout(context: Bm168xContext, op: OpOf<'top.MatMul'>): RightLayout {
  const shape = context.shapeOf(op.inputs[1]!);
  const [rows, columns] = [shape.at(-2) ?? 1, shape.at(-1)!];
  const transposed = op.attributes.rightTranspose;
  return transposed ? { N: rows, K: columns, transposed } : { N: columns, K: rows, transposed };
}

export interface RightOptions {
  readonly bits?: 4 | 8;
  readonly perChannel?: boolean;
  readonly given?: readonly number[] | undefined;
}

/** Codes of the right operand's weights; always signed, scales in f64 without a floor (numerics.md 7.2, 13). */
export function quantizeRight(
  context: Bm168xContext,
  op: OpOf<'top.MatMul'>,
  { bits = 8, perChannel = false, given }: RightOptions,
): QuantizedRight {
  const filter = context.floats(op.inputs[1]!);
  const largest = 2 ** (bits - 1) - 1;
  const { N, K, transposed } = rightLayout(context, op);
  const columnOf = (at: number): number => (perChannel ? (transposed ? Math.floor(at / K) % N : at % N) : 0);
  const maxima = new Float64Array(perChannel ? N : 1);
  filter.forEach((weight, at) => {
    const column = columnOf(at);
    maxima[column] = Math.max(maxima[column]!, Math.abs(weight));
  });
  const scales = Array.from(maxima, (maximum, column) => given?.[column] ?? maximum / largest);
  if (scales.some((scale) => scale === 0)) throw allZero(op);
  return { codes: Int8Array.from(filter, (weight, at) => saturate(weight / scales[columnOf(at)]!, 'i8')), scales };
}

/** Bias codes of a product with weights, with the input's zero point taken off; undefined when there is nothing to add. */
export function quantizeRightBias(
  context: Bm168xContext,
  op: OpOf<'top.MatMul'>,
  right: QuantizedRight,
  input: { readonly scale: number; readonly zeroPoint: number },
): Int32Array | undefined {
  const name = op.inputs[2];
  if (name == null && input.zeroPoint === 0) return undefined;
  const bias = name == null ? undefined : context.floats(name);
  const { N, K } = rightLayout(context, op);
  return Int32Array.from({ length: bias?.length ?? N }, (_, column) => {
    let sum = 0;
    if (input.zeroPoint !== 0) for (let k = 0; k < K; k++) sum += right.codes[k * N + column]!;
    const shift = sum * input.zeroPoint;
    const scale = right.scales[right.scales.length === 1 ? 0 : column]!;
    return bias === undefined ? 0 - shift : toInt(bias[column]! / (scale * input.scale) - shift);
  });
}

/** A bias as an operand: its length in the last of as many dimensions as the left operand has. */
export function biasOperand(
  context: Bm168xContext,
  op: OpOf<'top.MatMul'>,
  codes: Int32Array | undefined,
  suffix = 'bias_int32',
): string | null {
  if (codes === undefined) return null;
  const rank = context.shapeOf(op.inputs[0]!).length;
  const shape = Array.from({ length: rank }, (_, axis) => (axis === rank - 1 ? codes.length : 1));
  return context.addWeight(op.name, suffix, { shape, dtype: 'i32' }, codes);
}

const batchOf = (context: Bm168xContext, name: string): number =>
  context
    .shapeOf(name)
    .slice(0, -2)
    .reduce((product, length) => product * length, 1);

/** Multipliers brought to one shift; undefined when one of them would leave 32 bits. */
function atCommonShift(factors: readonly MultiplierShift[]): readonly MultiplierShift[] | undefined {
  const rshift = Math.max(0, ...factors.map((factor) => factor.rshift));
  const common = factors.map((factor) => ({
    multiplier: factor.multiplier * 2 ** (rshift - factor.rshift),
    rshift,
  }));
  return common.some(({ multiplier }) => multiplier > 2 ** 31) ? undefined : common;
}

/** One factor per column with a shift that all share: 32-bit multipliers where they fit, else 8-bit ones. */
function perColumnFactors(scales: readonly number[]): readonly MultiplierShift[] {
  const wide = atCommonShift(scales.map((scale) => getScaleAndShift(scale, 32)));
  return wide ?? atCommonShift(scales.map((scale) => getScaleAndShift(scale, 8)))!;
}

/**
 * The type that a product runs in: whole numbers, or a float type when its operands have no integer form (numerics.md
 * 7.2): F16 with a constant on the left, F32 where a zero point cannot be merged into a bias.
 */
export function lowerMatMul(context: Bm168xContext, op: OpOf<'top.MatMul'>): true | 'F16' | 'F32' {
  const [left, right, biasName] = op.inputs as readonly [string, string, (string | null)?];
  if (context.isWeight(left) || (biasName != null && !context.isWeight(biasName))) return 'F16';
  if (!context.isWeight(right)) return context.asymmetric ? 'F32' : lowerActivations(context, op);
  const input = context.inputQuantizerOf(op);
  if (input.zeroPoint !== 0 && batchOf(context, right) > 1) return 'F32';
  const output = context.resultOf(op);
  const perChannel = context.plan.options?.matmulPerChannel === true && context.processor.hasPerChannelMatMul;
  const weights = quantizeRight(context, op, {
    bits: context.weightBitsOf(op),
    perChannel,
    given: context.weightScalesOf(op),
  });
  const scales = weights.scales.map((scale) => Math.fround((input.scale * scale) / output.scale));
  const factors = perChannel ? perColumnFactors(scales) : [getScaleAndShift(scales[0]!, 32)];
  const filter = { shape: context.shapeOf(right), dtype: 'i8', spelling: 'i8' } as const;
  const multipliers = factors.map(({ multiplier }) => multiplier);
  const inputs = [
    left,
    context.addWeight(op.name, 'filter_int8', filter, weights.codes),
    biasOperand(context, op, quantizeRightBias(context, op, weights, input)),
    perChannel ? biasOperand(context, op, Int32Array.from(multipliers), 'multi_int32') : null,
  ];
  const attributes = {
    ...tpuFormOf(op).attributes,
    multipliers,
    rshifts: factors.map(({ rshift }) => rshift),
    fuseRq: perChannel,
  };
  context.emitAs(op, 'tpu.MatMul', inputs, attributes, output.type);
  return true;
}

/** Both operands are activations; symmetric only. */
function lowerActivations(context: Bm168xContext, op: OpOf<'top.MatMul'>): true {
  const [left, right, biasName] = op.inputs as readonly [string, string, (string | null)?];
  const product = context.quantizerOf(left, op).scale * context.quantizerOf(right, op).scale;
  const output = context.resultOf(op);
  const bias =
    biasName == null ? undefined : Int32Array.from(context.floats(biasName), (value) => toInt(value / product));
  const { multiplier, rshift } = getScaleAndShift(Math.fround(product / output.scale), 32);
  const attributes = { ...tpuFormOf(op).attributes, multipliers: [multiplier], rshifts: [rshift] };
  context.emitAs(op, 'tpu.MatMul', [left, right, biasOperand(context, op, bias)], attributes, output.type);
  return true;
}

function allZero(op: OpOf<'top.MatMul'>): QError {
  return new QError(`The weights of ${op.name} are all zero.`, {
    code: 'lower.zero-weights',
    where: op.name,
    hint: `remove ${op.name} from the network, or put it into the quantize table as F32`,
  });
}
