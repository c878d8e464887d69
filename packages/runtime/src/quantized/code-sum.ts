import { type BinaryOpName, scaledTerm } from '@q/kernels-wasm';
import { prepareBinary } from '../float/broadcast.ts';
import type { PrepareContext, RunOp } from '../implementation.ts';
import { inOrder } from '../in-order.ts';
import { broadcastPair } from '../shapes.ts';
import type { Slot, TensorSlot } from '../slot.ts';
import { byteTable } from './code-table.ts';
import { isByte } from './codes.ts';

/** float32 counts every integer up to here. */
const EXACT = 2 ** 24;

/** Every code's rounded term in a sum. */
export function termsOf(slot: TensorSlot, zero: number, [multiplier, rshift]: readonly [number, number]): Float32Array {
  return Float32Array.from(byteTable(slot.dtype === 'i8', (code) => scaledTerm(code, { zero, multiplier, rshift })));
}

/** What the codes of a byte stand for without their zero point. */
export function distancesOf(slot: TensorSlot, zero: number): Float32Array {
  return Float32Array.from(byteTable(slot.dtype === 'i8', (code) => code - zero));
}

interface Fold {
  readonly operation: BinaryOpName;
  /** For every operand, the whole number that each of its 256 codes stands for. */
  readonly tables: readonly Float32Array[];
}

/**
 * Folds any number of operands from the left, as whole numbers in float32: for what the kernels of two operands do not take.
 * Answers where the result lies and what computes it; undefined where float32 would not be exact.
 */
export function prepareWholeFold(
  context: PrepareContext,
  { operation, tables }: Fold,
): { readonly result: Slot; readonly run: RunOp } | undefined {
  const { kernels } = context;
  const operands = context.inputs();
  const y = context.output();
  if (![...operands, y].every(isByte)) return undefined;
  const peaks = tables.map((table) => table.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0));
  const largest = operation === 'mul' ? peaks.reduce((p, q) => p * q) : peaks.reduce((p, q) => p + q);
  if (largest > EXACT) return undefined;
  const steps: RunOp[] = [];
  const floats = operands.map((slot, index) => {
    const own = context.scratch(4 * slot.length);
    const table = context.place(tables[index]!);
    steps.push(() => kernels.lut_x8_x32(slot.ptr, table.ptr, own.ptr, slot.length));
    return { slot: own as Slot, shape: slot.shape };
  });
  const left = floats.slice(1).reduce((a, b) => {
    const shape = broadcastPair(a.shape, b.shape);
    const slot = context.scratch(4 * shape.reduce((count, dim) => count * dim, 1));
    steps.push(prepareBinary(context, { operation, a, b, y: slot }));
    return { slot, shape };
  }, floats[0]!);
  return { result: left.slot, run: inOrder(steps) };
}
