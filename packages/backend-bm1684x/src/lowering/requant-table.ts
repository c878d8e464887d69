import type { KnownOp, MultiplierShift, TensorType } from '@q/ir';
import type { Bm168xContext } from './context.ts';

/** Parameters per channel: multiplier, −rshift, zero point, in the processor's layout (numerics.md 7.7). */
function requantTable(factors: readonly MultiplierShift[], zeroPoint: number, columns: 2 | 3): Int32Array {
  return Int32Array.from(
    factors.flatMap(({ multiplier, rshift }) =>
      columns === 3
        ? [multiplier, 0 - rshift, zeroPoint]
        : [multiplier, (-rshift & 0xffff) | ((zeroPoint & 0xffff) << 16)],
    ),
  );
}

export interface RequantRequest {
  /** The i32 sums. */
  readonly sums: string;
  /** Operator that the table is named after; `op` itself unless told. */
  readonly owner?: string;
  readonly weightSuffix: string;
  readonly factors: readonly MultiplierShift[];
  readonly zeroPoint: number;
  /** Dimensions after the channel in the table's shape: 1 for images, 2 for volumes. */
  readonly spatial: 1 | 2;
  readonly type: TensorType;
}

/** Adds the `tpu.RequantIntAxis` that makes the codes of `op` out of i32 sums; it rounds half away. */
export function emitRequant(context: Bm168xContext, op: KnownOp, request: RequantRequest): void {
  const { sums, owner = op.name, weightSuffix, factors, zeroPoint, spatial, type } = request;
  const { requantColumns } = context.processor;
  const shape = [1, factors.length, ...new Array<number>(spatial).fill(1), requantColumns];
  const table = requantTable(factors, zeroPoint, requantColumns);
  const quant = context.addWeight(owner, weightSuffix, { shape, dtype: 'i32' }, table);
  context.emitAs(op, 'tpu.RequantIntAxis', [sums, quant], { quantMode: 'MultiplierShift' }, type);
}
