import { elementCount } from '../../dtype.ts';
import { intAttribute, intsAttribute, stringAttribute } from '../onnx-graph.ts';
import { elementTypeOf } from '../tensor-data.ts';
import { type Expander, int, ints, notExpanded } from './expansion.ts';

/** More positions than this are a mistyped depth, not a network. */
const MOST_POSITIONS = 2 ** 24;

function count(length: number): number[] {
  if (!(length <= MOST_POSITIONS)) throw new RangeError(`${length} positions`);
  return Array.from({ length }, (_, index) => index);
}

const along = (rank: number, axis: number, length: number) => count(rank).map((at) => (at === axis ? length : 1));

/** on where the index is the position, off elsewhere; negative indices count from the end. */
const oneHot: Expander = (node, to) => {
  const depth = to.numbers(to.input(1))?.[0];
  if (depth === undefined) throw notExpanded(node, 'a depth computed at run time', 'a constant depth');
  const { shape } = to.type(to.input(0));
  const rank = shape.length + 1;
  const axis = intAttribute(node, 'axis', -1);
  const front = axis < 0 ? axis + rank : axis;
  const indices = to.cast(to.input(0), 'i64');
  const negative = to.add('Less', [indices, to.ints(0)]);
  const positive = to.add('Where', [negative, to.add('Add', [indices, to.ints(depth)]), indices]);
  const column = to.reshape(positive, [...shape.slice(0, front), 1, ...shape.slice(front)]);
  const hit = to.add('Equal', [column, to.ints(count(depth), along(rank, front, depth))]);
  const off = to.slice(to.input(2), 0, 0, 1);
  const on = to.slice(to.input(2), 0, 1, 2);
  to.finish('Where', [hit, on, off]);
};

const eyeLike: Expander = (node, to) => {
  const { shape, elementType } = to.type(to.input(0));
  const [rows, columns] = shape as [number, number];
  const k = intAttribute(node, 'k', 0);
  const type = elementTypeOf(intAttribute(node, 'dtype', 0)) ?? elementType;
  const eye = count(rows * columns).map((at) => ((at % columns) - Math.floor(at / columns) === k ? 1 : 0));
  to.finishCast(to.floats(eye, shape), type);
};

/** The first `length` elements of every sequence turned round: a gather with computed indices. */
const reverseSequence: Expander = (node, to) => {
  const { shape } = to.type(to.input(0));
  const [batchAxis, timeAxis] = [intAttribute(node, 'batch_axis', 1), intAttribute(node, 'time_axis', 0)];
  const [batch, time] = [shape[batchAxis]!, shape[timeAxis]!];
  const positions = to.ints(count(time), along(shape.length, timeAxis, time));
  const lengths = to.reshape(to.input(1), along(shape.length, batchAxis, batch));
  const mirrored = to.add('Sub', [to.add('Sub', [lengths, to.ints(1)]), positions]);
  const inside = to.add('Less', [positions, lengths]);
  const indices = to.expand(to.add('Where', [inside, mirrored, positions]), shape);
  to.finish('GatherElements', [to.input(0), indices], { axis: int(timeAxis) });
};

/** Writes `update` into a cache from each sample's write index on; `circular` wraps at the end. */
const tensorScatter: Expander = (node, to) => {
  const [cache, update] = [to.shape(to.input(0)), to.shape(to.input(1))];
  const axis = intAttribute(node, 'axis', -2);
  const front = axis < 0 ? axis + cache.length : axis;
  const steps = to.ints(count(update[front]!), along(cache.length, front, update[front]!));
  const start = to.has(2) ? to.reshape(to.input(2), along(cache.length, 0, cache[0]!)) : to.ints(0);
  const places = to.add('Add', [steps, start]);
  const isCircular = stringAttribute(node, 'mode', 'linear') === 'circular';
  const wrapped = isCircular ? to.add('Mod', [places, to.ints(cache[front]!)]) : places;
  to.finish('ScatterElements', [to.input(0), to.expand(wrapped, update), to.input(1)], { axis: int(front) });
};

/** Values go back to where MaxPool found them; a bigger wanted shape is padded at the end. */
const maxUnpool: Expander = (node, to) => {
  const shape = to.shape(to.input(0));
  const kernel = intsAttribute(node, 'kernel_shape')!;
  const strides = intsAttribute(node, 'strides') ?? kernel.map(() => 1);
  const pads = intsAttribute(node, 'pads') ?? kernel.flatMap(() => [0, 0]);
  const spatial = shape
    .slice(2)
    .map((dim, axis) => (dim - 1) * strides[axis]! - pads[axis]! - pads[axis + kernel.length]! + kernel[axis]!);
  const inferred = [...shape.slice(0, 2), ...spatial];
  const zeros = to.floats(new Array<number>(elementCount(inferred)).fill(0));
  const flat = [0, 1].map((index) => to.reshape(to.input(index), [-1]));
  const scattered = to.add('ScatterElements', [zeros, flat[1]!, flat[0]!], { axis: int(0) });
  const wanted = to.numbers(to.input(2));
  if (to.has(2) && wanted === undefined) throw notExpanded(node, 'a shape computed at run time', 'a constant shape');
  if (wanted === undefined) to.finish('Reshape', [scattered, to.ints(inferred)]);
  else {
    const ends = wanted.map((dim, axis) => dim - inferred[axis]!);
    to.finish('Pad', [to.reshape(scattered, inferred), to.ints([...wanted.map(() => 0), ...ends])]);
  }
};

