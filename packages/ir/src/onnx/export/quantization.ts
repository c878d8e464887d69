import type { DType } from '../../dtype.ts';
import type { OpOf, Weight } from '../../graph.ts';
import { allocate } from '../../tensor.ts';
import { DATA_TYPES } from '../tensor-data.ts';
import { deconvFilterData } from './convolution.ts';
import type { Emitters, OnnxWriter } from './onnx-writer.ts';

/**
 * Scale and zero point of a QuantizeLinear or DequantizeLinear: of rank 0 per tensor, of rank 1 with an axis per channel.
 * Every node gets its own copies, as device compilers expect (spacemit.md 10.4).
 */
function parameters(
  to: OnnxWriter,
  base: string,
  codes: DType,
  scales: readonly number[],
  zeroPoints: readonly number[],
): string[] {
  const dims = scales.length === 1 ? [] : [scales.length];
  const zeros = allocate(codes, scales.length);
  scales.forEach((_, i) => {
    zeros[i] = zeroPoints[i] ?? zeroPoints[0] ?? 0;
  });
  return [
    to.constant(`${base}_scale`, 'f32', dims, Float32Array.from(scales)),
    to.constant(`${base}_zero_point`, codes, dims, zeros),
  ];
}

/** Top holds codes as f32 where it does not say more; then they are int8, or uint8 when a zero point needs it. */
function codeType(dtype: DType, zeroPoints: readonly number[]): DType {
  if (dtype !== 'f32') return dtype;
  return zeroPoints.some((zero) => zero > 127) ? 'u8' : 'i8';
}

/** A constant of codes as an initializer; for a transposed convolution it is turned to ONNX's order on the way. */
function codesOf(op: OpOf<'top.DequantizeLinear'>, to: OnnxWriter, weight: Weight, codes: DType): string {
  const readers = to.readersOf(op.name);
  const [deconv] = readers;
  const isFilter =
    readers.length === 1 &&
    deconv!.type === 'top.Deconv' &&
    deconv!.inputs[1] === op.name &&
    op.attributes.xScale.length === 1;
  if (!isFilter && weight.type.dtype === codes) return to.tensor(op.inputs[0]);
  const { shape } = weight.type;
  if (isFilter) to.markTurned(op.name);
  const source = isFilter ? deconvFilterData(weight, deconv as OpOf<'top.Deconv'>) : weight.data;
  const data = allocate(codes, source.length);
  for (let i = 0; i < source.length; i++) data[i] = Number(source[i]);
  return to.constant(op.inputs[0]!, codes, isFilter ? [shape[1]!, shape[0]!, ...shape.slice(2)] : shape, data);
}

export const quantizationEmitters: Emitters = {
  'top.QuantizeLinear'(op, to) {
    const { yScale, yZeroPoint, axis } = op.attributes;
    const codes = codeType(to.type(op.outputs[0]!).dtype, yZeroPoint);
    const inputs = [to.tensor(op.inputs[0]), ...parameters(to, op.name, codes, yScale, yZeroPoint)];
    to.node('QuantizeLinear', inputs, yScale.length === 1 ? {} : { axis }, to.output(op));
  },
  'top.DequantizeLinear'(op, to) {
    const { xScale, xZeroPoint, axis } = op.attributes;
    const codes = codeType(to.type(op.inputs[0]!).dtype, xZeroPoint);
    const weight = to.weight(op.inputs[0]);
    const x = weight === undefined ? to.tensor(op.inputs[0]) : codesOf(op, to, weight, codes);
    const inputs = [x, ...parameters(to, op.name, codes, xScale, xZeroPoint)];
    to.node('DequantizeLinear', inputs, xScale.length === 1 ? {} : { axis }, to.output(op));
  },
  'top.Cast'(op, to) {
    const x = to.tensor(op.inputs[0]);
    // Values stay float in Top: an integer cast only drops the fraction.
    if (!/^U?INT/.test(op.attributes.to)) to.node('Identity', [x], {}, to.output(op));
    else if (op.attributes.roundMode === 'TowardsZero')
      to.cast(to.node('Cast', [x], { to: DATA_TYPES.i64 }), 'f32', to.output(op));
    else {
      // Half away from zero: sign(x) · floor(|x| + ½).
      const size = to.node('Floor', [to.node('Add', [to.node('Abs', [x]), to.scalar(0.5)])]);
      to.node('Mul', [to.node('Sign', [x]), size], {}, to.output(op));
    }
  },
};
