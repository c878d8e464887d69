import { getScaleAndShift, type OpOf, saturate, toInt } from '@q/ir';
import { absMax, extremes, tpuFormOf } from '@q/ir/lowering';
import type { Bm168xContext } from './context.ts';

/** Codes of a filter, with one scale per output channel. */
interface QuantizedFilter {
  readonly signed: boolean;
  readonly codes: Int8Array | Uint8Array;
  readonly scales: readonly number[];
}

/** 2^k (k ≤ 6) that makes every weight an exact code, if there is one: pre-quantized weights keep their values. */
function exactPower(filter: Float32Array, signed: boolean): number | undefined {
  const [low, high] = signed ? [-128, 127] : [0, 255];
  for (let k = 0; k <= 6; k++) {
    const fits = filter.every((weight) => {
      const code = weight * 2 ** k;
      return Number.isInteger(code) && code >= low && code <= high;
    });
    if (fits) return 2 ** k;
  }
  return undefined;
}

function quantizeFilter(filter: Float32Array, oc: number, signed: boolean, power: number | undefined): QuantizedFilter {
  const codes = signed ? new Int8Array(filter.length) : new Uint8Array(filter.length);
  const inner = filter.length / oc;
  const scales = Array.from({ length: oc }, (_, channel) => {
    const [from, to] = [channel * inner, (channel + 1) * inner];
    const scale =
      power === undefined
        ? Math.max(Math.fround(absMax(filter, from, to) / (signed ? 127 : 255)), Math.fround(1e-5))
        : 1 / power;
    for (let at = from; at < to; at++) codes[at] = saturate(filter[at]! / scale, signed ? 'i8' : 'u8');
    return scale;
  });
  return { signed, codes, scales };
}

/** i32 codes of a bias at scale weight · input (f64, half away). */
function quantizeBias(bias: Float32Array, scales: readonly number[], inputScale: number): Int32Array {
  return Int32Array.from(bias, (value, channel) => toInt(value / (scales[channel]! * inputScale)));
}

/** An input that calibration found (nearly) dead gets a scale that its bias or filter can live with. */
function liveInputScale(scale: number, filter: Float32Array, bias: Float32Array | undefined): number {
  if (scale > 1e-5) return scale;
  const biasMax = bias === undefined ? Math.fround(1e-6) : absMax(bias);
  return biasMax <= 1e-5 ? absMax(filter) / 127 : biasMax / 127;
}

/** INT8 convolution (numerics.md 7.1), symmetric. Answers false when it runs in float: the filter is not constant. */
export function lowerConv(context: Bm168xContext, op: OpOf<'top.Conv'>): boolean {
  const [input, filterName, biasName] = op.inputs as readonly [string, string, (string | null)?];
  if (!context.isWeight(filterName) || (biasName != null && !context.isWeight(biasName))) return false;
  const form = tpuFormOf(op);
  const filter = context.floats(filterName);
  const bias = biasName == null ? undefined : context.floats(biasName);
  const oc = context.shapeOf(filterName)[0]!;
  const signed = bias !== undefined || extremes(filter).min < 0;
  const inputScale = liveInputScale(context.quantizerOf(input, op).scale, filter, bias);
  const result = context.resultOf(op);
  const outputScale = result.scale;
  const { codes, scales } = quantizeFilter(filter, oc, signed, exactPower(filter, signed));
  const factors = scales.map((scale) => getScaleAndShift((scale * inputScale) / outputScale, 32));
  const inputs: (string | null)[] = [
    input,
    context.addWeight(
      op.name,
      signed ? 'filter_i8' : 'filter_u8',
      { shape: context.shapeOf(filterName), dtype: signed ? 'i8' : 'u8' },
      codes,
    ),
    null,
  ];
  if (bias !== undefined) {
    const shape = context.shapeOf(op.name).map((_, axis) => (axis === 1 ? oc : 1));
    inputs[2] = context.addWeight(
      op.name,
      'bias_int32',
      { shape, dtype: 'i32' },
      quantizeBias(bias, scales, inputScale),
    );
  }
  const attributes = {
    ...form.attributes,
    quantMode: 'MultiplierShift',
    multiplier: factors.map(({ multiplier }) => multiplier),
    rshift: factors.map(({ rshift }) => rshift),
  };
  context.emitAs(op, form.type, inputs, attributes, result.type);
  return true;
}

/** Parameters of a `tpu.RequantIntAxis`, per channel: multiplier, −rshift, zero point (0), in the processor's layout. */
function requantTable(
  factors: readonly { readonly multiplier: number; readonly rshift: number }[],
  columns: 2 | 3,
): Int32Array {
  return Int32Array.from(
    factors.flatMap(({ multiplier, rshift }) =>
      columns === 3 ? [multiplier, 0 - rshift, 0] : [multiplier, -rshift & 0xffff],
    ),
  );
}

/** INT8 transposed convolution: i32 sums, then a requantization per channel (numerics.md 7.7). */
export function lowerDeconv(context: Bm168xContext, op: OpOf<'top.Deconv'>): boolean {
  const [input, filterName, biasName] = op.inputs as readonly [string, string, (string | null)?];
  if (!context.isWeight(filterName) || (biasName != null && !context.isWeight(biasName))) return false;
  const form = tpuFormOf(op);
  const filter = context.floats(filterName);
  const bias = biasName == null ? undefined : context.floats(biasName);
  const shape = context.shapeOf(op.name);
  const oc = shape[1]!;
  const signed = bias !== undefined || extremes(filter).min < 0;
  const inputScale = context.quantizerOf(input, op).scale;
  const outputScale = context.quantizerOf(op.name, op).scale;
  const { codes, scales } = quantizeFilter(filter, oc, signed, undefined);
  const factors = scales.map((scale) => getScaleAndShift((scale * inputScale) / outputScale, 32));
  const sums = `${op.name}_i32`;
  const filterType = { shape: context.shapeOf(filterName), dtype: signed ? 'i8' : 'u8' } as const;
  const channelShape = shape.map((_, axis) => (axis === 1 ? oc : 1));
  const inputs: (string | null)[] = [
    input,
    context.addWeight(op.name, signed ? 'filter_i8' : 'filter_u8', filterType, codes),
    bias === undefined
      ? null
      : context.addWeight(
          op.name,
          'bias_int32',
          { shape: channelShape, dtype: 'i32' },
          quantizeBias(bias, scales, inputScale),
        ),
  ];
  context.emitAs({ ...op, name: sums, outputs: [sums] }, form.type, inputs, form.attributes, { shape, dtype: 'i32' });
  const { requantColumns } = context.processor;
  const quant = context.addWeight(
    op.name,
    'quant_int32',
    { shape: [1, oc, 1, requantColumns], dtype: 'i32' },
    requantTable(factors, requantColumns),
  );
  context.emitAs(
    op,
    'tpu.RequantIntAxis',
    [sums, quant],
    { quantMode: 'MultiplierShift' },
    context.codeType(op.name, op),
  );
  return true;
}
