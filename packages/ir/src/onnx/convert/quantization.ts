import { intAttribute, type OnnxNode } from '../onnx-graph.ts';
import { type Conversion, type Converter, floatData, layerName, requiredNumbers, unsupported } from './conversion.ts';

function parameters(node: OnnxNode, to: Conversion): { scale: number[]; zeroPoint: number[]; axis: number } {
  if (intAttribute(node, 'block_size', 0) !== 0)
    throw unsupported(node, 'blocked quantization', 'one scale per tensor or channel');
  const scale = requiredNumbers(node, to, 1, 'scale');
  const zeroPoint = to.numbers(node.inputs[2]) ?? scale.map(() => 0);
  return { scale, zeroPoint, axis: intAttribute(node, 'axis', 1) };
}

export const quantizationConverters: Readonly<Record<string, Converter>> = {
  QuantizeLinear(node, to) {
    if (!node.inputs[2] || to.constant(node.inputs[2]) === undefined)
      throw unsupported(node, 'no zero point', 'a constant zero point');
    const { scale, zeroPoint, axis } = parameters(node, to);
    to.finish(node, 'top.QuantizeLinear', {
      inputs: [to.operand(node.inputs[0])],
      attributes: { yScale: scale, yZeroPoint: zeroPoint, axis },
    });
    // The result holds codes of the zero point's type: without it nobody could tell int8 from uint8.
    const { elementType } = to.constant(node.inputs[2])!;
    if (elementType !== 'i8' && elementType !== 'u8' && elementType !== 'i16') {
      throw unsupported(node, `${elementType} codes`, 'int8, uint8 or int16');
    }
    const { shape } = to.builder.typeOf(layerName(node));
    to.builder.values.set(layerName(node), { shape, dtype: elementType });
  },
  DequantizeLinear(node, to) {
    const { scale, zeroPoint, axis } = parameters(node, to);
    const constant = to.constant(node.inputs[0]);
    const input =
      constant === undefined
        ? to.operand(node.inputs[0])
        : to.builder.addWeight(node.inputs[0]!, constant.shape, () => floatData(constant));
    to.finish(node, 'top.DequantizeLinear', {
      inputs: [input],
      attributes: { xScale: scale, xZeroPoint: zeroPoint, axis },
    });
  },
};
