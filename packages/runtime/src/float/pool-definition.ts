import { elementCount, type OpOf } from '@q/ir';
import type { PrepareContext } from '../implementation.ts';
import { contiguousStrides } from '../shapes.ts';
import type { Bounds } from './relu-bounds.ts';

/** One dimension of a pooling: for every output, the elements it covers and how many cells its window counts. */
interface Coverage {
  readonly first: Int32Array;
  /** One past the last existing element. */
  readonly end: Int32Array;
  readonly cells: Int32Array;
}

/**
 * Pooling in any number of dimensions, adaptive windows and padding values included, straight from its definition
 * (ir.md 6.3) in plain TypeScript: for the cases that are too rare for a kernel.
 */
export function preparePoolByDefinition(
  op: OpOf<'top.AvgPool'> | OpOf<'top.MaxPool'>,
  context: PrepareContext,
  { lo, hi }: Bounds,
): () => void {
  const [x, y] = [context.input(0), context.output()];
  const { attributes } = op;
  const spatial = x.shape.slice(2);
  const coverages = spatial.map((length, axis) => coverage(attributes, length, axis, spatial.length));
  const outputs = coverages.map(({ first }) => first.length);
  const planes = x.shape[0]! * x.shape[1]!;
  const [inputPlane, outputPlane] = [elementCount(spatial), elementCount(outputs)];
  const strides = contiguousStrides(spatial);
  const digits = contiguousStrides(outputs);
  const isMax = op.type === 'top.MaxPool';
  const onlyCovered = isMax || !attributes.countIncludePad;
  return () => {
    const [from, to] = [x.f32(), y.f32()];
    for (let at = 0; at < planes * outputPlane; at++) {
      const cell = at % outputPlane;
      const place = digits.map((digit, axis) => Math.floor(cell / digit) % outputs[axis]!);
      const start = Math.floor(at / outputPlane) * inputPlane;
      const window = place.map((o, axis) => ({ first: coverages[axis]!.first[o]!, end: coverages[axis]!.end[o]! }));
      const { sum, max, count } = fold(from, start, window, strides);
      const cells = place.reduce((product, o, axis) => product * coverages[axis]!.cells[o]!, 1);
      const padded = Math.max(0, cells - count) * attributes.padValue;
      const value = isMax ? max : onlyCovered ? sum / count : (sum + padded) / cells;
      to[at] = Math.min(Math.max(value, lo), hi);
    }
  };
}

function coverage(
  { kernelShape, strides, pads, isAdaptive }: OpOf<'top.AvgPool'>['attributes'],
  length: number,
  axis: number,
  rank: number,
): Coverage {
  const [kernel, stride, begin, tail] = [kernelShape[axis]!, strides[axis]!, pads[axis]!, pads[axis + rank]!];
  const outputs = isAdaptive
    ? Math.floor((length - kernel) / stride) + 1
    : Math.floor((length + begin + tail - kernel) / stride) + 1;
  const from = (o: number): number => (isAdaptive ? Math.floor((o * length) / outputs) : o * stride - begin);
  const to = (o: number): number => (isAdaptive ? Math.ceil(((o + 1) * length) / outputs) : from(o) + kernel);
  const all = { length: outputs };
  return {
    first: Int32Array.from(all, (_, o) => Math.max(0, from(o))),
    end: Int32Array.from(all, (_, o) => Math.min(length, to(o))),
    cells: Int32Array.from(all, (_, o) => to(o) - from(o)),
  };
}

interface Span {
  readonly first: number;
  readonly end: number;
}

function fold(data: Float32Array, start: number, window: readonly Span[], strides: readonly number[]) {
  let sum = 0;
  let max = Number.NEGATIVE_INFINITY;
  let count = 0;
  const walk = (axis: number, at: number): void => {
    if (axis === window.length) {
      const value = data[at]!;
      sum += value;
      max = Math.max(max, value);
      count++;
      return;
    }
    const { first, end } = window[axis]!;
    for (let i = first; i < end; i++) walk(axis + 1, at + i * strides[axis]!);
  };
  walk(0, start);
  return { sum, max, count };
}
