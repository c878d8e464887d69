import { defaulted, optional, required } from '../attribute-schema.ts';
import { elementCount } from '../dtype.ts';
import { type OperatorRow, row } from './row.ts';

/** `do_relu` and `relu_limit`, carried by every operator that a Relu can be fused into; limit ≤ 0 means none. */
export const reluAttributes = {
  doRelu: defaulted('bool', 'do_relu', false),
  reluLimit: defaulted('f64', 'relu_limit', -1),
} as const;

const convAttributes = {
  kernelShape: required('i64[]', 'kernel_shape'),
  strides: required('i64[]', 'strides'),
  /** Begins, then ends: top, left, bottom, right in 2-D. */
  pads: required('i64[]', 'pads'),
  group: defaulted('i64', 'group', 1),
  dilations: optional('i64[]', 'dilations'),
  inserts: optional('i64[]', 'inserts'),
  weightIsCoeff: defaulted('i64', 'weight_is_coeff', 1),
  dynweightReordered: defaulted('bool', 'dynweight_reorderd', false),
  autoPad: optional('string', 'auto_pad'),
  ...reluAttributes,
} as const;

/** Output length of one convolved or pooled dimension. */
export function windowedLength(input: number, kernel: number, stride: number, dilation: number, padBegin: number, padEnd: number): number {
  return Math.floor((input + padBegin + padEnd - (dilation * (kernel - 1) + 1)) / stride) + 1;
}

/** Operands: input [N, C, …], filter [OC, C / group, k…], bias? [OC]. */
const conv: OperatorRow<typeof convAttributes> = row({
  attributes: convAttributes,
  fusesRelu: true,
  inferShapes({ attributes, inputs }) {
    const [input, filter] = inputs;
    const spatial = input!.shape.slice(2).map((length, axis) =>
      windowedLength(
        length,
        attributes.kernelShape[axis]!,
        attributes.strides[axis]!,
        attributes.dilations?.[axis] ?? 1,
        attributes.pads[axis]!,
        attributes.pads[axis + attributes.kernelShape.length]!,
      ),
    );
    return { outputs: [{ shape: [input!.shape[0]!, filter!.shape[0]!, ...spatial], dtype: 'f32' }] };
  },
  macs({ inputs }, outputs) {
    return elementCount(outputs[0]!.shape) * elementCount(inputs[1]!.shape.slice(1));
  },
});

export const convolutionRows = {
  'top.Conv': conv,
} as const;
