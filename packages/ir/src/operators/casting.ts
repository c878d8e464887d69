import { defaulted, required } from '../attribute-schema.ts';
import { row } from './row.ts';
import { f32, likeInput } from './shape-rules.ts';

export const castingRows = {
  /** `INT32` with `TowardsZero`, or `F32`; the values stay float either way. */
  'top.Cast': row({
    attributes: {
      to: defaulted('string', 'to', ''),
      roundMode: defaulted('string', 'round_mode', 'HalfAwayFromZero'),
    } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** q = saturate(round_half_even(x / scale) + zero_point), per tensor (one scale) or along `axis`. */
  'top.QuantizeLinear': row({
    attributes: {
      yScale: required('f64[]', 'y_scale'),
      yZeroPoint: required('i32[]', 'y_zero_point'),
      axis: defaulted('i64', 'axis', 1),
    } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** x = (q − zero_point) · scale */
  'top.DequantizeLinear': row({
    attributes: {
      xScale: required('f64[]', 'x_scale'),
      xZeroPoint: required('i32[]', 'x_zero_point'),
      axis: defaulted('i64', 'axis', 1),
    } as const,
    operands: ['input'],
    inferShapes: ({ inputs }) => ({ outputs: [f32(inputs[0]!.shape)] }),
  }),
} as const;
