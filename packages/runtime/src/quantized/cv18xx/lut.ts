import { roundToCvBf16 } from '@q/ir';
import { CvTable } from '@q/kernels-wasm';
import { refuse } from '../../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext } from '../../implementation.ts';
import type { Slot } from '../../slot.ts';
import { floatIn } from '../codes.ts';

/** Values and slopes, or exponents and mantissas: 256 bfloat16 each, as f32. */
export interface Tables {
  readonly first: Slot;
  readonly second: Slot;
}

const SIZE = 256;

/** What brings [minRange, maxRange] to the indices of a slope table (numerics.md 10). */
export function slopeScale(minRange: number, maxRange: number): number {
  return roundToCvBf16(Math.fround(SIZE / Math.fround(maxRange - minRange)));
}

/** The tables of two operands, which are weights. */
export function tablesOf(
  op: { readonly type: string; readonly name: string },
  context: PrepareContext,
  operand: number,
): Tables {
  const [first, second] = [context.constant(operand), context.constant(operand + 1)];
  if (first === undefined || second === undefined) return refuse(op, 'computed tables', 'weights');
  if (first.data.length !== SIZE || second.data.length !== SIZE) refuse(op, 'other tables', `${SIZE} entries`);
  const floats = (data: ArrayLike<number>): Slot => context.place(Float32Array.from(data));
  return { first: floats(first.data), second: floats(second.data) };
}

/** A function of a bfloat16: interpolated, or the product of one of its exponent and one of its mantissa. */
const lut: OpImplementation<'tpu.LutBF16'> = {
  prepare(op, context) {
    const { kernels } = context;
    const { lutMode, minRange, maxRange } = op.attributes;
    const { first, second } = tablesOf(op, context, 1);
    const isSlope = lutMode === 'Slope';
    const kind = isSlope ? CvTable.slope : lutMode === 'Log' ? CvTable.log : CvTable.mantissa;
    const scale = isSlope ? slopeScale(minRange, maxRange) : 0;
    const [x, y] = [floatIn(context.input(0)), context.output()];
    return () => kernels.cv_lut(kind, x.ptr, first.ptr, second.ptr, y.ptr, y.length, scale);
  },
};

export const lutImplementations: Implementations = { 'tpu.LutBF16': lut };
