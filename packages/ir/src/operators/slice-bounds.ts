import { shapeMismatch } from './shape-rules.ts';

/** A slice with one entry per dimension. */
export interface FullRankSlice {
  readonly offset: readonly number[];
  readonly steps: readonly number[];
  readonly ends: readonly number[];
}

interface SliceAttributes {
  readonly offset: readonly number[];
  readonly steps: readonly number[];
  readonly ends: readonly (number | bigint)[];
  readonly axes: readonly number[];
}

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/**
 * First element, step and end of every dimension, clamped to the input (tpu-mlir: Top/Interfaces/Slice.cpp).
 *
 * With `axes`, negative offsets and ends count from the back, as in ONNX. In the full-rank form (`axes` empty) the
 * numbers are already resolved: an end of −1 then means *everything up to the border the step runs towards*, and an end
 * beyond the input (`split` leaves INT64_MAX there) is clamped.
 */
export function fullRankSlice(shape: readonly number[], attributes: SliceAttributes): FullRankSlice {
  const { axes } = attributes;
  if (attributes.offset.length !== attributes.ends.length) {
    shapeMismatch([attributes.offset, attributes.ends.map(Number)], 'as many slice ends as offsets');
  }
  const offset = shape.map(() => 0);
  const steps = shape.map(() => 1);
  const ends = [...shape];
  attributes.offset.forEach((start, index) => {
    const axis = axes.length === 0 ? index : (axes[index]! + shape.length) % shape.length;
    const length = shape[axis]!;
    const step = attributes.steps[index] ?? 1;
    const end = Number(attributes.ends[index]!);
    steps[axis] = step;
    offset[axis] = clamp(start < 0 ? start + length : start, 0, step > 0 ? length : length - 1);
    ends[axis] = axes.length === 0 && end === -1 ? (step > 0 ? length : -1) : resolvedEnd(end, length, step);
  });
  return { offset, steps, ends };
}

function resolvedEnd(end: number, length: number, step: number): number {
  const fromFront = end < 0 ? end + length : end;
  return step > 0 ? clamp(fromFront, 0, length) : clamp(fromFront, -1, length - 1);
}

/** Result shape of a resolved slice. */
export function sliceLengths(shape: readonly number[], { offset, steps, ends }: FullRankSlice): number[] {
  return shape.map((_, axis) => Math.max(0, Math.ceil((ends[axis]! - offset[axis]!) / steps[axis]!)));
}
