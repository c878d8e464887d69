import { elementCount } from '../../dtype.ts';
import { intAttribute, intsAttribute, type OnnxNode, stringAttribute } from '../onnx-graph.ts';
import { type Conversion, type Converter, unsupported } from './conversion.ts';

/**
 * Pads with `ceil_mode` made explicit: the last window is kept when it starts inside the input or its leading padding.
 * With symmetric pads this is TPU-MLIR's rule (ir.md 6.3); elsewhere ONNX's, so that the numbers stay right.
 */
function ceilPads(
  spatial: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  pads: readonly number[],
): number[] {
  const rank = spatial.length;
  const result = [...pads];
  spatial.forEach((length, axis) => {
    const [begin, end, stride] = [pads[axis]!, pads[axis + rank]!, strides[axis]!];
    const rest = (length + begin + end - kernel[axis]!) % stride;
    if (rest <= 0) return;
    const outputs = Math.floor((length + begin + end - kernel[axis]!) / stride) + 1;
    if (outputs * stride < length + begin) result[axis + rank]! += stride - rest;
  });
  return result;
}

/** Strides default to 1 as ONNX says (TPU-MLIR takes the kernel size; exporters write them). */
function poolAttributes(node: OnnxNode, to: Conversion) {
  const kernelShape = intsAttribute(node, 'kernel_shape')!;
  const strides = intsAttribute(node, 'strides') ?? kernelShape.map(() => 1);
  const pads = intsAttribute(node, 'pads') ?? kernelShape.flatMap(() => [0, 0]);
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  const spatial = to.type(node.inputs[0]!).shape.slice(2);
  const dilations = intsAttribute(node, 'dilations') ?? [];
  if (dilations.some((dilation) => dilation !== 1)) throw unsupported(node, `dilations ${dilations}`, 'dilations of 1');
  const ceil = intAttribute(node, 'ceil_mode', 0) !== 0 && !autoPad.startsWith('SAME');
  return {
    kernelShape,
    strides,
    pads: ceil ? ceilPads(spatial, kernelShape, strides, pads) : pads,
    countIncludePad: intAttribute(node, 'count_include_pad', 0) !== 0,
    ...(autoPad.startsWith('SAME') ? { autoPad } : {}),
  };
}

const globalPool = { kernelShape: [], strides: [], pads: [], countIncludePad: true };

export const poolingConverters: Readonly<Record<string, Converter>> = {
  MaxPool(node, to) {
    if (to.isRead(node.outputs[1] ?? '')) throw unsupported(node, 'a used Indices output', 'only the pooled output');
    to.finish(node, 'top.MaxPool', { inputs: [to.operand(node.inputs[0])], attributes: poolAttributes(node, to) });
  },
  AveragePool(node, to) {
    const attributes = poolAttributes(node, to);
    const sum = attributes.pads.reduce((total, pad) => total + pad, 0);
    if (elementCount(attributes.kernelShape) === 1 && elementCount(attributes.strides) === 1 && sum === 0)
      to.skip(node);
    else to.finish(node, 'top.AvgPool', { inputs: [to.operand(node.inputs[0])], attributes });
  },
  GlobalMaxPool(node, to) {
    to.finish(node, 'top.MaxPool', { inputs: [to.operand(node.inputs[0])], attributes: globalPool });
  },
  GlobalAveragePool(node, to) {
    to.finish(node, 'top.AvgPool', { inputs: [to.operand(node.inputs[0])], attributes: globalPool });
  },
};
