import { elementCount } from '../../dtype.ts';
import type { OpOf } from '../../graph.ts';
import { cannotExport, type Emitters, type OnnxWriter } from './onnx-writer.ts';

/** ONNX filters of a transposed convolution are [IC, OC / group, k…]; Top's are (group, OC / group, IC / group, k…) in memory. */
function deconvFilter(op: OpOf<'top.Deconv'>, to: OnnxWriter): string {
  const weight = to.weight(op.inputs[1]);
  if (weight === undefined || weight.type.dtype !== 'f32') return computedDeconvFilter(op, to);
  const [perGroup, inputs, ...kernel] = weight.type.shape as [number, number, ...number[]];
  const { group } = op.attributes;
  const inputsPerGroup = inputs / group;
  const size = elementCount(kernel);
  const source = weight.data as Float32Array;
  const data = new Float32Array(source.length);
  for (let ic = 0; ic < inputs; ic++) {
    const g = Math.floor(ic / inputsPerGroup);
    for (let oc = 0; oc < perGroup; oc++) {
      const from = ((g * perGroup + oc) * inputsPerGroup + (ic % inputsPerGroup)) * size;
      data.set(source.subarray(from, from + size), (ic * perGroup + oc) * size);
    }
  }
  return to.constant(op.inputs[1]!, 'f32', [inputs, perGroup, ...kernel], data);
}

/** A filter that a DequantizeLinear produces is turned by nodes. */
function computedDeconvFilter(op: OpOf<'top.Deconv'>, to: OnnxWriter): string {
  const filter = to.tensor(op.inputs[1]);
  const [perGroup, inputs, ...kernel] = to.shape(op.inputs[1]!) as [number, number, ...number[]];
  const { group } = op.attributes;
  const axes = kernel.map((_, axis) => axis + 3);
  const grouped = to.reshape(filter, [group, perGroup, inputs / group, ...kernel]);
  const turned = to.transpose(grouped, [0, 2, 1, ...axes]);
  return to.reshape(turned, [inputs, perGroup, ...kernel]);
}

export const convolutionEmitters: Emitters = {
  'top.Conv'(op, to) {
    const { kernelShape, strides, pads, group, dilations, inserts } = op.attributes;
    if (inserts?.some((insert) => insert !== 0)) cannotExport(op, `inserts [${inserts}]`, 'no inserts');
    const inputs = op.inputs.map((name) => to.tensor(name));
    const bias = to.weight(op.inputs[2]);
    if (bias !== undefined) inputs[2] = to.reshapedWeight(op.inputs[2]!, bias, [elementCount(bias.type.shape)]);
    const attributes = {
      kernel_shape: kernelShape,
      strides,
      pads,
      group,
      dilations: dilations ?? kernelShape.map(() => 1),
    };
    to.withRelu(op, op.attributes, (output) => to.node('Conv', inputs, attributes, output));
  },
  'top.Deconv'(op, to) {
    const { kernelShape, strides, pads, group, dilations, outputPadding } = op.attributes;
    const inputs = [to.tensor(op.inputs[0]), deconvFilter(op, to), to.tensor(op.inputs[2])];
    const spatial = kernelShape.map(() => 1);
    const attributes = {
      kernel_shape: kernelShape,
      strides,
      pads,
      group,
      dilations: dilations ?? spatial,
      output_padding: outputPadding ?? spatial.map(() => 0),
    };
    to.withRelu(op, op.attributes, (output) => to.node('ConvTranspose', inputs, attributes, output));
  },
};
