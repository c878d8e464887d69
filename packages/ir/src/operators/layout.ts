import { defaulted, optional, required } from '../attribute-schema.ts';
import { elementCount } from '../dtype.ts';
import { reluAttributes } from './convolution.ts';
import { row } from './row.ts';
import { broadcastShapes, f32, frontAxis, resolveReshape, shapeMismatch } from './shape-rules.ts';
import { fullRankSlice, sliceLengths } from './slice-bounds.ts';

/** Numbers of a weight operand that holds a shape, axes or repeats. */
const integers = (weight: { readonly data: ArrayLike<number | bigint> } | undefined): number[] | undefined =>
  weight === undefined ? undefined : Array.from(weight.data, Number);

/** Of space and depth exchanged, in both dialects. */
export const depth2SpaceAttributes = {
  blockH: required('i64', 'block_h'),
  blockW: required('i64', 'block_w'),
  isCRD: required('bool', 'is_CRD'),
  isInversed: required('bool', 'is_inversed'),
  inIsNCHW: defaulted('bool', 'in_is_NCHW', true),
  outIsNCHW: defaulted('bool', 'out_is_NCHW', true),
  swapCr: defaulted('bool', 'swap_cr', false),
} as const;

export const layoutRows = {
  /** Carries Relu attributes, but nothing is fused into it directly. */
  'top.Concat': row({
    attributes: {
      axis: defaulted('si32', 'axis', 1),
      onlyMerge: defaulted('bool', 'only_merge', false),
      roundMode: defaulted('string', 'round_mode', 'HalfAwayFromZero'),
      ...reluAttributes,
    } as const,
    operands: ['inputs...'],
    inferShapes({ attributes, inputs }) {
      const shapes = inputs.map((input) => input!.shape);
      const axis = frontAxis(attributes.axis, shapes[0]!.length);
      const fits = shapes.every(
        (shape) =>
          shape.length === shapes[0]!.length && shape.every((dim, at) => at === axis || dim === shapes[0]![at]),
      );
      if (!fits) shapeMismatch(shapes, `shapes that differ only in dimension ${axis}`);
      const joined = shapes.reduce((sum, shape) => sum + shape[axis]!, 0);
      return { outputs: [f32(shapes[0]!.with(axis, joined))], attributes: { ...attributes, axis } };
    },
  }),
  /** `split_size` is always filled: ceil division, the remainder in the last part. */
  'top.Split': row({
    attributes: {
      axis: required('si32', 'axis'),
      num: required('i64', 'num'),
      splitSize: optional('i64[]', 'split_size'),
    } as const,
    operands: ['input'],
    results: ['outputs...'],
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      const axis = frontAxis(attributes.axis, shape.length);
      const part = Math.ceil(shape[axis]! / attributes.num);
      const splitSize =
        attributes.splitSize ??
        Array.from({ length: attributes.num }, (_, index) => Math.min(part, shape[axis]! - part * index));
      if (splitSize.reduce((sum, size) => sum + size, 0) !== shape[axis]) {
        shapeMismatch([shape, splitSize], `parts that add up to ${shape[axis]}`);
      }
      return {
        outputs: splitSize.map((size) => f32(shape.with(axis, size))),
        attributes: { ...attributes, axis, splitSize },
      };
    },
  }),
  /**
   * After shape inference offset, steps and ends have full rank and `axes` is empty; see slice-bounds.ts for what the
   * numbers mean then. Operands: input, and the dynamic offset, ends and steps.
   */
  'top.Slice': row({
    attributes: {
      offset: required('i64[]', 'offset'),
      steps: required('i64[]', 'steps'),
      ends: required('wide[]', 'ends'),
      axes: defaulted('i64[]', 'axes', []),
      hasparamConvertAxes: defaulted('i64[]', 'hasparamConvert_axes', []),
    } as const,
    operands: ['input', 'offsetT?', 'endsT?', 'stepsT?'],
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      const full = fullRankSlice(shape, attributes);
      const fixed =
        attributes.axes.length === 0
          ? attributes
          : { ...attributes, ...full, axes: [], hasparamConvertAxes: attributes.axes };
      return { outputs: [f32(sliceLengths(shape, full))], attributes: fixed };
    },
  }),
  /** An empty `order` reverses all dimensions. */
  'top.Permute': row({
    attributes: { order: required('i64[]', 'order') } as const,
    operands: ['input'],
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      const order = attributes.order.length === 0 ? shape.map((_, axis) => shape.length - 1 - axis) : attributes.order;
      if (order.length !== shape.length) shapeMismatch([shape, order], 'one entry of the order per dimension');
      return { outputs: [f32(order.map((axis) => shape[axis]!))], attributes: { order } };
    },
  }),
  /** 0 copies the input dimension, −1 is inferred; a weight as second operand takes the place of `shape`. */
  'top.Reshape': row({
    attributes: {
      shape: optional('i64[]', 'shape'),
      flattenStartDim: defaulted('i64', 'flatten_start_dim', -1),
    } as const,
    operands: ['input', 'shapeT??'],
    inferShapes({ attributes, inputs, weight }) {
      const target = integers(weight(1)) ?? attributes.shape ?? [-1];
      const shape = resolveReshape(inputs[0]!.shape, target);
      return { outputs: [f32(shape)], attributes: { ...attributes, shape } };
    },
  }),
  /** Empty axes remove every 1; when nothing is left the result is `[1]`. */
  'top.Squeeze': row({
    attributes: { axes: required('i64[]', 'axes'), isScalar: defaulted('bool', 'is_scalar', false) } as const,
    operands: ['input'],
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      const axes = attributes.axes.map((axis) => frontAxis(axis, shape.length));
      const wrong = axes.find((axis) => shape[axis] !== 1);
      if (wrong !== undefined) shapeMismatch([shape], `length 1 in the squeezed dimension ${wrong}`);
      const kept = shape.filter((dim, axis) => (axes.length === 0 ? dim !== 1 : !axes.includes(axis)));
      return { outputs: [f32(kept)], attributes: { ...attributes, axes, isScalar: kept.length === 0 } };
    },
  }),
  'top.Unsqueeze': row({
    attributes: { axes: required('i64[]', 'axes') } as const,
    operands: ['input'],
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      const rank = shape.length + attributes.axes.length;
      const axes = attributes.axes.map((axis) => frontAxis(axis, rank)).sort((a, b) => a - b);
      const output = [...shape];
      for (const axis of axes) output.splice(axis, 0, 1);
      return { outputs: [f32(output)], attributes: { axes } };
    },
  }),
  /** Shape inference rewrites it to Reshape. */
  'top.Flatten': row({
    attributes: { startDim: defaulted('i64', 'start_dim', 0), endDim: defaulted('i64', 'end_dim', -1) } as const,
    operands: ['input'],
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      const [start, end] = [attributes.startDim, frontAxis(attributes.endDim, shape.length)];
      const middle = elementCount(shape.slice(start, end + 1));
      return { outputs: [f32([...shape.slice(0, start), middle, ...shape.slice(end + 1)])] };
    },
  }),
  'top.Expand': row({
    attributes: { shape: defaulted('i64[]', 'shape', []) } as const,
    operands: ['input', 'shapeT??'],
    inferShapes({ attributes, inputs, weight }) {
      const target = integers(weight(1)) ?? attributes.shape;
      return { outputs: [f32(broadcastShapes([inputs[0]!.shape, target]))], attributes: { shape: target } };
    },
  }),
  'top.Tile': row({
    attributes: { tile: optional('i64[]', 'tile') } as const,
    operands: ['input', 'tileT??'],
    inferShapes({ attributes, inputs, weight }) {
      const repeats = integers(weight(1)) ?? attributes.tile ?? [];
      const rank = Math.max(repeats.length, inputs[0]!.shape.length);
      const at = (list: readonly number[], axis: number) => list[axis - rank + list.length] ?? 1;
      const shape = Array.from({ length: rank }, (_, axis) => at(inputs[0]!.shape, axis) * at(repeats, axis));
      return { outputs: [f32(shape)], attributes: { tile: repeats } };
    },
  }),
  /** ONNX order: all begins, then all ends; modes constant, reflect, symmetric, edge. */
  'top.Pad': row({
    attributes: {
      paddings: required('i64[]', 'paddings'),
      val: defaulted('f64', 'val', 0),
      mode: required('string', 'mode'),
    } as const,
    operands: ['input', 'paddingsT??'],
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      const { paddings } = attributes;
      if (paddings.length !== 2 * shape.length) shapeMismatch([shape, paddings], 'two paddings per dimension');
      return { outputs: [f32(shape.map((dim, axis) => dim + paddings[axis]! + paddings[axis + shape.length]!))] };
    },
  }),
  /** Space-to-depth when `is_inversed`; also pixel shuffle, reorg and YOLO's Focus. */
  'top.Depth2Space': row({
    attributes: depth2SpaceAttributes,
    operands: ['input'],
    inferShapes({ attributes, inputs }) {
      const { blockH, blockW, isInversed, inIsNCHW, outIsNCHW } = attributes;
      const { shape } = inputs[0]!;
      const [N, C, H, W] = (inIsNCHW ? shape : [shape[0], shape[3], shape[1], shape[2]]) as [
        number,
        number,
        number,
        number,
      ];
      const area = blockH * blockW;
      const [c, h, w] = isInversed ? [C * area, H / blockH, W / blockW] : [C / area, H * blockH, W * blockW];
      if (![c, h, w].every(Number.isInteger))
        shapeMismatch([shape], `dimensions that divide into ${blockH}x${blockW} blocks`);
      return { outputs: [f32(outIsNCHW ? [N, c, h, w] : [N, h, w, c])] };
    },
  }),
  'top.ShuffleChannel': row({
    attributes: { group: required('i64', 'group') } as const,
    operands: ['input'],
    inferShapes: ({ inputs }) => ({ outputs: [f32(inputs[0]!.shape)] }),
  }),
  'top.SwapChannel': row({
    attributes: { channelOrder: required('i64[]', 'channel_order') } as const,
    operands: ['input'],
    inferShapes: ({ inputs }) => ({ outputs: [f32(inputs[0]!.shape)] }),
  }),
  'top.SwapDimInner': row({
    attributes: { offset: required('i64[]', 'offset') } as const,
    operands: ['input'],
    inferShapes: ({ inputs }) => ({ outputs: [f32(inputs[0]!.shape)] }),
  }),
  'top.Reverse': row({
    attributes: { axis: required('i64', 'axis') } as const,
    operands: ['input'],
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      return { outputs: [f32(shape)], attributes: { axis: frontAxis(attributes.axis, shape.length) } };
    },
  }),
} as const;
