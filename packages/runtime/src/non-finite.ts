import { type Issue, type Op, QError } from '@q/ir';
import type { KernelExports } from '@q/kernels-wasm';
import type { TensorSlot } from './slot.ts';

/** Where in a tensor an element is. */
export interface ElementAddress {
  readonly index: number;
  /** Index along the first dimension. */
  readonly sample: number;
  /** Index along the second dimension; absent for rank 1. */
  readonly channel?: number;
}

export function addressOf(index: number, shape: readonly number[]): ElementAddress {
  const perSample = shape.slice(1).reduce((product, dim) => product * dim, 1);
  const sample = Math.floor(index / perSample);
  if (shape.length < 2) return { index, sample };
  return { index, sample, channel: Math.floor((index % perSample) / (perSample / shape[1]!)) };
}

/** Position of the first NaN or infinity, or -1; integers have none. */
export function findNonFinite(slot: TensorSlot, kernels: KernelExports): number {
  return slot.dtype === 'f32' ? kernels.stats_find_nonfinite(slot.ptr, slot.length) : -1;
}

/** What to say of a non-finite element of `slot`. */
export function nonFiniteIssue(code: string, slot: TensorSlot, index: number, op?: Op): Issue {
  const { sample, channel } = addressOf(index, slot.shape);
  const place = channel === undefined ? `sample ${sample}` : `sample ${sample}, channel ${channel}`;
  return {
    code,
    where: op === undefined || op.name === slot.name ? slot.name : `${op.name} (${slot.name})`,
    found: `${slot.f32()[index]} at element ${index} (${place})`,
    expected: 'finite numbers',
    hint: 'pass nonFinite: "allow" when infinities belong to the model',
  };
}

export function nonFiniteError(issue: Issue): QError {
  return new QError(`${issue.where} holds ${issue.found}.`, issue);
}
