import { elementCount, fullRankSlice, type OpOf, type OpType } from '@q/ir';
import { UnaryOp } from '@q/kernels-wasm';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { inOrder } from '../in-order.ts';
import { aroundAxis, broadcastStrides, contiguousStrides } from '../shapes.ts';
import type { TensorSlot } from '../slot.ts';
import { bytesPerElement } from '../storage.ts';
import { type Copy, type CopyShape, prepareCopy } from '../strided-copy.ts';
import { depthToSpaceCopy } from './depth-to-space.ts';
import { preparePad } from './pad.ts';
import { refuse } from './refuse.ts';
import { upperBound } from './relu-bounds.ts';

/** Same data, other dimensions: nothing is executed. */
export function view<T extends OpType>(): OpImplementation<T> {
  return { sharing: () => ({ kind: 'view', operand: 0 }), prepare: () => () => {} };
}

/** One block copy from operand 0 to result 0. */
function copying<T extends OpType>(
  shapeOf: (op: OpOf<T>, x: TensorSlot, y: TensorSlot) => CopyShape,
): OpImplementation<T> {
  return {
    prepare(op, context) {
      const [x, y] = [context.input(0), context.output()];
      const copy = prepareCopy(context, x.dtype, shapeOf(op, x, y));
      return () => copy(x.ptr, y.ptr);
    },
  };
}

const concat: OpImplementation<'top.Concat'> = {
  prepare(op, context) {
    const { kernels } = context;
    const y = context.output();
    const { inner } = aroundAxis(y.shape, op.attributes.axis);
    const bytes = bytesPerElement(y.dtype);
    const targetStrides = contiguousStrides(y.shape);
    let offset = 0;
    const parts = context.inputs().map((x) => {
      const copy = prepareCopy(context, x.dtype, {
        dims: x.shape,
        sourceStrides: contiguousStrides(x.shape),
        targetStrides,
      });
      const first = offset * bytes;
      offset += aroundAxis(x.shape, op.attributes.axis).axis * inner;
      return () => copy(x.ptr, y.ptr + first);
    });
    const copyAll = inOrder(parts);
    const { doRelu, reluLimit } = op.attributes;
    const hi = upperBound(reluLimit);
    return () => {
      copyAll();
      if (doRelu) kernels.f32_unary(UnaryOp.clip, y.ptr, y.ptr, y.length, 0, hi);
    };
  },
};

const split: OpImplementation<'top.Split'> = {
  prepare(op, context) {
    const x = context.input(0);
    const bytes = bytesPerElement(x.dtype);
    const { axis } = op.attributes;
    const sizes = op.attributes.splitSize ?? refuse(op, 'no split_size', 'sizes from shape inference');
    const { inner } = aroundAxis(x.shape, axis);
    const parts: RunOp[] = [];
    let start = 0;
    sizes.forEach((size, index) => {
      const y = context.optionalOutput(index);
      const offset = start * inner * bytes;
      start += size;
      if (y === null) return;
      const shape = {
        dims: y.shape,
        sourceStrides: contiguousStrides(x.shape),
        targetStrides: contiguousStrides(y.shape),
      };
      const copy = prepareCopy(context, x.dtype, shape);
      parts.push(() => copy(x.ptr + offset, y.ptr));
    });
    return inOrder(parts);
  },
};

const slice: OpImplementation<'top.Slice'> = {
  prepare(op, context) {
    if (op.inputs.slice(1).some((name) => name !== null)) refuse(op, 'computed bounds', 'constant bounds');
    const x = context.input(0);
    const { offset, steps } = fullRankSlice(x.shape, op.attributes);
    return prepareSlice(context, offset, steps);
  },
};

/** y = x[offset :: step] in every dimension, for as many elements as y has. */
function prepareSlice(context: PrepareContext, offset: readonly number[], steps: readonly number[]): RunOp {
  const [x, y] = [context.input(0), context.output()];
  const strides = contiguousStrides(x.shape);
  const first = offset.reduce((sum, at, axis) => sum + at * strides[axis]!, 0) * bytesPerElement(x.dtype);
  const copy = prepareCopy(context, x.dtype, {
    dims: y.shape,
    sourceStrides: strides.map((stride, axis) => stride * steps[axis]!),
    targetStrides: contiguousStrides(y.shape),
  });
  return () => copy(x.ptr + first, y.ptr);
}

const reverse: OpImplementation<'top.Reverse'> = {
  prepare(op, context) {
    const { shape } = context.input(0);
    const at = op.attributes.axis;
    const offset = shape.map((dim, axis) => (axis === at ? dim - 1 : 0));
    const steps = shape.map((_, axis) => (axis === at ? -1 : 1));
    return prepareSlice(context, offset, steps);
  },
};

