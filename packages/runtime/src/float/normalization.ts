import { elementCount, type OpOf } from '@q/ir';
import type { Implementations, OpImplementation, PrepareContext } from '../implementation.ts';
import { aroundAxis } from '../shapes.ts';
import { refuse } from './refuse.ts';
import { reluBounds } from './relu-bounds.ts';

const scale: OpImplementation<'top.Scale'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const { kernels } = context;
    const [x, factor, bias, y] = [context.input(0), context.input(1), context.optionalInput(2), context.output()];
    const { outer, axis, inner } = aroundAxis(x.shape, 1);
    if (factor.length !== axis) refuse(op, `${factor.length} scales`, `${axis}, one per channel`);
    const { lo, hi } = reluBounds(op.attributes);
    return () => kernels.f32_scale(x.ptr, factor.ptr, bias?.ptr ?? 0, y.ptr, outer, axis, inner, lo, hi);
  },
};

const batchNorm: OpImplementation<'top.BatchNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const { outer, axis, inner } = aroundAxis(x.shape, 1);
    const { factors, offsets } = foldBatchNorm(op, context);
    const [factorSlot, offsetSlot] = [context.place(factors), context.place(offsets)];
    const { lo, hi } = reluBounds(op.attributes);
    return () => kernels.f32_scale(x.ptr, factorSlot.ptr, offsetSlot.ptr, y.ptr, outer, axis, inner, lo, hi);
  },
};

/** gamma / √(variance + epsilon) and beta − mean · that, computed in float64. */
function foldBatchNorm(op: OpOf<'top.BatchNorm'>, context: PrepareContext) {
  const [mean, variance] = [requireConstant(op, context, 1), requireConstant(op, context, 2)];
  const [gamma, beta] = [context.constant(3)?.data, context.constant(4)?.data];
  const factors = Float32Array.from(variance, (v, c) => (gamma?.[c] ?? 1) / Math.sqrt(v + op.attributes.epsilon));
  const offsets = Float32Array.from(mean, (m, c) => (beta?.[c] ?? 0) - m * factors[c]!);
  return { factors, offsets };
}

function requireConstant(op: OpOf<'top.BatchNorm'>, context: PrepareContext, index: number): Float32Array {
  const operand = context.constant(index);
  if (operand?.data instanceof Float32Array) return operand.data;
  return refuse(op, `a computed operand ${index}`, 'a float weight');
}

const layerNorm: OpImplementation<'top.LayerNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const [weight, bias] = [context.optionalInput(1), context.optionalInput(2)];
    const { axis, eps } = op.attributes;
    const inner = elementCount(x.shape.slice(axis < 0 ? axis + x.shape.length : axis));
    const outer = x.length / inner;
    return () => kernels.f32_layernorm(x.ptr, weight?.ptr ?? 0, bias?.ptr ?? 0, y.ptr, outer, inner, eps);
  },
};

const rmsNorm: OpImplementation<'top.RMSNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const { kernels } = context;
    const [x, gamma, y] = [context.input(0), context.optionalInput(1), context.output()];
    const inner = x.shape.at(-1)!;
    const outer = x.length / inner;
    const { eps } = op.attributes;
    return () => kernels.f32_rmsnorm(x.ptr, gamma?.ptr ?? 0, y.ptr, outer, inner, eps);
  },
};

/** Rows of one group are normalised together; weight and bias are per channel. */
const groupNorm: OpImplementation<'top.GroupNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const { kernels } = context;
    const [x, weight, bias, y] = [
      context.input(0),
      context.optionalInput(1),
      context.optionalInput(2),
      context.output(),
    ];
    const { outer, axis, inner } = aroundAxis(x.shape, 1);
    const rows = outer * op.attributes.numGroups;
    const { eps } = op.attributes;
    const factors = weight ?? context.place(new Float32Array(axis).fill(1));
    return () => {
      kernels.f32_layernorm(x.ptr, 0, 0, y.ptr, rows, x.length / rows, eps);
      if (weight === null && bias === null) return;
      kernels.f32_scale(y.ptr, factors.ptr, bias?.ptr ?? 0, y.ptr, outer, axis, inner, -Infinity, Infinity);
    };
  },
};

const instanceNorm: OpImplementation<'top.InstanceNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const [weight, bias] = [context.optionalInput(1), context.optionalInput(2)];
    const { outer, axis, inner } = aroundAxis(x.shape, 1);
    const { eps } = op.attributes;
    return () => kernels.f32_instancenorm(x.ptr, weight?.ptr ?? 0, bias?.ptr ?? 0, y.ptr, outer, axis, inner, eps);
  },
};

/** Over dimension 1 at every position: (x − mean) / √(variance + eps) · weight[c] + bias[c]. */
const pixelNorm: OpImplementation<'top.PixelNorm'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const [weight, bias] = [context.optionalInput(1), context.optionalInput(2)];
    const { outer, axis, inner } = aroundAxis(x.shape, 1);
    const { eps } = op.attributes;
    return () => kernels.f32_pixelnorm(x.ptr, weight?.ptr ?? 0, bias?.ptr ?? 0, y.ptr, outer, axis, inner, eps);
  },
};

/** x / (bias + alpha / size · Σ x²)^beta over `size` neighbouring channels (ONNX LRN). */
const lrn: OpImplementation<'top.LRN'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const { outer, axis, inner } = aroundAxis(x.shape, 1);
    const { size, alpha, beta, bias } = op.attributes;
    return () => kernels.f32_lrn(x.ptr, y.ptr, outer, axis, inner, size, alpha, beta, bias);
  },
};

export const normalizationImplementations: Implementations = {
  'top.Scale': scale,
  'top.BatchNorm': batchNorm,
  'top.LayerNorm': layerNorm,
  'top.RMSNorm': rmsNorm,
  'top.GroupNorm': groupNorm,
  'top.InstanceNorm': instanceNorm,
  'top.PixelNorm': pixelNorm,
  'top.LRN': lrn,
};
