import { defaulted, optional, own, required } from '../attribute-schema.ts';
import { elementCount } from '../dtype.ts';
import { reluAttributes, windowedLength } from './convolution.ts';
import { row, type ShapeContext, type ShapeResult } from './row.ts';
import { f32 } from './shape-rules.ts';

const poolAttributes = {
  /** Empty for global pooling until shape inference fills it. */
  kernelShape: required('i64[]', 'kernel_shape'),
  strides: required('i64[]', 'strides'),
  /** All begins, then all ends. */
  pads: required('i64[]', 'pads'),
  ceilMode: optional('bool', 'ceil_mode'),
  autoPad: optional('string', 'auto_pad'),
  isAdaptive: defaulted('bool', 'is_adaptive', false),
  keepdims: defaulted('bool', 'keepdims', true),
  padValue: defaulted('i64', 'pad_value', 0),
  countIncludePad: defaulted('bool', 'count_include_pad', false),
  roundMode: defaulted('string', 'round_mode', 'HalfAwayFromZero'),
  firstRoundMode: defaulted('string', 'first_round_mode', 'HalfAwayFromZero'),
  /** Not TPU-MLIR's: distances between the elements of a window. */
  dilations: own('i64[]', 'dilations'),
  /** Not TPU-MLIR's: cells at the end of each dimension that an average never counts (ONNX `ceil_mode`). */
  uncountedCells: own('i64[]', 'uncounted_cells'),
  ...reluAttributes,
} as const;

interface PoolWindow {
  readonly kernelShape: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly ceilMode?: boolean;
  readonly autoPad?: string;
  readonly keepdims: boolean;
  readonly isAdaptive: boolean;
  readonly dilations?: readonly number[];
}

/** Total padding of one dimension under SAME_*; the dilation is not considered (ir.md 6.3). */
function samePadding(length: number, kernel: number, stride: number): number {
  const rest = length % stride;
  return Math.max(rest === 0 ? kernel - stride : kernel - rest, 0);
}

function resolvedPads(window: PoolWindow, spatial: readonly number[]): number[] {
  const pads = [...window.pads];
  const rank = spatial.length;
  spatial.forEach((length, axis) => {
    const kernel = window.kernelShape[axis]!;
    const stride = window.strides[axis]!;
    if (window.autoPad === 'SAME_UPPER' || window.autoPad === 'SAME_LOWER') {
      const total = samePadding(length, kernel, stride);
      const small = Math.floor(total / 2);
      pads[axis] = window.autoPad === 'SAME_UPPER' ? small : total - small;
      pads[axis + rank] = total - pads[axis]!;
    }
    if (window.ceilMode === true) {
      const rest = (length + 2 * pads[axis]! - kernel) % stride;
      if (rest > 0) pads[axis + rank]! += stride - rest;
    }
  });
  return pads;
}

/**
 * Global pooling gets its kernel, `auto_pad` and `ceil_mode` become explicit pads (ir.md 6.3: the remainder is taken of
 * in + 2·pad_begin − k, and nobody checks that the last window starts inside the input).
 */
function inferPool<A extends PoolWindow>({ attributes, inputs }: ShapeContext<A>): ShapeResult<A> {
  const { shape } = inputs[0]!;
  const spatial = shape.slice(2);
  const isGlobal = attributes.kernelShape.length === 0;
  const filled: A = isGlobal
    ? { ...attributes, kernelShape: spatial, strides: spatial.map(() => 1), pads: spatial.flatMap(() => [0, 0]) }
    : attributes;
  const pads = resolvedPads(filled, spatial);
  const { ceilMode: _ceilMode, autoPad: _autoPad, ...rest } = filled;
  const fixed = { ...rest, pads } as unknown as A;
  const pooled = spatial.map((length, axis) =>
    attributes.isAdaptive
      ? Math.floor((length - fixed.kernelShape[axis]!) / fixed.strides[axis]!) + 1
      : windowedLength(
          length,
          fixed.kernelShape[axis]!,
          fixed.strides[axis]!,
          fixed.dilations?.[axis] ?? 1,
          pads[axis]!,
          pads[axis + spatial.length]!,
        ),
  );
  const output = [...shape.slice(0, 2), ...pooled];
  while (!attributes.keepdims && output.length > 2 && output.at(-1) === 1) output.pop();
  return { outputs: [f32(output)], attributes: fixed };
}

export const poolingRows = {
  /** Divides by the kernel area when `count_include_pad`, else by the number of covered input elements. */
  'top.AvgPool': row({
    attributes: poolAttributes,
    fusesRelu: true,
    operands: ['input'],
    inferShapes: inferPool,
    macs: ({ attributes }, outputs) => elementCount(outputs[0]!.shape) * elementCount(attributes.kernelShape),
  }),
  'top.MaxPool': row({
    attributes: poolAttributes,
    fusesRelu: true,
    operands: ['input'],
    inferShapes: inferPool,
  }),
  /** Ours: MaxPool with the flat index of every maximum. */
  'top.MaxPoolWithIndices': row({
    attributes: { ...poolAttributes, isColumnMajor: defaulted('bool', 'is_column_major', false) } as const,
    operands: ['input'],
    results: ['output?', 'indices?'],
    inferShapes(context) {
      const { outputs, attributes } = inferPool(context);
      return { outputs: [outputs[0]!, outputs[0]!], attributes: attributes! };
    },
  }),
  /** −1 in `output_size` keeps a dimension. Shape inference rewrites the op to AvgPool. */
  'top.AdaptiveAvgPool': row({
    attributes: { outputSize: required('i64[]', 'output_size') } as const,
    operands: ['input'],
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      const pooled = shape.slice(2).map((dim, axis) => {
        const size = attributes.outputSize[axis] ?? -1;
        return size === -1 ? dim : size;
      });
      return { outputs: [f32([...shape.slice(0, 2), ...pooled])] };
    },
  }),
} as const;
