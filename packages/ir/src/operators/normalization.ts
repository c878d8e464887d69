import { defaulted, required } from '../attribute-schema.ts';
import { reluAttributes } from './convolution.ts';
import { row } from './row.ts';
import { f32, frontAxis, likeInput } from './shape-rules.ts';

export const normalizationRows = {
  /** Operands: input, mean, variance, gamma?, beta?. Canonicalisation rewrites it to Scale. */
  'top.BatchNorm': row({
    attributes: { epsilon: defaulted('f64', 'epsilon', 1e-5), ...reluAttributes } as const,
    fusesRelu: true,
    operands: ['input', 'mean', 'variance', 'gamma?', 'beta?'],
    inferShapes: likeInput,
  }),
  /** y = x · scale + bias, per channel (dimension 1). */
  'top.Scale': row({
    attributes: reluAttributes,
    fusesRelu: true,
    operands: ['input', 'scale', 'bias'],
    inferShapes: likeInput,
  }),
  /** Over the dimensions `axis`…; shape inference makes the axis ≥ 0 and fills `normalized_shape`. */
  'top.LayerNorm': row({
    attributes: {
      normalizedShape: required('i64[]', 'normalized_shape'),
      axis: required('si32', 'axis'),
      eps: required('f64', 'eps'),
    } as const,
    operands: ['input', 'weight?', 'bias?'],
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      const axis = frontAxis(attributes.axis, shape.length);
      return { outputs: [f32(shape)], attributes: { ...attributes, axis, normalizedShape: shape.slice(axis) } };
    },
  }),
  /** Last dimension: x / √(mean x² + eps) · gamma. */
  'top.RMSNorm': row({
    attributes: { eps: required('f64', 'eps'), weightKeepF32: defaulted('bool', 'weight_keep_f32', false) } as const,
    operands: ['input', 'gamma?'],
    inferShapes: likeInput,
  }),
  'top.GroupNorm': row({
    attributes: { numGroups: required('i64', 'num_groups'), eps: required('f64', 'eps') } as const,
    operands: ['input', 'weight?', 'bias?'],
    inferShapes: likeInput,
  }),
  'top.InstanceNorm': row({
    attributes: { eps: required('f64', 'eps') } as const,
    operands: ['input', 'weight?', 'bias?'],
    inferShapes: likeInput,
  }),
  /** Over dimension 1. */
  'top.PixelNorm': row({
    attributes: { eps: required('f64', 'eps') } as const,
    operands: ['input', 'weight?', 'bias?'],
    inferShapes: likeInput,
  }),
  /** Across channels: x / (bias + alpha / size · Σ x²)^beta. */
  'top.LRN': row({
    attributes: {
      size: required('i64', 'size'),
      alpha: defaulted('f64', 'alpha', 1e-4),
      beta: defaulted('f64', 'beta', 0.75),
      bias: defaulted('f64', 'bias', 1),
    } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
} as const;
