import { elementCount, type OpOf } from '@q/ir';
import type { OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { contiguousStrides } from '../shapes.ts';
import type { TensorSlot } from '../slot.ts';
import { type Bounds, reluBounds } from './relu-bounds.ts';
import { imageShape, window2D } from './window.ts';

/** One dimension of a pooling: for every output, the elements it covers and how many cells its window counts. */
interface Coverage {
  readonly first: Int32Array;
  /** One past the last existing element. */
  readonly end: Int32Array;
  readonly cells: Int32Array;
  /** Distance between the elements of a window. */
  readonly step: number;
}

type PoolAttributes = OpOf<'top.AvgPool'>['attributes'];

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
      const window = place.map((o, axis) => spanOf(coverages[axis]!, o));
      const { sum, max, count } = fold(from, start, window, strides);
      const cells = place.reduce((product, o, axis) => product * coverages[axis]!.cells[o]!, 1);
      const padded = Math.max(0, cells - count) * attributes.padValue;
      const value = isMax ? max : onlyCovered ? sum / count : (sum + padded) / cells;
      to[at] = Math.min(Math.max(value, lo), hi);
    }
  };
}

function coverage(
  { kernelShape, strides, pads, isAdaptive, dilations, uncountedCells }: PoolAttributes,
  length: number,
  axis: number,
  rank: number,
): Coverage {
  const [kernel, stride, begin, tail] = [kernelShape[axis]!, strides[axis]!, pads[axis]!, pads[axis + rank]!];
  const step = dilations?.[axis] ?? 1;
  const reach = step * (kernel - 1) + 1;
  const outputs = isAdaptive
    ? Math.floor((length - kernel) / stride) + 1
    : Math.floor((length + begin + tail - reach) / stride) + 1;
  const counted = length + tail - (uncountedCells?.[axis] ?? 0);
  const from = (o: number): number => (isAdaptive ? Math.floor((o * length) / outputs) : o * stride - begin);
  const to = (o: number): number => (isAdaptive ? Math.ceil(((o + 1) * length) / outputs) : from(o) + reach);
  /** Positions of a window from `low` on and before `high`. */
  const inside = (o: number, low: number, high: number): number =>
    Math.max(0, Math.ceil((Math.min(to(o), high) - from(o)) / step) - Math.max(0, Math.ceil((low - from(o)) / step)));
  const all = { length: outputs };
  return {
    first: Int32Array.from(all, (_, o) => from(o) + step * Math.max(0, Math.ceil(-from(o) / step))),
    end: Int32Array.from(all, (_, o) => Math.min(length, to(o))),
    cells: Int32Array.from(all, (_, o) => inside(o, -begin, counted)),
    step,
  };
}

interface Span {
  readonly first: number;
  readonly end: number;
  readonly step: number;
}

const spanOf = ({ first, end, step }: Coverage, o: number): Span => ({ first: first[o]!, end: end[o]!, step });

function fold(data: Float32Array, start: number, window: readonly Span[], strides: readonly number[]) {
  let sum = 0;
  let max = Number.NEGATIVE_INFINITY;
  let count = 0;
  let where = -1;
  const walk = (axis: number, at: number): void => {
    if (axis === window.length) {
      const value = data[at]!;
      sum += value;
      if (value > max || Number.isNaN(value)) {
        max = value;
        where = at;
      }
      count++;
      return;
    }
    const { first, end, step } = window[axis]!;
    for (let i = first; i < end; i += step) walk(axis + 1, at + i * strides[axis]!);
  };
  walk(0, start);
  return { sum, max, count, where };
}

/** Maxima of windows in one or two dimensions, dilated or not, on the kernel that knows where they lie. */
export function preparePlaces(
  { attributes }: OpOf<'top.MaxPool'> | OpOf<'top.MaxPoolWithIndices'>,
  context: PrepareContext,
  [y, places]: readonly [TensorSlot | null, TensorSlot | null],
): RunOp {
  const { kernels } = context;
  const x = context.input(0);
  const { N, C, H, W } = imageShape(x.shape);
  const w = window2D(attributes);
  const outputs = (length: number, kernel: number, stride: number, dilation: number, pads: number): number =>
    Math.floor((length + pads - dilation * (kernel - 1) - 1) / stride) + 1;
  const oh = outputs(H, w.kernelH, w.strideH, w.dilationH, w.padTop + w.padBottom);
  const ow = outputs(W, w.kernelW, w.strideW, w.dilationW, w.padLeft + w.padRight);
  const { lo, hi } = reluBounds(attributes);
  const columnMajor = 'isColumnMajor' in attributes && attributes.isColumnMajor ? 1 : 0;
  return () =>
    // biome-ignore format: one argument per line hides the groups
    kernels.f32_maxpool2d_places(
      x.ptr, y?.ptr ?? 0, places?.ptr ?? 0, N * C, H, W, oh, ow, w.kernelH, w.kernelW, w.strideH, w.strideW,
      w.dilationH, w.dilationW, w.padTop, w.padLeft, columnMajor, lo, hi,
    );
}

/** MaxPool with the flat index, in the whole input, of every maximum: the first one of equals. */
export const maxPoolWithIndices: OpImplementation<'top.MaxPoolWithIndices'> = {
  prepare(op, context) {
    const x = context.input(0);
    const [y, indices] = [context.optionalOutput(0), context.optionalOutput(1)];
    if (x.shape.length < 5 && !op.attributes.isAdaptive) return preparePlaces(op, context, [y, indices]);
    const spatial = x.shape.slice(2);
    const coverages = spatial.map((length, axis) => coverage(op.attributes, length, axis, spatial.length));
    const outputs = coverages.map(({ first }) => first.length);
    const planes = x.shape[0]! * x.shape[1]!;
    const [inputPlane, outputPlane] = [elementCount(spatial), elementCount(outputs)];
    const [strides, digits] = [contiguousStrides(spatial), contiguousStrides(outputs)];
    const { lo, hi } = reluBounds(op.attributes);
    const indexOf = op.attributes.isColumnMajor ? columnMajorIndex(spatial) : (at: number) => at;
    return () => {
      const [from, to, places] = [x.f32(), y?.f32(), indices?.f32()];
      for (let at = 0; at < planes * outputPlane; at++) {
        const cell = at % outputPlane;
        const start = Math.floor(at / outputPlane) * inputPlane;
        const window = digits.map((digit, axis) => spanOf(coverages[axis]!, Math.floor(cell / digit) % outputs[axis]!));
        const { max, where } = fold(from, start, window, strides);
        if (to !== undefined) to[at] = Math.min(Math.max(max, lo), hi);
        if (places !== undefined) places[at] = start + indexOf(where - start);
      }
    };
  },
};

/** Index inside a plane that is counted column by column. */
function columnMajorIndex(spatial: readonly number[]): (at: number) => number {
  const rows = contiguousStrides(spatial);
  const columns = contiguousStrides(spatial.toReversed()).reverse();
  return (at) => rows.reduce((sum, row, axis) => sum + (Math.floor(at / row) % spatial[axis]!) * columns[axis]!, 0);
}
