import { elementCount } from '../../dtype.ts';
import { broadcastShapes, frontAxis, resolveReshape } from '../../operators/shape-rules.ts';
import { fullRankSlice, sliceLengths } from '../../operators/slice-bounds.ts';
import { intAttribute, intsAttribute, numbersOf, type OnnxNode, tensorAttribute } from '../onnx-graph.ts';
import type { Constant } from '../tensor-data.ts';
import { allocateElements, broadcastStrides, gatherStrided, stridesOf, writeElement } from './constant-array.ts';
import type { Evaluator } from './evaluate.ts';

const reshaped = (source: Constant, shape: readonly number[]): Constant => ({ ...source, shape });

/** `axes` of Squeeze, Unsqueeze, Reduce…: an attribute in old opsets, the second input since 13 / 18. */
export function axesOf(node: OnnxNode, input: Constant | undefined): number[] | undefined {
  return intsAttribute(node, 'axes') ?? (input === undefined ? undefined : numbersOf(input));
}

/** starts, ends, axes and steps of a Slice whose bounds are constant; undefined when one is not given as needed. */
export function sliceArguments(node: OnnxNode, inputs: readonly (Constant | undefined)[]) {
  const starts = intsAttribute(node, 'starts') ?? (inputs[1] && numbersOf(inputs[1]));
  const ends = intsAttribute(node, 'ends') ?? (inputs[2] && numbersOf(inputs[2]));
  if (starts === undefined || ends === undefined) return undefined;
  const axes =
    intsAttribute(node, 'axes') ?? (inputs[3] === undefined ? starts.map((_, axis) => axis) : numbersOf(inputs[3]));
  const steps = inputs[4] === undefined ? starts.map(() => 1) : numbersOf(inputs[4]);
  return { offset: starts, ends, axes, steps };
}

/** Sizes of the parts of a Split. */
export function splitSizes(node: OnnxNode, length: number, input: Constant | undefined): number[] {
  const given = intsAttribute(node, 'split') ?? (input === undefined ? undefined : numbersOf(input));
  if (given !== undefined) return given;
  const part = Math.ceil(length / node.outputs.length);
  return node.outputs.map((_, index) => Math.max(0, Math.min(part, length - part * index)));
}

function gather(data: Constant, indices: Constant, axis: number): Constant {
  const length = data.shape[axis]!;
  const inner = elementCount(data.shape.slice(axis + 1));
  const outer = elementCount(data.shape.slice(0, axis));
  const picks = numbersOf(indices).map((index) => (index < 0 ? index + length : index));
  const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
  const result = allocateElements(data.elementType, elementCount(shape));
  let to = 0;
  for (let row = 0; row < outer; row++) {
    for (const pick of picks) {
      for (let column = 0; column < inner; column++) result[to++] = data.data[(row * length + pick) * inner + column]!;
    }
  }
  return { shape, elementType: data.elementType, data: result };
}

function concat(parts: readonly Constant[], axis: number): Constant {
  const first = parts[0]!;
  const joined = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
  const shape = first.shape.with(axis, joined);
  const result = allocateElements(first.elementType, elementCount(shape));
  const outer = elementCount(first.shape.slice(0, axis));
  let to = 0;
  for (let row = 0; row < outer; row++) {
    for (const part of parts) {
      const block = elementCount(part.shape.slice(axis));
      for (let index = 0; index < block; index++) result[to++] = part.data[row * block + index]!;
    }
  }
  return { shape, elementType: first.elementType, data: result };
}

function sliced(source: Constant, node: OnnxNode, inputs: readonly (Constant | undefined)[]): Constant | undefined {
  const bounds = sliceArguments(node, inputs);
  if (bounds === undefined) return undefined;
  const full = fullRankSlice(source.shape, bounds);
  const strides = stridesOf(source.shape);
  const start = full.offset.reduce((sum, offset, axis) => sum + offset * strides[axis]!, 0);
  return gatherStrided(
    source,
    sliceLengths(source.shape, full),
    strides.map((stride, axis) => stride * full.steps[axis]!),
    start,
  );
}

function unsqueezed(shape: readonly number[], axes: readonly number[]): number[] {
  const result = [...shape];
  const rank = shape.length + axes.length;
  for (const axis of axes.map((value) => frontAxis(value, rank)).sort((a, b) => a - b)) result.splice(axis, 0, 1);
  return result;
}

