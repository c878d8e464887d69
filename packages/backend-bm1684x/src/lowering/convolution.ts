import { getScaleAndShift, type KnownOp, type MultiplierShift, type OpOf } from '@q/ir';
import { absMax, extendedFormOf, type Quantizer } from '@q/ir/lowering';
import type { Bm168xContext } from './context.ts';
import { type QuantizedFilter, quantizeBias, quantizeFilter } from './filter.ts';
import { emitRequant } from './requant-table.ts';

/** Filter and bias of a convolution, when both are constants. */
interface Parameters {
  readonly filter: Float32Array;
  readonly bias: Float32Array | undefined;
}

export function constantParameters(
  context: Bm168xContext,
  op: OpOf<'top.Conv'> | OpOf<'top.Deconv'>,
): Parameters | undefined {
  const [, filter, bias] = op.inputs as readonly [string, string, (string | null)?];
  if (!context.isWeight(filter) || (bias != null && !context.isWeight(bias))) return undefined;
  return { filter: context.floats(filter), bias: bias == null ? undefined : context.floats(bias) };
}

/** An input that calibration found (nearly) dead gets a scale that its bias or filter can live with. */
function liveInputScale(scale: number, { filter, bias }: Parameters): number {
  if (scale > 1e-5) return scale;
  const biasMax = bias === undefined ? Math.fround(1e-6) : absMax(bias);
  return biasMax <= 1e-5 ? absMax(filter) / 127 : biasMax / 127;
}

/** Factor of every output channel: weight scale · input scale / output scale. */
export function factorsOf(
  { scales }: QuantizedFilter,
  inputScale: number,
  outputScale: number,
): readonly MultiplierShift[] {
  return scales.map((scale) => getScaleAndShift((scale * inputScale) / outputScale, 32));
}

/** Operands of an integer convolution: codes of the filter and of the bias become weights. */
export function addOperands(
  context: Bm168xContext,
  op: OpOf<'top.Conv'> | OpOf<'top.Deconv'>,
  parts: { readonly input: string; readonly filter: QuantizedFilter; readonly bias: Int32Array | undefined },
  bits: 4 | 8 = 8,
): readonly (string | null)[] {
  const { input, filter, bias } = parts;
  const sign = filter.signed ? 'i' : 'u';
  const type = { shape: context.shapeOf(op.inputs[1]!), dtype: `${sign}8` } as const;
  const filterName = context.addWeight(op.name, `filter_${sign}${bits}`, type, filter.codes);
  if (bias === undefined) return [input, filterName, null];
  const shape = context.shapeOf(op.name).map((_, axis) => (axis === 1 ? bias.length : 1));
  return [input, filterName, context.addWeight(op.name, 'bias_int32', { shape, dtype: 'i32' }, bias)];
}

/** The attributes that carry the factors of a convolution that requantizes by itself. */
export function requantAttributes(factors: readonly MultiplierShift[]): object {
  return {
    quantMode: 'MultiplierShift',
    multiplier: factors.map(({ multiplier }) => multiplier),
    rshift: factors.map(({ rshift }) => rshift),
  };
}

/**
 * INT8 convolution (numerics.md 7.1); with 4-bit weight codes in W4INT8. Answers false when it runs in float: the filter
 * is not constant.
 */
export function lowerConv(context: Bm168xContext, op: OpOf<'top.Conv'>): boolean {
  const parameters = constantParameters(context, op);
  if (parameters === undefined) return false;
  const form = extendedFormOf(op);
  const given = context.inputQuantizerOf(op);
  const input: Quantizer = { ...given, scale: liveInputScale(given.scale, parameters) };
  const isVolume = form.type === 'tpu.Conv3D';
  const result = context.resultOf(op, op.attributes.kernelShape.length === 2);
  const filter = quantizeFilter(parameters.filter, {
    oc: context.shapeOf(op.inputs[1]!)[0]!,
    hasBias: parameters.bias !== undefined,
    bits: context.weightBitsOf(op),
    given: context.weightScalesOf(op),
    keepsExact: true,
  });
  const bias = quantizeBias(parameters.bias, filter, input);
  const factors = factorsOf(filter, input.scale, result.scale);
  const inputs = addOperands(context, op, { input: op.inputs[0]!, filter, bias });
  const attributes = { ...form.attributes, withBias: bias !== undefined };
  if (!isVolume) {
    context.emitAs(op, form.type, inputs, { ...attributes, ...requantAttributes(factors) }, result.type);
    return true;
  }
  const sums = emitSums(context, op, '_int32', inputs, { ...attributes, ...requantAttributes(factors) });
  emitRequant(context, op, {
    sums,
    weightSuffix: 'quant',
    factors,
    zeroPoint: result.zeroPoint,
    spatial: 2,
    type: result.type,
  });
  return true;
}

/** Adds the operator that makes the i32 sums of `op`, and answers their name. */
export function emitSums(
  context: Bm168xContext,
  op: KnownOp,
  suffix: string,
  inputs: readonly (string | null)[],
  attributes: object,
): string {
  const sums = `${op.name}${suffix}`;
  const type = { shape: context.shapeOf(op.name), dtype: 'i32' } as const;
  context.emitAs({ ...op, name: sums, outputs: [sums] }, extendedFormOf(op).type, inputs, attributes, type);
  return sums;
}

/** INT8 transposed convolution: i32 sums, then a requantization per channel (numerics.md 7.7). */
export function lowerDeconv(context: Bm168xContext, op: OpOf<'top.Deconv'>): boolean {
  const parameters = constantParameters(context, op);
  if (parameters === undefined) return false;
  const form = extendedFormOf(op);
  const input = context.quantizerOf(op.inputs[0]!, op);
  const output = context.quantizerOf(op.name, op);
  const filter = quantizeFilter(parameters.filter, {
    oc: context.shapeOf(op.name)[1]!,
    hasBias: parameters.bias !== undefined,
    given: context.weightScalesOf(op),
  });
  const bias = quantizeBias(parameters.bias, filter, input);
  const inputs = addOperands(context, op, { input: op.inputs[0]!, filter, bias });
  const sums = emitSums(context, op, '_i32', inputs, { ...form.attributes, withBias: bias !== undefined });
  emitRequant(context, op, {
    sums,
    weightSuffix: 'quant_int32',
    factors: factorsOf(filter, input.scale, output.scale),
    zeroPoint: output.zeroPoint,
    spatial: 1,
    type: context.codeType(op.name, op),
  });
  return true;
}
