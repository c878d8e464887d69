import { defaulted, enumeration, optional, required } from '../attribute-schema.ts';
import { convolutionRows, deconvGeometry, reluAttributes, windowedLength } from './convolution.ts';
import { matrixProductRows } from './matrix-product.ts';
import { normalizationRows } from './normalization.ts';
import { quantMode, roundModeAttribute, shapedAs } from './quantized-rule.ts';
import { reductionRows } from './reduction.ts';
import { row, type ShapeContext } from './row.ts';
import { f32 } from './shape-rules.ts';

/** Names and defaults: tpu-mlir: include/tpu_mlir/Dialect/Tpu/IR/TpuOps.td. */
const conv2dAttributes = {
  kernelShape: required('i64[]', 'kernel_shape'),
  strides: required('i64[]', 'strides'),
  /** Top, left, bottom, right. */
  pads: required('i64[]', 'pads'),
  group: defaulted('i64', 'group', 1),
  dilations: optional('i64[]', 'dilations'),
  inserts: optional('i64[]', 'inserts'),
  ...reluAttributes,
  withBias: required('bool', 'with_bias'),
  weightIsCoeff: defaulted('i64', 'weight_is_coeff', 1),
  coeffMerged: defaulted('bool', 'coeff_merged', false),
  use3icOptimize: defaulted('i64', 'use_3ic_optimize', 0),
  kernelZp: defaulted('i64', 'kernel_zp', 0),
  useWinograd: optional('i64', 'use_winograd'),
  /** One per output channel. */
  multiplier: optional('i64[]', 'multiplier'),
  rshift: optional('i64[]', 'rshift'),
  quantMode,
  /** The interpreter does not read it: a convolution rounds half up (numerics.md 18.3). */
  roundMode: roundModeAttribute('round_mode', 'HalfUp'),
  supportCompress: defaulted('bool', 'support_compress', true),
} as const;

const deconvAttributes = {
  ...deconvGeometry,
  inserts: optional('i64[]', 'inserts'),
  ...reluAttributes,
  withBias: required('bool', 'with_bias'),
  multiplier: optional('i64[]', 'multiplier'),
  rshift: optional('i64[]', 'rshift'),
  quantMode,
} as const;

const matMulAttributes = {
  leftTranspose: defaulted('bool', 'left_transpose', false),
  rightTranspose: defaulted('bool', 'right_transpose', false),
  outputTranspose: defaulted('bool', 'output_transpose', false),
  hdimIsBatch: defaulted('bool', 'hdim_is_batch', false),
  keepDims: defaulted('bool', 'keep_dims', true),
  ...reluAttributes,
  multipliers: defaulted('i64[]', 'multipliers', [1]),
  rshifts: defaulted('i64[]', 'rshifts', [0]),
  rightZp: defaulted('i64', 'right_zp', 0),
  inputZp: defaulted('i64', 'input_zp', 0),
  quantMode,
  leftReuse: defaulted('i64', 'left_reuse', 1),
  fuseRq: defaulted('bool', 'fuse_rq', false),
  /** The interpreter does not read it: a product rounds half up. */
  roundMode: roundModeAttribute('round_mode', 'HalfAwayFromZero'),
} as const;

const poolAttributes = {
  kernelShape: required('i64[]', 'kernel_shape'),
  strides: required('i64[]', 'strides'),
  pads: required('i64[]', 'pads'),
  poolMode: enumeration('pool_mode', 'pool_mode'),
  padValue: defaulted('i64', 'pad_value', 0),
  isAdaptive: defaulted('bool', 'is_adaptive', false),
  countIncludePad: defaulted('bool', 'count_include_pad', false),
  ...reluAttributes,
  ceilMode: optional('bool', 'ceil_mode'),
  /** Symmetric average. */
  multiplier: optional('si32', 'multiplier'),
  rshift: optional('si32', 'rshift'),
  /** Asymmetric average. */
  scale: optional('f64', 'scale'),
  offset: optional('f64', 'offset'),
  roundMode: roundModeAttribute('round_mode', 'HalfAwayFromZero'),
  firstRoundMode: roundModeAttribute('first_round_mode', 'HalfAwayFromZero'),
} as const;

interface Window {
  readonly kernelShape: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
}

/** Pads of a lowered pool are final, and trailing dimensions stay. */
function pooledShape({ attributes, inputs }: ShapeContext<Window>) {
  const { shape } = inputs[0]!;
  const { kernelShape, strides, pads } = attributes;
  const spatial = shape
    .slice(2)
    .map((length, axis) =>
      windowedLength(length, kernelShape[axis]!, strides[axis]!, 1, pads[axis]!, pads[axis + kernelShape.length]!),
    );
  return { outputs: [f32([...shape.slice(0, 2), ...spatial])] };
}

