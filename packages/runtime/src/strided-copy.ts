import { QError } from '@q/ir';
import { planCopy } from '@q/kernels-wasm';
import type { PrepareContext } from './implementation.ts';
import { bytesPerElement, type StorageDType } from './storage.ts';

/** Both sides of a copy: how many elements per dimension, and the distances between them, in elements. */
export interface CopyShape {
  readonly dims: readonly number[];
  readonly sourceStrides: readonly number[];
  readonly targetStrides: readonly number[];
}

/** Copies between two addresses (of the first element read and the first written). */
export type Copy = (source: number, target: number) => void;

const MAX_RANK = 8;

/**
 * Prepares an N-d block copy: permutation, slice, repetition (stride 0), reversal (negative stride) and their like.
 * Works for every storage type.
 */
export function prepareCopy(context: PrepareContext, dtype: StorageDType, shape: CopyShape): Copy {
  if (shape.dims.includes(0)) return () => {};
  const bytes = bytesPerElement(dtype);
  // Two-byte elements have no kernel: they are copied as pairs of single bytes.
  const unit = bytes === 2 ? bytePairs(shape) : shape;
  const plan = planCopy(unit.dims, unit.sourceStrides, unit.targetStrides);
  if (plan.rank > MAX_RANK) {
    throw new QError(`A copy over ${plan.rank} dimensions is more than the kernels do.`, {
      code: 'runtime.shape.unsupported',
      found: shape.dims.join('x'),
      expected: `at most ${MAX_RANK} dimensions that do not merge`,
    });
  }
  const { kernels } = context;
  const placed = context.place(plan.data);
  if (bytes === 4) return (source, target) => kernels.copy_nd_x32(source, target, plan.rank, placed.ptr);
  return (source, target) => kernels.copy_nd_x8(source, target, plan.rank, placed.ptr);
}

function bytePairs(shape: CopyShape): CopyShape {
  return {
    dims: [...shape.dims, 2],
    sourceStrides: [...shape.sourceStrides.map((stride) => 2 * stride), 1],
    targetStrides: [...shape.targetStrides.map((stride) => 2 * stride), 1],
  };
}
