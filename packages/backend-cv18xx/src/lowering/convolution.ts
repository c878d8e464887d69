import type { OpOf } from '@q/ir';
import { absMax, tpuFormOf } from '@q/ir/lowering';
import type { Cv18xxContext } from './context.ts';
import { biasCode, type ChannelScale, channelScale, guardedFactor, type Thresholds, weightCode } from './scales.ts';

type Convolution = OpOf<'top.Conv'> | OpOf<'top.Deconv'>;

/** Operands of a convolution by name. */
function operandsOf(op: Convolution): readonly [string, string, string | null] {
  const [input, filter, bias] = op.inputs as readonly [string, string, (string | null)?];
  return [input, filter, bias ?? null];
}

/** A 31-bit multiplier per output channel, weights and bias as codes under it (numerics.md 9.1). */
function quantizeFilter(context: Cv18xxContext, op: Convolution, thresholds: Thresholds, oc: number) {
  const [, filterName, biasName] = operandsOf(op);
  const filter = context.floats(filterName);
  const bias = biasName === null ? undefined : context.floats(biasName);
  const given = op.type === 'top.Conv' ? context.weightScalesOf(op) : undefined;
  const inner = filter.length / oc;
  const channels = Array.from({ length: oc }, (_, channel): ChannelScale => {
    const scale = given?.[given.length === 1 ? 0 : channel];
    const weightMax = scale === undefined ? absMax(filter, channel * inner, (channel + 1) * inner) : scale * 127;
    return channelScale(guardedFactor(weightMax, bias?.[channel], thresholds), thresholds);
  });
  return {
    channels,
    filterCodes: Int8Array.from(filter, (w, at) => weightCode(w, channels[Math.floor(at / inner)]!.weightFactor)),
    biasCodes: bias && Int32Array.from(bias, (value, channel) => biasCode(value, channels[channel]!.biasFactor)),
  };
}

/** INT8 convolution or transposed convolution. False: it runs in BF16. */
export function lowerConvolution(context: Cv18xxContext, op: Convolution): boolean {
  const [input, filterName] = operandsOf(op);
  if (!context.isWeight(filterName) || op.attributes.kernelShape.length > 2) return false;
  const thresholds = { input: context.thresholdOf(input, op), output: context.thresholdOf(op.name, op) };
  const shape = context.shapeOf(op.name);
  const oc = shape[1]!;
  const { channels, filterCodes, biasCodes } = quantizeFilter(context, op, thresholds, oc);
  const form = tpuFormOf(op);
  const biasShape = shape.map((_, axis) => (axis === 1 ? oc : 1));
  const inputs = [
    input,
    context.addWeight(op.name, 'filter_i8', { shape: context.shapeOf(filterName), dtype: 'i8' }, filterCodes),
    biasCodes === undefined
      ? null
      : context.addWeight(op.name, 'bias_int32', { shape: biasShape, dtype: 'i32' }, biasCodes),
  ];
  const attributes = {
    ...form.attributes,
    quantMode: 'QDM',
    multiplier: channels.map(({ multiplier }) => multiplier),
    rshift: channels.map(({ rshift }) => rshift),
  };
  context.emitAs(op, form.type, inputs, attributes, context.codeType(op.name, op));
  return true;
}

/** BF16 convolution: weights narrowed, the bias stays f32. */
export function lowerConvolutionToBf16(context: Cv18xxContext, op: Convolution): void {
  const [input, filter, bias] = operandsOf(op);
  const form = tpuFormOf(op);
  const inputs = [input, context.bf16Operand(filter), context.isWeight(bias) ? context.keepWeight(bias) : bias];
  context.emitAs(op, form.type, inputs, form.attributes, context.bf16Type(op.name));
}
