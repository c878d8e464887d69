import type { Implementations } from '../implementation.ts';
import { asFloat } from './float-form.ts';

/** Operators that no processor has in integers: their `top.*` counterparts compute them. */
export const floatOperatorImplementations: Implementations = {
  'tpu.CumSum': asFloat(),
  'tpu.DeformConv2D': asFloat(),
  'tpu.GatherElements': asFloat(),
  'tpu.GatherND': asFloat(),
  'tpu.GridSampler': asFloat(),
  'tpu.GRU': asFloat(),
  'tpu.LogB': asFloat(),
  'tpu.LRN': asFloat(),
  'tpu.LSTM': asFloat(),
  'tpu.MaskedFill': asFloat(),
  'tpu.Mod': asFloat(),
  'tpu.Remainder': asFloat(),
  'tpu.RoiAlign': asFloat(),
  'tpu.ScatterElements': asFloat(),
  'tpu.ScatterND': asFloat(),
  'tpu.Trilu': asFloat(),
};
