import { elementCount, type TypedArray } from '../../dtype.ts';
import type { OpOf, Weight } from '../../graph.ts';
import { cannotExport, type Emitters, type OnnxWriter } from './onnx-writer.ts';

/**
 * The filter of a transposed convolution. ONNX's is [IC, OC / group, k…]; Top's has (group, OC / group, IC / group, k…) in
 * memory. A filter of codes was written turned already (see `deconvFilterData`).
 */
function deconvFilter(op: OpOf<'top.Deconv'>, to: OnnxWriter): string {
  const name = op.inputs[1]!;
  const weight = to.weight(name);
  if (weight !== undefined)
    return to.constant(name, weight.type.dtype, onnxShape(weight.type.shape), deconvFilterData(weight, op));
  return to.isTurned(name) ? to.tensor(name) : computedDeconvFilter(op, to);
}

const onnxShape = ([perGroup, inputs, ...kernel]: readonly number[]): number[] => [inputs!, perGroup!, ...kernel];

/** A filter's elements in ONNX's order. */
export function deconvFilterData({ type, data }: Weight, op: OpOf<'top.Deconv'>): TypedArray {
  const [perGroup, inputs, ...kernel] = type.shape as [number, number, ...number[]];
  const inputsPerGroup = inputs / op.attributes.group;
  const size = elementCount(kernel);
  const out = data.slice();
  for (let ic = 0; ic < inputs; ic++) {
    const g = Math.floor(ic / inputsPerGroup);
    for (let oc = 0; oc < perGroup; oc++) {
      const from = ((g * perGroup + oc) * inputsPerGroup + (ic % inputsPerGroup)) * size;
      const to = (ic * perGroup + oc) * size;
      for (let k = 0; k < size; k++) out[to + k] = data[from + k]!;
    }
  }
  return out;
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
