import { elementCount, roundToBf16 } from '@q/ir';
import { NormSteps } from '@q/kernels-wasm';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { aroundAxis } from '../shapes.ts';
import type { TensorSlot } from '../slot.ts';
import { flag } from './codes.ts';

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

interface Weights {
  readonly weight: TensorSlot | null;
  readonly bias: TensorSlot | null;
  /** Elements that share a weight. */
  readonly inner: number;
  /** Whether the product and the sum are rounded to bfloat16. */
  readonly narrow: boolean;
}

const isBf16 = (y: TensorSlot): boolean => y.type.dtype === 'bf16';

/** Normalizes, then applies the weights. */
function prepareRows(context: PrepareContext, rows: Rows, steps: number, weights: Weights): RunOp {
  const { kernels } = context;
  const { x, y, inner, eps, centred } = rows;
  const average = roundToBf16(1 / inner);
  const { weight, bias } = weights;
  const length = weight?.length ?? bias?.length;
  const count = x.length / inner;
  const repeats = length === undefined ? 0 : x.length / (length * weights.inner);
  return () => {
    kernels.lowered_normalize(x.ptr, y.ptr, count, inner, eps, average, flag(centred), steps);
    if (length !== undefined) {
      // biome-ignore format: one argument per line hides the groups
      kernels.lowered_affine(
        y.ptr, weight?.ptr ?? 0, bias?.ptr ?? 0, repeats, length, weights.inner, flag(weights.narrow),
      );
    }
  };
}

/** Normalizes rows of trailing dimensions, then applies weights of the row's own shape. */
function prepareTrailing(
  context: PrepareContext,
  rows: Rows,
  weight: TensorSlot | null,
  bias: TensorSlot | null,
): RunOp {
  const narrow = isBf16(rows.y);
  return prepareRows(context, rows, narrow ? NormSteps.bf16 : NormSteps.float, { weight, bias, inner: 1, narrow });
}

const layerNorm: OpImplementation<'tpu.LayerNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const { axis, eps } = op.attributes;
    const inner = elementCount(x.shape.slice(axis < 0 ? axis + x.shape.length : axis));
    return prepareTrailing(
      context,
      { x, y, inner, eps, centred: true },
      context.optionalInput(1),
      context.optionalInput(2),
    );
  },
};

const rmsNorm: OpImplementation<'tpu.RMSNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const rows = { x, y, inner: x.shape.at(-1)!, eps: op.attributes.eps, centred: false };
    return prepareTrailing(context, rows, context.optionalInput(1), null);
  },
};

/** Groups of channels are normalized together; weight and bias are per channel and never rounded. */
function prepareGroups(context: PrepareContext, rows: Rows, weight: TensorSlot | null, bias: TensorSlot | null): RunOp {
  const { inner } = aroundAxis(rows.x.shape, 1);
  const steps = isBf16(rows.y) ? NormSteps.bf16Plain : NormSteps.float;
  return prepareRows(context, rows, steps, { weight, bias, inner, narrow: false });
}

const groupNorm: OpImplementation<'tpu.GroupNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const { numGroups, eps } = op.attributes;
    const inner = x.length / (x.shape[0]! * numGroups);
    return prepareGroups(
      context,
      { x, y, inner, eps, centred: true },
      context.optionalInput(1),
      context.optionalInput(2),
    );
  },
};

/** A group per channel. */
const instanceNorm: OpImplementation<'tpu.InstanceNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const { inner } = aroundAxis(x.shape, 1);
    const rows = { x, y, inner, eps: op.attributes.eps, centred: true };
    return prepareGroups(context, rows, context.optionalInput(1), context.optionalInput(2));
  },
};

export const normalizationImplementations: Implementations = {
  'tpu.LayerNorm': layerNorm,
  'tpu.RMSNorm': rmsNorm,
  'tpu.GroupNorm': groupNorm,
  'tpu.InstanceNorm': instanceNorm,
};
