import { bm1684RightShiftByLog, type OpOf } from '@q/ir';
import type { LoweringContext } from '@q/ir/lowering';
import { fitBias, int8Code, shiftedScale } from './codes.ts';

/**
 * A constant Scale keeps its operator: per channel an i8 factor, an i16 offset with the rounding half added, and the
 * shift as a negative left shift (numerics.md 7.7, 8). False: it runs in F32.
 */
export function lowerScale(context: LoweringContext, op: OpOf<'top.Scale'>): boolean {
  const [input, scaleName, biasName] = op.inputs as readonly [string, string, string];
  if (!context.isWeight(scaleName) || !context.isWeight(biasName)) return false;
  const inputScale = context.quantizerOf(input, op).scale;
  const outputScale = context.quantizerOf(op.name, op).scale;
  const [factors, offsets] = [context.floats(scaleName), context.floats(biasName)];
  const shifts = Array.from(factors, (factor) => bm1684RightShiftByLog(factor, inputScale, outputScale));
  // A left shift of the factor is undefined upstream.
  if (factors.length !== offsets.length || shifts.some((shift) => shift < 0)) return false;
  const scale = new Int8Array(factors.length);
  const bias = new Int16Array(factors.length);
  const lshift = new Int8Array(factors.length);
  shifts.forEach((firstShift, channel) => {
    const { rshift, codes } = fitBias([offsets[channel]!], firstShift, outputScale);
    lshift[channel] = -rshift;
    bias[channel] = withHalf(codes[0]!, rshift);
    scale[channel] = int8Code(factors[channel]!, shiftedScale(rshift, inputScale, outputScale));
  });
  const [scaleShape, biasShape] = [context.shapeOf(scaleName), context.shapeOf(biasName)];
  const inputs = [
    input,
    context.addWeight(op.name, 'scale_int8', { shape: scaleShape, dtype: 'i8', spelling: 'i8' }, scale),
    context.addWeight(op.name, 'bias_int16', { shape: biasShape, dtype: 'i16', spelling: 'si16' }, bias),
    context.addWeight(op.name, 'lshift_i8', { shape: scaleShape, dtype: 'i8', spelling: 'i8' }, lshift),
  ];
  const { doRelu, reluLimit } = op.attributes;
  context.emitAs(op, 'tpu.Scale', inputs, { doRelu, reluLimit }, context.codeType(op.name, op));
  return true;
}

/** The bias with half a unit added, unless 16 bits cannot hold it. */
function withHalf(bias: number, rshift: number): number {
  if (rshift === 0) return bias;
  const sum = bias + 2 ** (rshift - 1);
  return sum > 32767 ? bias : sum;
}
