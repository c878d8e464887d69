import { defaulted, enumeration, optional, required } from '../attribute-schema.ts';
import { reluAttributes } from './convolution.ts';
import { indexingRows } from './indexing.ts';
import { depth2SpaceAttributes, layoutRows } from './layout.ts';
import { shapedAs } from './quantized-rule.ts';
import { argAttributes, reductionRows } from './reduction.ts';
import { resamplingRows } from './resampling.ts';
import { row } from './row.ts';
import { likeInput } from './shape-rules.ts';

const axes = required('i64[]', 'axes');

export const quantizedLayoutRows = {
  'tpu.Concat': row({
    attributes: {
      axis: required('si32', 'axis'),
      onlyMerge: defaulted('bool', 'only_merge', false),
      multipliers: optional('i64[]', 'multipliers'),
      rshifts: optional('i64[]', 'rshifts'),
      ...reluAttributes,
    } as const,
    operands: ['inputs...'],
    inferShapes: shapedAs(layoutRows['top.Concat']),
  }),
  'tpu.Permute': row({
    attributes: { order: required('i64[]', 'order') } as const,
    operands: ['input', 'buffer?'],
    inferShapes: shapedAs(layoutRows['top.Permute']),
  }),
  'tpu.Reshape': row({
    attributes: {
      shape: defaulted('i64[]', 'shape', []),
      flattenStartDim: defaulted('i64', 'flatten_start_dim', -1),
    } as const,
    operands: ['input', 'buffer??'],
    inferShapes: shapedAs(layoutRows['top.Reshape']),
  }),
  'tpu.Squeeze': row({
    attributes: { axes } as const,
    operands: ['input'],
    inferShapes: shapedAs(layoutRows['top.Squeeze']),
  }),
  'tpu.Unsqueeze': row({
    attributes: { axes } as const,
    operands: ['input'],
    inferShapes: shapedAs(layoutRows['top.Unsqueeze']),
  }),
  'tpu.Slice': row({
    attributes: {
      offset: required('i64[]', 'offset'),
      steps: required('i64[]', 'steps'),
      ends: required('wide[]', 'ends'),
      axes: defaulted('i64[]', 'axes', []),
      hasparamConvertAxes: defaulted('i64[]', 'hasparamConvert_axes', []),
    } as const,
    operands: ['input', 'offsetT?', 'endsT?', 'stepsT?', 'buffer?'],
    inferShapes: shapedAs(layoutRows['top.Slice']),
  }),
  'tpu.Pad': row({
    attributes: {
      paddings: required('i64[]', 'paddings'),
      /** In codes when the operator runs in integers. */
      val: defaulted('f64', 'val', 0),
      mode: enumeration('mode', 'Pad_Mode', 'constant'),
    } as const,
    operands: ['input', 'paddingsT?', 'left_select?', 'right_select?', 'buffer?'],
    inferShapes: shapedAs(layoutRows['top.Pad']),
  }),
  'tpu.Tile': row({
    attributes: { tile: defaulted('i64[]', 'tile', []) } as const,
    operands: ['input', 'tileT??', 'buffer?'],
    inferShapes: shapedAs(layoutRows['top.Tile']),
  }),
  'tpu.Depth2Space': row({
    attributes: depth2SpaceAttributes,
    operands: ['input'],
    inferShapes: shapedAs(layoutRows['top.Depth2Space']),
  }),
  'tpu.ShuffleChannel': row({
    attributes: { group: required('i64', 'group') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'tpu.SwapChannel': row({
    attributes: { channelOrder: required('i64[]', 'channel_order') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'tpu.SwapDimInner': row({
    attributes: { offset: required('i64[]', 'offset') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'tpu.Reverse': row({
    attributes: { axis: required('i64', 'axis') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'tpu.Upsample': row({
    attributes: { scaleH: required('i64', 'scale_h'), scaleW: required('i64', 'scale_w'), ...reluAttributes } as const,
    operands: ['input'],
    inferShapes: shapedAs(resamplingRows['top.Upsample']),
  }),
  'tpu.Interp': row({
    attributes: {
      scaleH: required('f64', 'scale_h'),
      scaleW: required('f64', 'scale_w'),
      mode: enumeration('mode', 'mode'),
      coordMode: enumeration('coord_mode', 'coord_mode'),
    } as const,
    operands: ['input', 'shapeT?', 'buffer?'],
    inferShapes: shapedAs(resamplingRows['top.Interp']),
  }),
  'tpu.Gather': row({
    attributes: { axis: defaulted('si32', 'axis', 0), ifNegIndex: defaulted('bool', 'if_neg_index', true) } as const,
    operands: ['input', 'indices', 'buffer?'],
    inferShapes: shapedAs({
      inferShapes: (context) =>
        indexingRows['top.Gather'].inferShapes({
          ...context,
          attributes: { keepdims: true, ...context.attributes },
        } as never),
    }),
  }),
  'tpu.TopK': row({
    attributes: {
      axis: required('i64', 'axis'),
      K: required('i64', 'K'),
      largest: defaulted('bool', 'largest', true),
      sorted: defaulted('bool', 'sorted', true),
      replaceTopkIndices: defaulted('bool', 'replace_topk_indices', false),
    } as const,
    operands: ['input', 'kT??', 'buffer_val?', 'buffer_idx?'],
    results: ['values?', 'indices?'],
    inferShapes: shapedAs(indexingRows['top.TopK']),
  }),
  'tpu.Arg': row({
    attributes: argAttributes,
    operands: ['input'],
    results: ['indices', 'values?'],
    inferShapes: shapedAs(reductionRows['top.Arg']),
  }),
} as const;
