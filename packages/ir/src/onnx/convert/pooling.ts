import { elementCount } from '../../dtype.ts';
import { intAttribute, intsAttribute, type OnnxNode, stringAttribute } from '../onnx-graph.ts';
import type { Conversion, Converter } from './conversion.ts';

/** What a window of one dimension spans. */
const reach = (kernel: number, dilation: number) => dilation * (kernel - 1) + 1;

/**
 * Pads with `ceil_mode` made explicit: the last window is kept when it starts inside the input or its leading padding.
 * With symmetric pads this is TPU-MLIR's rule (ir.md 6.3); elsewhere ONNX's, so that the numbers stay right.
 */
function ceilPads(
  spatial: readonly number[],
  reaches: readonly number[],
  strides: readonly number[],
  pads: readonly number[],
) {
  const rank = spatial.length;
  const result = [...pads];
  spatial.forEach((length, axis) => {
    const [begin, end, stride] = [pads[axis]!, pads[axis + rank]!, strides[axis]!];
    const rest = (length + begin + end - reaches[axis]!) % stride;
    if (rest <= 0) return;
    const outputs = Math.floor((length + begin + end - reaches[axis]!) / stride) + 1;
    if (outputs * stride < length + begin) result[axis + rank]! += stride - rest;
  });
  return result;
}

/** Explicit pads of SAME_* with dilations: the Top attribute `auto_pad` does not consider them. */
function samePads(
  spatial: readonly number[],
  reaches: readonly number[],
  strides: readonly number[],
  isUpper: boolean,
) {
  const totals = spatial.map((length, axis) =>
    Math.max(0, (Math.ceil(length / strides[axis]!) - 1) * strides[axis]! + reaches[axis]! - length),
  );
  const begins = totals.map((total) => (isUpper ? Math.floor(total / 2) : Math.ceil(total / 2)));
  return [...begins, ...totals.map((total, axis) => total - begins[axis]!)];
}

/** Strides default to 1 as ONNX says (TPU-MLIR takes the kernel size; exporters write them). */
function poolAttributes(node: OnnxNode, to: Conversion) {
  const kernelShape = intsAttribute(node, 'kernel_shape')!;
  const ones = kernelShape.map(() => 1);
  const strides = intsAttribute(node, 'strides') ?? ones;
  const given = intsAttribute(node, 'pads') ?? kernelShape.flatMap(() => [0, 0]);
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  const spatial = to.type(node.inputs[0]!).shape.slice(2);
  const dilations = intsAttribute(node, 'dilations') ?? ones;
  const isDilated = dilations.some((dilation) => dilation !== 1);
  const reaches = kernelShape.map((kernel, axis) => reach(kernel, dilations[axis]!));
  const isSame = autoPad.startsWith('SAME');
  const pads = autoPad === 'VALID' ? given.map(() => 0) : given;
  const explicit = isSame && isDilated ? samePads(spatial, reaches, strides, autoPad === 'SAME_UPPER') : pads;
  const ceil = intAttribute(node, 'ceil_mode', 0) !== 0 && !isSame;
  const rounded = ceil ? ceilPads(spatial, reaches, strides, pads) : explicit;
  const rank = kernelShape.length;
  // An LpPool written as a mean (`full_windows`) divides every window by its size.
  // Cells that only ceil_mode adds are no padding: an average that counts padding does not count them.
  const beyond = rounded.slice(rank).map((end, axis) => end - explicit[axis + rank]!);
  return {
    kernelShape,
    strides,
    pads: rounded,
    countIncludePad: intAttribute(node, 'count_include_pad', 0) !== 0,
    ...(isDilated ? { dilations } : {}),
    ...(isSame && !isDilated ? { autoPad } : {}),
    ...(node.opType === 'AveragePool' && !node.attributes.has('full_windows') && beyond.some((cells) => cells > 0)
      ? { uncountedCells: beyond }
      : {}),
  };
}

/** MaxPool with the places of the maxima: flat indices into the input, `storage_order` 1 column by column. */
const maxPoolWithIndices: Converter = (node, to) => {
  const names = node.outputs.slice(0, 2).map((output) => (output === '' ? null : `${output}_MaxPool`));
  to.add('top.MaxPoolWithIndices', {
    name: names[0] ?? `${node.outputs[1]}_MaxPool`,
    inputs: [to.operand(node.inputs[0])],
    outputs: names,
    attributes: { ...poolAttributes(node, to), isColumnMajor: intAttribute(node, 'storage_order', 0) !== 0 },
  });
  node.outputs.slice(0, 2).forEach((output, index) => {
    if (output !== '') to.define(output, names[index]!);
  });
};

const globalPool = { kernelShape: [], strides: [], pads: [], countIncludePad: true };

export const poolingConverters: Readonly<Record<string, Converter>> = {
  MaxPool(node, to) {
    if (to.isRead(node.outputs[1] ?? '')) return maxPoolWithIndices(node, to);
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
