import { BinaryOp, type BinaryOpName, planBroadcast } from '@q/kernels-wasm';
import type { OperandTypes, PrepareContext, Sharing } from '../implementation.ts';
import { sameShape } from '../shapes.ts';
import type { Slot } from '../slot.ts';
import { type Bounds, UNBOUNDED } from './relu-bounds.ts';

/** An operand of a broadcasting operation: a tensor, or a number placed in memory (shape [1]). */
export interface BroadcastOperand {
  readonly slot: Slot;
  readonly shape: readonly number[];
}

export interface BinaryCall {
  readonly operation: BinaryOpName;
  readonly a: BroadcastOperand;
  readonly b: BroadcastOperand;
  readonly y: Slot;
  /** Factors of `addScaled`. */
  readonly ca?: number;
  readonly cb?: number;
  readonly bounds?: Bounds;
}

/** Prepares y = clamp(operation(a, b)) with NumPy broadcasting, by the cheapest kernel that fits the shapes. */
export function prepareBinary(context: PrepareContext, call: BinaryCall): () => void {
  const { kernels } = context;
  const { a, b, y, ca = 1, cb = 1, bounds: { lo, hi } = UNBOUNDED } = call;
  const code = BinaryOp[call.operation];
  const [aCount, bCount] = [count(a), count(b)];
  if (sameShape(a.shape, b.shape) || aCount === 1 || bCount === 1) {
    const length = Math.max(aCount, bCount);
    const [aStep, bStep] = [aCount === length ? 1 : 0, bCount === length ? 1 : 0];
    return () => kernels.f32_binary(code, a.slot.ptr, aStep, b.slot.ptr, bStep, y.ptr, length, ca, cb, lo, hi);
  }
  const plan = planBroadcast(a.shape, b.shape);
  const placed = context.place(plan.data);
  return () => kernels.f32_binary_nd(code, a.slot.ptr, b.slot.ptr, y.ptr, plan.rank, placed.ptr, ca, cb, lo, hi);
}

/** A number as an operand. */
export function scalarOperand(context: PrepareContext, value: number): BroadcastOperand {
  return { slot: context.place(Float32Array.of(value)), shape: [1] };
}

/** The result may overwrite an operand that is not repeated: one with as many elements as the result. */
export function broadcastSharing({ inputs, outputs }: OperandTypes): Sharing {
  const result = outputs[0]?.shape ?? [];
  const operands = [0, 1].filter((index) => inputs[index] != null && product(inputs[index].shape) === product(result));
  return { kind: 'inPlace', operands };
}

function count(operand: BroadcastOperand): number {
  return product(operand.shape);
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, dim) => total * dim, 1);
}