function squeezed(shape: readonly number[], axes: readonly number[] | undefined): number[] {
  const drop = axes?.map((axis) => frontAxis(axis, shape.length));
  return shape.filter((dim, axis) => (drop === undefined ? dim !== 1 : !drop.includes(axis)));
}

function split(source: Constant, node: OnnxNode, sizes: Constant | undefined): Constant[] {
  const axis = frontAxis(intAttribute(node, 'axis', 0), source.shape.length);
  const strides = stridesOf(source.shape);
  let start = 0;
  return splitSizes(node, source.shape[axis]!, sizes).map((size) => {
    const part = gatherStrided(source, source.shape.with(axis, size), strides, start * strides[axis]!);
    start += size;
    return part;
  });
}

function tiled(source: Constant, repeats: readonly number[]): Constant {
  // Each dimension d with r repeats is read as (r, d) with stride 0 for r.
  const strides = stridesOf(source.shape);
  const folded = gatherStrided(
    source,
    source.shape.flatMap((dim, axis) => [repeats[axis]!, dim]),
    strides.flatMap((stride) => [0, stride]),
  );
  return reshaped(
    folded,
    source.shape.map((dim, axis) => dim * repeats[axis]!),
  );
}

/** Constant evaluation of operators that only move data. */
export const movementEvaluators: Readonly<Record<string, Evaluator>> = {
  Identity: ([x]) => [x!],
  Dropout: ([x]) => [x!],
  Reshape: ([x, shape]) => [reshaped(x!, resolveReshape(x!.shape, numbersOf(shape!)))],
  Flatten([x], node) {
    const axis = intAttribute(node, 'axis', 1);
    const at = axis < 0 ? axis + x!.shape.length : axis;
    return [reshaped(x!, [elementCount(x!.shape.slice(0, at)), elementCount(x!.shape.slice(at))])];
  },
  Squeeze: ([x, axes], node) => [reshaped(x!, squeezed(x!.shape, axesOf(node, axes)))],
  Unsqueeze: ([x, axes], node) => [reshaped(x!, unsqueezed(x!.shape, axesOf(node, axes) ?? []))],
  Transpose([x], node) {
    const order = intsAttribute(node, 'perm') ?? x!.shape.map((_, axis) => x!.shape.length - 1 - axis);
    const strides = stridesOf(x!.shape);
    return [
      gatherStrided(
        x!,
        order.map((axis) => x!.shape[axis]!),
        order.map((axis) => strides[axis]!),
      ),
    ];
  },
  Slice(inputs, node) {
    const result = sliced(inputs[0]!, node, inputs);
    return result === undefined ? undefined : [result];
  },
  Gather: ([x, indices], node) => [gather(x!, indices!, frontAxis(intAttribute(node, 'axis', 0), x!.shape.length))],
  Concat: (inputs, node) => [
    concat(
      inputs.map((input) => input!),
      frontAxis(intAttribute(node, 'axis', 1), inputs[0]!.shape.length),
    ),
  ],
  Split: ([x, sizes], node) => split(x!, node, sizes),
  Expand([x, shape]) {
    const target = broadcastShapes([x!.shape, numbersOf(shape!), []]);
    return [gatherStrided(x!, target, broadcastStrides(x!.shape, target))];
  },
  Tile: ([x, repeats]) => [tiled(x!, numbersOf(repeats!))],
  ConstantOfShape([shape], node) {
    const value = tensorAttribute(node, 'value') ?? {
      shape: [1],
      elementType: 'f32' as const,
      data: new Float32Array(1),
    };
    const target = numbersOf(shape!);
    return [
      gatherStrided(
        value,
        target,
        target.map(() => 0),
      ),
    ];
  },
  Range([start, limit, delta]) {
    const [from, to, by] = [start!, limit!, delta!].map((value) => Number(value.data[0])) as [number, number, number];
    const count = Math.max(0, Math.ceil((to - from) / by));
    const data = allocateElements(start!.elementType, count);
    for (let index = 0; index < count; index++) writeElement(data, start!.elementType, index, from + index * by);
    return [{ shape: [count], elementType: start!.elementType, data }];
  },
};