/** Crops what is too long and pads what is too short, both around the centre. */
const centerCropPad: Expander = (node, to) => {
  const shape = to.shape(to.input(0));
  const target = to.numbers(to.input(1));
  if (target === undefined) throw notExpanded(node, 'a shape computed at run time', 'a constant shape');
  const axes = (intsAttribute(node, 'axes') ?? count(shape.length)).map((axis) =>
    axis < 0 ? axis + shape.length : axis,
  );
  const wanted = shape.map((dim, axis) => target[axes.indexOf(axis)] ?? dim);
  const starts = shape.map((dim, axis) => Math.max(0, Math.floor((dim - wanted[axis]!) / 2)));
  const ends = shape.map((dim, axis) => starts[axis]! + Math.min(dim, wanted[axis]!));
  const cropped = to.add('Slice', [to.input(0), to.ints(starts), to.ints(ends)]);
  const before = shape.map((dim, axis) => Math.max(0, Math.floor((wanted[axis]! - dim) / 2)));
  const after = shape.map((dim, axis) => Math.max(0, wanted[axis]! - dim) - before[axis]!);
  to.finish('Pad', [cropped, to.ints([...before, ...after])]);
};

/** Columns back to an image, overlaps added: a transposed convolution whose filter picks one tap per column. */
const col2Im: Expander = (node, to) => {
  const [image, block] = [to.numbers(to.input(1)), to.numbers(to.input(2))];
  if (image === undefined || block === undefined) {
    throw notExpanded(node, 'shapes computed at run time', 'constant image and block shapes');
  }
  const taps = elementCount(block);
  const ones = block.map(() => 1);
  const [dilations, strides] = [intsAttribute(node, 'dilations') ?? ones, intsAttribute(node, 'strides') ?? ones];
  const pads = intsAttribute(node, 'pads') ?? block.flatMap(() => [0, 0]);
  const rank = block.length;
  const places = image.map((dim, axis) => {
    const reach = dilations[axis]! * (block[axis]! - 1) + 1;
    return Math.floor((dim + pads[axis]! + pads[axis + rank]! - reach) / strides[axis]!) + 1;
  });
  const [batch, rows] = to.shape(to.input(0)) as [number, number];
  const channels = rows / taps;
  const filter = count(rows * taps).map((at) => (Math.floor(at / taps) % taps === at % taps ? 1 : 0));
  const padding = image.map((dim, axis) => {
    const reach = (places[axis]! - 1) * strides[axis]! + dilations[axis]! * (block[axis]! - 1) + 1;
    return dim + pads[axis]! + pads[axis + rank]! - reach;
  });
  to.finish(
    'ConvTranspose',
    [to.reshape(to.input(0), [batch, rows, ...places]), to.floats(filter, [rows, 1, ...block])],
    {
      group: int(channels),
      kernel_shape: ints(block),
      strides: ints(strides),
      dilations: ints(dilations),
      pads: ints(pads),
      output_padding: ints(padding),
    },
  );
};

/** Coordinates −1..1 of the cells of a grid, turned by a matrix per sample. */
const affineGrid: Expander = (node, to) => {
  const size = to.numbers(to.input(1));
  if (size === undefined) throw notExpanded(node, 'a size computed at run time', 'a constant size');
  const spatial = size.slice(2);
  const rank = spatial.length;
  const isAligned = intAttribute(node, 'align_corners', 0) !== 0;
  const coordinate = (at: number, length: number) =>
    isAligned ? (length === 1 ? 0 : -1 + (2 * at) / (length - 1)) : -1 + (2 * at + 1) / length;
  const cells = elementCount(spatial);
  const rows = count(cells).flatMap((cell) => {
    let rest = cell;
    const places = spatial.toReversed().map((length) => {
      const at = rest % length;
      rest = Math.floor(rest / length);
      return coordinate(at, length);
    });
    return [...places, 1];
  });
  const grid = to.floats(rows, [cells, rank + 1]);
  const turned = to.add('MatMul', [grid, to.transpose(to.input(0), [0, 2, 1])]);
  to.finish('Reshape', [turned, to.ints([size[0]!, ...spatial, rank])]);
};

/** The mask of a Dropout that drops nothing is all true. */
const dropout: Expander = (node, to) => {
  if (!to.wants(1)) return;
  const { shape } = to.type(to.input(0));
  const training = to.has(2) ? to.numbers(to.input(2))?.[0] : 0;
  const ratio = to.has(1) ? to.numbers(to.input(1))?.[0] : 0;
  if (training !== 0 && ratio !== 0) throw notExpanded(node, 'training mode', 'inference');
  to.finish('Identity', [to.input(0)]);
  to.finishCast(to.floats(new Array<number>(elementCount(shape)).fill(1), shape), 'bool', 1);
};

/** The number of results is known only where the condition is constant. */
const compress: Expander = (node, to) => {
  const condition = to.numbers(to.input(1));
  if (condition === undefined) throw notExpanded(node, 'a condition computed at run time', 'a constant condition');
  const axis = intAttribute(node, 'axis');
  const kept = condition.flatMap((value, index) => (value === 0 ? [] : [index]));
  const source = axis === undefined ? to.reshape(to.input(0), [-1]) : to.input(0);
  to.finish('Gather', [source, to.ints(kept)], { axis: int(axis ?? 0) });
};

const dynamicOnly =
  (what: string): Expander =>
  (node) => {
    throw notExpanded(node, `${what} whose number of results depends on data`, 'constant operands');
  };

export const indexingExpanders: Readonly<Record<string, Expander>> = {
  OneHot: oneHot,
  EyeLike: eyeLike,
  ReverseSequence: reverseSequence,
  TensorScatter: tensorScatter,
  MaxUnpool: maxUnpool,
  CenterCropPad: centerCropPad,
  Col2Im: col2Im,
  AffineGrid: affineGrid,
  Dropout: dropout,
  Compress: compress,
  NonMaxSuppression: dynamicOnly('a suppression'),
  Unique: dynamicOnly('a set'),
};
