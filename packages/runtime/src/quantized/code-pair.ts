import { CodeOp, type CodeOpName, planBroadcast } from '@q/kernels-wasm';
import type { PrepareContext, RunOp } from '../implementation.ts';
import type { TensorSlot } from '../slot.ts';
import { flag, isByte } from './codes.ts';

/** One operand: where it is, the zero point that it loses first, and what it is scaled by. */
export interface CodeOperand {
  readonly slot: TensorSlot;
  readonly zero?: number;
  readonly multiplier?: number;
  readonly rshift?: number;
}

/** y = clamp(op(a, b) + zero), with broadcasting (`qs8_binary_nd`). */
export interface CodePair {
  readonly op: CodeOpName;
  readonly a: CodeOperand;
  readonly b: CodeOperand;
  readonly y: TensorSlot;
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
}

const LARGEST_MULTIPLIER = 2 ** 12;

function fits({ op, a, b }: CodePair): boolean {
  const scales = op === 'add' || op === 'sub' ? [a, b] : [a];
  if (op === 'mulQdm') return (a.multiplier ?? 1) >= 0 && Math.abs(a.rshift ?? 0) <= 30;
  const factors = [a.multiplier ?? 1, b.multiplier ?? 1];
  return (
    factors.every((factor) => Math.abs(factor) <= LARGEST_MULTIPLIER) &&
    scales.every(({ rshift = 0 }) => rshift >= 0 && rshift <= 30)
  );
}

/** Prepares the kernel; undefined where it does not take the types, multipliers or shifts. */
export function preparePair(context: PrepareContext, pair: CodePair): RunOp | undefined {
  const { a, b, y } = pair;
  if (![a.slot, b.slot, y].every(isByte) || !fits(pair)) return undefined;
  const { kernels } = context;
  const { rank, data } = planBroadcast(a.slot.shape, b.slot.shape);
  const plan = context.place(data);
  const code = CodeOp[pair.op];
  const [aSigned, bSigned] = [flag(a.slot.dtype === 'i8'), flag(b.slot.dtype === 'i8')];
  const { zero: zeroA = 0, multiplier: mA = 1, rshift: sA = 0 } = a;
  const { zero: zeroB = 0, multiplier: mB = 1, rshift: sB = 0 } = b;
  const { zero, lo, hi } = pair;
  return () =>
    // biome-ignore format: one argument per line hides the groups
    kernels.qs8_binary_nd(
      code, a.slot.ptr, aSigned, zeroA, mA, sA, b.slot.ptr, bSigned, zeroB, mB, sB,
      y.ptr, rank, plan.ptr, zero, lo, hi,
    );
}
