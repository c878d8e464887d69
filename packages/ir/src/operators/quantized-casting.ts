import { defaulted, enumeration, required } from '../attribute-schema.ts';
import { quantMode, roundModeAttribute } from './quantized-rule.ts';
import { row } from './row.ts';
import { likeInput } from './shape-rules.ts';

const roundMode = roundModeAttribute('round_mode', 'HalfAwayFromZero');

export const quantizedCastingRows = {
  /** Between float types, or between float and codes; the scale is in the quantized type (numerics.md 6). */
  'tpu.Cast': row({
    attributes: { withScale: defaulted('bool', 'with_scale', true), roundMode } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** Codes of one scale to codes of another (numerics.md 7.7). */
  'tpu.RequantInt': row({
    attributes: {
      multiplier: required('si32', 'multiplier'),
      rshift: required('si32', 'rshift'),
      quantMode: enumeration('quant_mode', 'rq_mode'),
      roundMode,
    } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /** The same with i32 parameters per channel: multiplier, −rshift, zero point (three columns on bm1684x). */
  'tpu.RequantIntAxis': row({
    attributes: {
      quantMode: enumeration('quant_mode', 'rq_mode'),
      roundMode,
      rqAxis: defaulted('si32', 'rq_axis', 1),
      fuseRqAxis: defaulted('bool', 'fuse_rq_axis', false),
    } as const,
    operands: ['input', 'quant'],
    inferShapes: likeInput,
  }),
  /** Codes times a float factor plus a float offset. */
  'tpu.RequantFp': row({
    attributes: {
      scale: required('f64', 'scale'),
      offset: defaulted('f64', 'offset', 0),
      quantMode,
      roundMode,
      firstRoundMode: roundModeAttribute('first_round_mode', 'HalfAwayFromZero'),
    } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  /**
   * An operator that runs on the host. Only `quant` is known: how a CV18xx network quantizes its inputs; its `param`
   * dictionary holds what the result type says anyway.
   */
  'tpu.GenericCpu': row({
    attributes: { cpuOpName: required('string', 'cpu_op_name') } as const,
    operands: ['inputs...'],
    inferShapes: likeInput,
  }),
} as const;
