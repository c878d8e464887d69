import { activationRows } from './activation.ts';
import { arithmeticRows } from './arithmetic.ts';
import { comparisonRows } from './comparison.ts';
import { convolutionRows } from './convolution.ts';
import { indexingRows } from './indexing.ts';
import { normalizationRows } from './normalization.ts';
import { recurrentRows } from './recurrent.ts';
import { resamplingRows } from './resampling.ts';

/** Lowered operators that compute in float only, with the operands and attributes of their Top counterparts. */
export const quantizedFloatRows = {
  'tpu.CumSum': indexingRows['top.CumSum'],
  'tpu.DeformConv2D': convolutionRows['top.DeformConv2D'],
  'tpu.GatherElements': indexingRows['top.GatherElements'],
  'tpu.GatherND': indexingRows['top.GatherND'],
  'tpu.GridSampler': resamplingRows['top.GridSampler'],
  'tpu.GRU': recurrentRows['top.GRU'],
  'tpu.LogB': activationRows['top.LogB'],
  'tpu.LRN': normalizationRows['top.LRN'],
  'tpu.LSTM': recurrentRows['top.LSTM'],
  'tpu.MaskedFill': comparisonRows['top.MaskedFill'],
  'tpu.Mod': arithmeticRows['top.Mod'],
  'tpu.Remainder': arithmeticRows['top.Remainder'],
  'tpu.RoiAlign': resamplingRows['top.RoiAlign'],
  'tpu.ScatterElements': indexingRows['top.ScatterElements'],
  'tpu.ScatterND': indexingRows['top.ScatterND'],
  'tpu.Trilu': indexingRows['top.Trilu'],
} as const;
