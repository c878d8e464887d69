import type { OpOf } from '@q/ir';
import { BinaryOp, type KernelExports, UnaryOp } from '@q/kernels-wasm';
import type { Implementations, OpImplementation, PrepareContext } from '../implementation.ts';
import type { Slot, TensorSlot } from '../slot.ts';
import { refuse } from './refuse.ts';

type Attention = OpOf<'top.ScaleDotProductAttention'>;

/** Something that is done to the scores [S, T] of one head. */
type Step = (head: number) => void;

/** The scores of the head at work. */
interface Scores {
  readonly slot: Slot;
  readonly S: number;
  readonly T: number;
}

/** One head after the other: scores, scale, soft cap, masks, softmax, product with the values. */
const attention: OpImplementation<'top.ScaleDotProductAttention'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [query, key, value, y] = [context.input(0), context.input(1), context.input(2), context.output()];
    const [batch, heads, S, D] = query.shape as [number, number, number, number];
    const [T, E] = [key.shape[2]!, value.shape[3]!];
    const scores = { slot: context.scratch(4 * S * T), S, T };
    const needed = [kernels.f32_gemm_scratch_bytes(S, T, D), kernels.f32_gemm_scratch_bytes(S, E, T)];
    const gemm = context.scratch(Math.max(...needed));
    const steps = stepsOf(op, context, scores);
    return () => {
      for (let head = 0; head < batch * heads; head++) {
        const [q, k, v] = [query.ptr + 4 * head * S * D, key.ptr + 4 * head * T * D, value.ptr + 4 * head * T * E];
        const [weights, result] = [scores.slot.ptr, y.ptr + 4 * head * S * E];
        kernels.f32_gemm(q, k, 0, weights, gemm.ptr, S, T, D, D, 1, 1, D, T, 0, -Infinity, Infinity);
        for (const step of steps) step(head);
        kernels.f32_gemm(weights, v, 0, result, gemm.ptr, S, E, T, T, 1, E, 1, E, 0, -Infinity, Infinity);
      }
    };
  },
};

function stepsOf(op: Attention, context: PrepareContext, scores: Scores): Step[] {
  const { kernels } = context;
  const { scale, softcap, isCausal } = op.attributes;
  const mask = context.optionalInput(3);
  const factor = scale === 0 ? 1 / Math.sqrt(context.input(0).shape[3]!) : scale;
  return [
    affine(kernels, scores, factor),
    ...(softcap === undefined ? [] : capping(kernels, scores, softcap)),
    ...(isCausal ? [adding(kernels, scores, causalMask(context, scores), () => 0, scores.S)] : []),
    ...(mask === null ? [] : [givenMask(op, context, scores, mask)]),
    softmax(context, scores, mask !== null),
  ];
}

function affine(kernels: KernelExports, { slot, S, T }: Scores, factor: number): Step {
  return () => kernels.f32_unary(UnaryOp.affine, slot.ptr, slot.ptr, S * T, factor, 0);
}

/** cap · tanh(x / cap) */
function capping(kernels: KernelExports, scores: Scores, cap: number): Step[] {
  const { slot, S, T } = scores;
  const tanh = () => kernels.f32_unary(UnaryOp.tanh, slot.ptr, slot.ptr, S * T, 0, 0);
  return [affine(kernels, scores, 1 / cap), tanh, affine(kernels, scores, cap)];
}

/** Query i sees the keys up to i. */
function causalMask(context: PrepareContext, { S, T }: Scores): Slot {
  return context.place(Float32Array.from({ length: S * T }, (_, at) => (at % T > Math.floor(at / T) ? -Infinity : 0)));
}

/** Adds a mask of `rows` rows (1: the same for every query), at an offset in elements that depends on the head. */
function adding(
  kernels: KernelExports,
  { slot, S, T }: Scores,
  mask: Slot,
  at: (head: number) => number,
  rows: number,
): Step {
  const [calls, count] = rows === 1 ? [S, T] : [1, S * T];
  return (head) => {
    const from = mask.ptr + 4 * at(head);
    for (let call = 0; call < calls; call++) {
      const to = slot.ptr + 4 * call * count;
      kernels.f32_binary(BinaryOp.add, to, 1, from, 1, to, count, 1, 1, -Infinity, Infinity);
    }
  };
}

/** A mask that broadcasts to [batch, heads, S, T]. */
function givenMask(op: Attention, context: PrepareContext, scores: Scores, mask: TensorSlot): Step {
  const { S, T } = scores;
  const heads = context.input(0).shape[1]!;
  const [batches, planes, rows, columns] = [1, 1, 1, 1, ...mask.shape].slice(-4) as [number, number, number, number];
  if (columns !== T || (rows !== 1 && rows !== S) || (planes !== 1 && planes !== heads)) {
    refuse(op, `a mask of shape [${mask.shape.join(',')}]`, `one that broadcasts to [B,${heads},${S},${T}]`);
  }
  const offset = (head: number) => {
    const [batch, plane] = [batches === 1 ? 0 : Math.floor(head / heads), planes === 1 ? 0 : head % heads];
    return (batch * planes + plane) * rows * columns;
  };
  return adding(context.kernels, scores, mask, offset, rows);
}

/** Softmax over the keys; a query that sees none (only a given mask can do that) gets zeros, not NaN. */
function softmax({ kernels, memory }: PrepareContext, { slot, S, T }: Scores, isMasked: boolean): Step {
  if (!isMasked) return () => kernels.f32_softmax(slot.ptr, slot.ptr, S, T, 1, 1, 0);
  return () => {
    const rows = new Float32Array(memory.buffer, slot.ptr, S * T);
    const blind: number[] = [];
    for (let row = 0; row < S; row++) {
      if (rows[row * T] === -Infinity && rows.subarray(row * T, row * T + T).every((score) => score === -Infinity)) {
        blind.push(row);
      }
    }
    kernels.f32_softmax(slot.ptr, slot.ptr, S, T, 1, 1, 0);
    for (const row of blind) rows.fill(0, row * T, row * T + T);
  };
}

export const attentionImplementations: Implementations = { 'top.ScaleDotProductAttention': attention };
