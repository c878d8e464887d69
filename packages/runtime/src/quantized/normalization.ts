import { elementCount, roundToBf16 } from '@q/ir';
import type { Implementations, OpImplementation, RunOp } from '../implementation.ts';
import { aroundAxis } from '../shapes.ts';
import type { TensorSlot } from '../slot.ts';

/**
 * Normalizations as the interpreter computes them (numerics.md 10, 11): sums run in order, in f32. In F16 and F32 nothing
 * is rounded beyond f32; in BF16 every step is.
 */
interface Rows {
  readonly x: TensorSlot;
  readonly y: TensorSlot;
  /** Elements that are normalized together. */
  readonly inner: number;
  readonly eps: number;
  /** Whether the mean is taken off. */
  readonly centred: boolean;
}

const f = Math.fround;
const unrounded = (value: number): number => value;

/** The mean of a row, and one over its deviation. */
type Statistics = (row: Float32Array) => readonly [mean: number, inverse: number];

function f32Statistics({ inner, eps, centred }: Rows): Statistics {
  return (row) => {
    let sum = 0;
    if (centred) for (let i = 0; i < inner; i++) sum = f(sum + row[i]!);
    const mean = f(sum / inner);
    let squares = 0;
    for (let i = 0; i < inner; i++) {
      const distance = f(row[i]! - mean);
      squares = f(squares + f(distance * distance));
    }
    const deviation = f(Math.sqrt(f(f(squares / inner) + f(eps))));
    return [mean, centred ? f(1 / deviation) : deviation];
  };
}

/** `finish` is what follows the variance: upstream rounds the root and the quotient in LayerNorm, not in GroupNorm. */
function bf16Statistics({ inner, eps, centred }: Rows, terms: 'rounded' | 'plain'): Statistics {
  const round = roundToBf16;
  const late = terms === 'rounded' ? round : f;
  const average = round(1 / inner);
  return (row) => {
    let sum = 0;
    if (centred) for (let i = 0; i < inner; i++) sum = f(sum + f(row[i]! * average));
    const mean = round(sum);
    let squares = 0;
    for (let i = 0; i < inner; i++) {
      const distance = round(f(row[i]! - mean));
      squares = f(squares + late(f(round(f(distance * distance)) * average)));
    }
    const variance = round(f(round(squares) + round(eps)));
    return [mean, late(1 / late(Math.sqrt(variance)))];
  };
}

/** Writes (x − mean) · inverse of every row, each step rounded by `round`. */
function normalizeRows(rows: Rows, statistics: Statistics, round: (value: number) => number): RunOp {
  const { x, y, inner, centred } = rows;
  // RMSNorm divides by the deviation instead of multiplying with its inverse, except in BF16.
  const divides = !centred && round === unrounded;
  return () => {
    const [from, to] = [x.f32(), y.f32()];
    for (let at = 0; at < from.length; at += inner) {
      const row = from.subarray(at, at + inner);
      const [mean, inverse] = statistics(row);
      for (let i = 0; i < inner; i++) {
        const centre = round(f(row[i]! - mean));
        to[at + i] = round(f(divides ? centre / inverse : centre * inverse));
      }
    }
  };
}

/** Multiplies with a weight and adds a bias, which repeat over the last dimensions of a row of `length` · `inner`. */
function affine(
  y: TensorSlot,
  operands: { readonly weight: TensorSlot | null; readonly bias: TensorSlot | null; readonly inner: number },
  round: (value: number) => number,
): RunOp {
  const { weight, bias, inner } = operands;
  const length = weight?.length ?? bias?.length;
  if (length === undefined) return () => {};
  return () => {
    const [to, factors, offsets] = [y.f32(), weight?.f32(), bias?.f32()];
    for (let i = 0; i < to.length; i++) {
      const at = Math.floor(i / inner) % length;
      if (factors !== undefined) to[i] = round(f(to[i]! * factors[at]!));
      if (offsets !== undefined) to[i] = round(f(to[i]! + offsets[at]!));
    }
  };
}

const inSequence =
  (...steps: readonly RunOp[]): RunOp =>
  () => {
    for (const step of steps) step();
  };

const isBf16 = (y: TensorSlot): boolean => y.type.dtype === 'bf16';

/** Normalizes rows of trailing dimensions, then applies weights of the row's own shape. */
function prepareTrailing(rows: Rows, weight: TensorSlot | null, bias: TensorSlot | null): RunOp {
  const narrow = isBf16(rows.y);
  const statistics = narrow ? bf16Statistics(rows, 'rounded') : f32Statistics(rows);
  const round = narrow ? roundToBf16 : unrounded;
  return inSequence(normalizeRows(rows, statistics, round), affine(rows.y, { weight, bias, inner: 1 }, round));
}

const layerNorm: OpImplementation<'tpu.LayerNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const { axis, eps } = op.attributes;
    const inner = elementCount(x.shape.slice(axis < 0 ? axis + x.shape.length : axis));
    return prepareTrailing({ x, y, inner, eps, centred: true }, context.optionalInput(1), context.optionalInput(2));
  },
};

const rmsNorm: OpImplementation<'tpu.RMSNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const rows = { x, y, inner: x.shape.at(-1)!, eps: op.attributes.eps, centred: false };
    return prepareTrailing(rows, context.optionalInput(1), null);
  },
};

/** Groups of channels are normalized together; weight and bias are per channel and never rounded. */
function prepareGroups(rows: Rows, weight: TensorSlot | null, bias: TensorSlot | null): RunOp {
  const narrow = isBf16(rows.y);
  const statistics = narrow ? bf16Statistics(rows, 'plain') : f32Statistics(rows);
  const { inner } = aroundAxis(rows.x.shape, 1);
  return inSequence(
    normalizeRows(rows, statistics, narrow ? roundToBf16 : unrounded),
    affine(rows.y, { weight, bias, inner }, unrounded),
  );
}

const groupNorm: OpImplementation<'tpu.GroupNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const { numGroups, eps } = op.attributes;
    const inner = x.length / (x.shape[0]! * numGroups);
    return prepareGroups({ x, y, inner, eps, centred: true }, context.optionalInput(1), context.optionalInput(2));
  },
};

/** A group per channel. */
const instanceNorm: OpImplementation<'tpu.InstanceNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const { inner } = aroundAxis(x.shape, 1);
    const rows = { x, y, inner, eps: op.attributes.eps, centred: true };
    return prepareGroups(rows, context.optionalInput(1), context.optionalInput(2));
  },
};

export const normalizationImplementations: Implementations = {
  'tpu.LayerNorm': layerNorm,
  'tpu.RMSNorm': rmsNorm,
  'tpu.GroupNorm': groupNorm,
  'tpu.InstanceNorm': instanceNorm,
};