const permute = copying<'top.Permute'>((op, x, y) => {
  const strides = contiguousStrides(x.shape);
  const order =
    op.attributes.order.length > 0 ? op.attributes.order : x.shape.map((_, axis) => x.shape.length - 1 - axis);
  return {
    dims: y.shape,
    sourceStrides: order.map((axis) => strides[axis]!),
    targetStrides: contiguousStrides(y.shape),
  };
});

const expand = copying<'top.Expand'>((_op, x, y) => ({
  dims: y.shape,
  sourceStrides: broadcastStrides(x.shape, y.shape),
  targetStrides: contiguousStrides(y.shape),
}));

/** Every dimension becomes two: which repetition, and which element. */
const tile = copying<'top.Tile'>((_op, x, y) => {
  const rank = y.shape.length;
  const padded = [...new Array<number>(rank - x.shape.length).fill(1), ...x.shape];
  const [from, to] = [contiguousStrides(padded), contiguousStrides(y.shape)];
  return {
    dims: padded.flatMap((dim, axis) => [y.shape[axis]! / dim, dim]),
    sourceStrides: from.flatMap((stride) => [0, stride]),
    targetStrides: to.flatMap((stride, axis) => [stride * padded[axis]!, stride]),
  };
});

/** [N, g, C/g, …] to [N, C/g, g, …]. */
const shuffleChannel = copying<'top.ShuffleChannel'>((op, x) => {
  const { group } = op.attributes;
  const { outer, axis, inner } = aroundAxis(x.shape, 1);
  const part = axis / group;
  return {
    dims: [outer, part, group, inner],
    sourceStrides: [axis * inner, inner, part * inner, 1],
    targetStrides: [axis * inner, group * inner, inner, 1],
  };
});

/** Result channel i is input channel `channel_order[i]`. */
const swapChannel: OpImplementation<'top.SwapChannel'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const { outer, axis, inner } = aroundAxis(x.shape, 1);
    const order = context.place(Int32Array.from(op.attributes.channelOrder));
    const rowBytes = inner * bytesPerElement(x.dtype);
    return () => {
      for (let n = 0; n < outer; n++) {
        const base = n * axis * rowBytes;
        kernels.gather_rows(x.ptr + base, order.ptr, y.ptr + base, axis, axis, rowBytes);
      }
    };
  },
};

/** Every dimension with a non-zero offset is rotated: elements from `offset` on come first. */
const swapDimInner: OpImplementation<'top.SwapDimInner'> = {
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const moved = op.attributes.offset.flatMap((offset, axis) => (offset === 0 ? [] : [{ offset, axis }]));
    if (moved.length !== 1) refuse(op, `${moved.length} rotated dimensions`, 'one');
    const { offset, axis } = moved[0]!;
    const bytes = bytesPerElement(x.dtype);
    const strides = contiguousStrides(x.shape);
    const part = (length: number): Copy =>
      prepareCopy(context, x.dtype, {
        dims: x.shape.with(axis, length),
        sourceStrides: strides,
        targetStrides: strides,
      });
    const [head, tail] = [part(x.shape[axis]! - offset), part(offset)];
    const [first, second] = [offset * strides[axis]! * bytes, (x.shape[axis]! - offset) * strides[axis]! * bytes];
    return () => {
      head(x.ptr + first, y.ptr);
      tail(x.ptr, y.ptr + second);
    };
  },
};

const constantFill: OpImplementation<'top.ConstantFill'> = {
  prepare(op, context) {
    const { kernels } = context;
    const y = context.output();
    const { value } = op.attributes;
    return () => kernels.fill_f32(y.ptr, value, elementCount(y.shape));
  },
};

export const layoutImplementations: Implementations = {
  'top.Concat': concat,
  'top.Split': split,
  'top.Slice': slice,
  'top.Reverse': reverse,
  'top.Permute': permute,
  'top.Reshape': view<'top.Reshape'>(),
  'top.Squeeze': view<'top.Squeeze'>(),
  'top.Unsqueeze': view<'top.Unsqueeze'>(),
  'top.Flatten': view<'top.Flatten'>(),
  'top.Expand': expand,
  'top.Tile': tile,
  'top.Pad': { prepare: preparePad },
  'top.Depth2Space': copying<'top.Depth2Space'>((op, x, y) => depthToSpaceCopy(op.attributes, x.shape, y.shape)),
  'top.ShuffleChannel': shuffleChannel,
  'top.SwapChannel': swapChannel,
  'top.SwapDimInner': swapDimInner,
  'top.ConstantFill': constantFill,
};