const pool = row({ attributes: poolAttributes, operands: ['input'], inferShapes: pooledShape });

const conv = row({
  attributes: conv2dAttributes,
  operands: ['input', 'filter', 'bias?'],
  inferShapes: shapedAs(convolutionRows['top.Conv']),
  macs: convolutionRows['top.Conv'].macs as never,
});

export const quantizedComputeRows = {
  'tpu.Conv2D': conv,
  /** INT8: the result is i32 and a `tpu.RequantIntAxis` follows. */
  'tpu.Conv3D': conv,
  /** INT8: the result is i32 and a `tpu.RequantIntAxis` follows; on CV18xx it is i8, requantized as by a Conv2D. */
  'tpu.Deconv': row({
    attributes: deconvAttributes,
    operands: ['input', 'filter', 'bias?'],
    inferShapes: shapedAs(convolutionRows['top.Deconv']),
    macs: convolutionRows['top.Deconv'].macs as never,
  }),
  'tpu.MatMul': row({
    attributes: matMulAttributes,
    operands: ['input', 'right', 'bias?', 'multi?', 'buffer?'],
    inferShapes: shapedAs(matrixProductRows['top.MatMul']),
    macs: matrixProductRows['top.MatMul'].macs as never,
  }),
  /** x · Wᵀ with integer weights [N, K] (4 bits: [N, K/2], the even column in the low nibble) that are scaled back first. */
  'tpu.A16MatMul': row({
    attributes: {
      wTranspose: defaulted('bool', 'w_transpose', false),
      weightBits: defaulted('i64', 'weight_bits', 8),
      /** Signed codes; `false` when every weight is positive. */
      sign: defaulted('bool', 'sign', true),
      /** Weights that share a scale and a zero point; 0: one scale per row. */
      qGroupSize: defaulted('i64', 'q_group_size', 0),
    } as const,
    operands: ['input', 'weight', 'scale', 'zp?', 'bias?'],
    inferShapes: ({ inputs }) => ({ outputs: [f32([...inputs[0]!.shape.slice(0, -1), inputs[1]!.shape[0]!])] }),
  }),
  'tpu.Pool1D': pool,
  'tpu.Pool2D': pool,
  'tpu.Pool3D': pool,
  /** y = x · scale + bias per channel; INT8 shifts by `lshift`. */
  'tpu.Scale': row({
    attributes: reluAttributes,
    operands: ['input', 'scale', 'bias', 'lshift?'],
    inferShapes: shapedAs(normalizationRows['top.Scale']),
  }),
  'tpu.LayerNorm': row({
    attributes: {
      normalizedShape: required('i64[]', 'normalized_shape'),
      axis: required('si32', 'axis'),
      eps: required('f64', 'eps'),
    } as const,
    operands: ['input', 'weight?', 'bias?', 'table?', 'mantissa_table?'],
    inferShapes: shapedAs(normalizationRows['top.LayerNorm']),
  }),
  'tpu.GroupNorm': row({
    attributes: { numGroups: required('i64', 'num_groups'), eps: required('f64', 'eps') } as const,
    operands: ['input', 'weight?', 'bias?', 'table?', 'mantissa_table?'],
    inferShapes: shapedAs(normalizationRows['top.GroupNorm']),
  }),
  'tpu.InstanceNorm': row({
    attributes: { eps: required('f64', 'eps') } as const,
    operands: ['input', 'weight?', 'bias?', 'table?', 'mantissa_table?'],
    inferShapes: shapedAs(normalizationRows['top.InstanceNorm']),
  }),
  'tpu.PixelNorm': row({
    attributes: { eps: required('f64', 'eps') } as const,
    operands: ['input', 'weight?', 'bias?', 'table?', 'mantissa_table?'],
    inferShapes: shapedAs(normalizationRows['top.PixelNorm']),
  }),
  'tpu.RMSNorm': row({
    attributes: { eps: required('f64', 'eps'), weightKeepF32: defaulted('bool', 'weight_keep_f32', false) } as const,
    operands: ['input', 'gamma?'],
    inferShapes: shapedAs(normalizationRows['top.RMSNorm']),
  }),
  'tpu.Reduce': row({
    attributes: {
      axes: required('i64[]', 'axes'),
      keepdims: required('bool', 'keepdims'),
      mode: required('string', 'mode'),
      /** CV18xx INT8: one each. */
      multiplier: optional('i64[]', 'multiplier'),
      rshift: optional('i64[]', 'rshift'),
    } as const,
    operands: ['input', 'buffer?', 'reciprocal_mantissa_table?'],
    inferShapes: shapedAs(reductionRows['top.Reduce']),
  }),
} as const;
