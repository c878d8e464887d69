import { defaulted, optional, required } from '../attribute-schema.ts';
import { elementCount } from '../dtype.ts';
import { type OperatorRow, row } from './row.ts';
import { f32, shapeMismatch } from './shape-rules.ts';

/** `do_relu` and `relu_limit`, carried by every operator that a Relu can be fused into; limit ≤ 0 means none. */
export const reluAttributes = {
  doRelu: defaulted('bool', 'do_relu', false),
  reluLimit: defaulted('f64', 'relu_limit', -1),
} as const;

const convAttributes = {
  kernelShape: required('i64[]', 'kernel_shape'),
  strides: required('i64[]', 'strides'),
  /** All begins, then all ends: top, left, bottom, right in 2-D. */
  pads: required('i64[]', 'pads'),
  group: defaulted('i64', 'group', 1),
  dilations: optional('i64[]', 'dilations'),
  inserts: optional('i64[]', 'inserts'),
  weightIsCoeff: defaulted('i64', 'weight_is_coeff', 1),
  dynweightReordered: defaulted('bool', 'dynweight_reorderd', false),
  autoPad: optional('string', 'auto_pad'),
  doWinograd: optional('bool', 'do_winograd'),
  weightBits: optional('i64', 'weight_bits'),
  ...reluAttributes,
} as const;

/** What a transposed convolution is, in both dialects. */
export const deconvGeometry = {
  kernelShape: required('i64[]', 'kernel_shape'),
  strides: required('i64[]', 'strides'),
  pads: required('i64[]', 'pads'),
  group: defaulted('i64', 'group', 1),
  dilations: optional('i64[]', 'dilations'),
  outputPadding: optional('i64[]', 'output_padding'),
} as const;

const deconvAttributes = {
  ...deconvGeometry,
  dynweightReordered: defaulted('bool', 'dynweight_reorderd', false),
  ...reluAttributes,
} as const;

const deformAttributes = {
  kernelShape: required('i64[]', 'kernel_shape'),
  strides: required('i64[]', 'strides'),
  pads: required('i64[]', 'pads'),
  group: defaulted('i64', 'group', 1),
  dilations: optional('i64[]', 'dilations'),
  deformGroup: defaulted('i64', 'deform_group', 1),
  useMask: defaulted('bool', 'use_mask', false),
  ...reluAttributes,
} as const;

/** Output length of one convolved or pooled dimension. */
export function windowedLength(
  input: number,
  kernel: number,
  stride: number,
  dilation: number,
  padBegin: number,
  padEnd: number,
): number {
  return Math.floor((input + padBegin + padEnd - (dilation * (kernel - 1) + 1)) / stride) + 1;
}

/** Operands: input [N, C, …], filter [OC, C / group, k…], bias? [OC]. */
const conv: OperatorRow<typeof convAttributes> = row({
  attributes: convAttributes,
  fusesRelu: true,
  operands: ['input', 'filter', 'bias?'],
  inferShapes({ attributes, inputs }) {
    const [input, filter] = inputs;
    if (filter!.shape[1]! * attributes.group !== input!.shape[1]) {
      shapeMismatch([input!.shape, filter!.shape], `${attributes.group} group(s) of filter channels = input channels`);
    }
    const spatial = input!.shape.slice(2);
    // Files of model_transform give a 1-D convolution a kernel of unit height, on an input that stays 3-D (ir.md 7.3).
    const unitAxes = attributes.kernelShape.length - spatial.length;
    const lengths = spatial.map((length, index) => {
      const axis = index + unitAxes;
      return windowedLength(
        length,
        attributes.kernelShape[axis]!,
        attributes.strides[axis]!,
        attributes.dilations?.[axis] ?? 1,
        attributes.pads[axis]!,
        attributes.pads[axis + attributes.kernelShape.length]!,
      );
    });
    return { outputs: [f32([input!.shape[0]!, filter!.shape[0]!, ...lengths])] };
  },
  macs({ inputs }, outputs) {
    return elementCount(outputs[0]!.shape) * elementCount(inputs[1]!.shape.slice(1));
  },
});

/** Operands: input [N, IC, …], filter [OC / group, IC, k…] (ir.md 8.5), bias? [OC]. */
const deconv: OperatorRow<typeof deconvAttributes> = row({
  attributes: deconvAttributes,
  fusesRelu: true,
  operands: ['input', 'filter', 'bias?'],
  inferShapes({ attributes, inputs }) {
    const [input, filter] = inputs;
    const spatialRank = attributes.kernelShape.length;
    if (filter!.shape[1] !== input!.shape[1]) {
      shapeMismatch([input!.shape, filter!.shape], 'filter dimension 1 = input channels');
    }
    const spatial = input!.shape
      .slice(2)
      .map(
        (length, axis) =>
          (length - 1) * attributes.strides[axis]! -
          attributes.pads[axis]! -
          attributes.pads[axis + spatialRank]! +
          (attributes.dilations?.[axis] ?? 1) * (attributes.kernelShape[axis]! - 1) +
          (attributes.outputPadding?.[axis] ?? 0) +
          1,
      );
    return { outputs: [f32([input!.shape[0]!, filter!.shape[0]! * attributes.group, ...spatial])] };
  },
  macs({ attributes, inputs }) {
    const perInput = inputs[1]!.shape[0]! * elementCount(attributes.kernelShape);
    return elementCount(inputs[0]!.shape) * perInput;
  },
});

/** Operands: input [N, C, H, W], filter, offset [N, 2 · groups · kh · kw, H', W'], mask?, bias?. */
const deformConv: OperatorRow<typeof deformAttributes> = row({
  attributes: deformAttributes,
  fusesRelu: true,
  operands: ['input', 'filter', 'offset', 'mask?', 'bias?'],
  inferShapes({ attributes, inputs }) {
    const [input, filter, offset] = inputs;
    if (filter!.shape[1]! * attributes.group !== input!.shape[1]) {
      shapeMismatch([input!.shape, filter!.shape], `${attributes.group} group(s) of filter channels = input channels`);
    }
    return { outputs: [f32([input!.shape[0]!, filter!.shape[0]!, ...offset!.shape.slice(2)])] };
  },
  macs({ inputs }, outputs) {
    return elementCount(outputs[0]!.shape) * elementCount(inputs[1]!.shape.slice(1));
  },
});

export const convolutionRows = {
  'top.DeformConv2D': deformConv,
  'top.Conv': conv,
  'top.Deconv': deconv,
} as const;
