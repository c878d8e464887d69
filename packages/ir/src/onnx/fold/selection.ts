import { elementCount } from '../../dtype.ts';
import { frontAxis } from '../../operators/shape-rules.ts';
import { intAttribute, numbersOf } from '../onnx-graph.ts';
import type { Constant } from '../tensor-data.ts';
import { allocateElements, int64Vector, stridesOf } from './constant-array.ts';
import type { Evaluator } from './evaluate.ts';

const nonZero: Evaluator = ([x]) => {
  const strides = stridesOf(x!.shape);
  const hits = numbersOf(x!).flatMap((value, index) => (value === 0 ? [] : [index]));
  const coordinates = x!.shape.flatMap((dim, axis) => hits.map((hit) => Math.floor(hit / strides[axis]!) % dim));
  return [{ ...int64Vector(coordinates), shape: [x!.shape.length, hits.length] }];
};

/** Sides of a box, whatever corners or centre it is given by. */
type Box = readonly [top: number, left: number, bottom: number, right: number];

function boxAt(data: readonly number[], index: number, isCentre: boolean): Box {
  const [a, b, c, d] = data.slice(index * 4, index * 4 + 4) as [number, number, number, number];
  if (isCentre) return [b - d / 2, a - c / 2, b + d / 2, a + c / 2];
  return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
}

const area = ([top, left, bottom, right]: Box) => (bottom - top) * (right - left);

/** Shared area divided by joint area; boxes without area overlap nothing. */
function overlap(a: Box, b: Box): number {
  const height = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const width = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (!(height > 0 && width > 0)) return 0;
  const shared = height * width;
  return shared / (area(a) + area(b) - shared);
}

/** Best scores first; a box that overlaps a kept one by more than the threshold is dropped. Rows (batch, class, box). */
const nonMaxSuppression: Evaluator = ([boxes, scores, limit, overlapLimit, scoreLimit], node) => {
  const [batches, classes, count] = scores!.shape as [number, number, number];
  const [corners, confidences] = [numbersOf(boxes!), numbersOf(scores!)];
  const isCentre = intAttribute(node, 'center_point_box', 0) !== 0;
  const most = limit === undefined ? 0 : numbersOf(limit)[0]!;
  const mostOverlap = overlapLimit === undefined ? 0 : numbersOf(overlapLimit)[0]!;
  const least = scoreLimit === undefined ? Number.NEGATIVE_INFINITY : numbersOf(scoreLimit)[0]!;
  const rows: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    for (let category = 0; category < classes; category++) {
      const start = (batch * classes + category) * count;
      const order = Array.from({ length: count }, (_, index) => index)
        .filter((index) => confidences[start + index]! > least)
        .sort((a, b) => confidences[start + b]! - confidences[start + a]! || a - b);
      const kept: Box[] = [];
      for (const index of order) {
        if (kept.length >= most) break;
        const box = boxAt(corners, batch * count + index, isCentre);
        if (kept.some((other) => overlap(box, other) > mostOverlap)) continue;
        kept.push(box);
        rows.push(batch, category, index);
      }
    }
  }
  return [{ ...int64Vector(rows), shape: [rows.length / 3, 3] }];
};

/** The slices of `x` along `axis`, each with its elements in order; without an axis, single elements. */
function slicesOf(x: Constant, axis: number | undefined): { slices: (number | bigint)[][]; shape: readonly number[] } {
  if (axis === undefined) return { slices: Array.from(x.data as ArrayLike<number | bigint>, (v) => [v]), shape: [] };
  const front = frontAxis(axis, x.shape.length);
  const inner = elementCount(x.shape.slice(front + 1));
  const length = x.shape[front]!;
  const slices: (number | bigint)[][] = Array.from({ length }, () => []);
  for (let index = 0; index < x.data.length; index++) slices[Math.floor(index / inner) % length]!.push(x.data[index]!);
  return { slices, shape: x.shape };
}

function compareSlices(a: readonly (number | bigint)[], b: readonly (number | bigint)[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1;
}

/** Distinct slices (sorted, or as they come), where each was first, which one every slice is, and how often each occurs. */
const unique: Evaluator = ([x], node) => {
  const axis = intAttribute(node, 'axis');
  const { slices, shape } = slicesOf(x!, axis);
  const places = new Map<string, { slice: (number | bigint)[]; first: number; count: number }>();
  const keys = slices.map((slice) => slice.join());
  slices.forEach((slice, index) => {
    const known = places.get(keys[index]!);
    if (known === undefined) places.set(keys[index]!, { slice, first: index, count: 1 });
    else known.count++;
  });
  const found = [...places].map(([key, place]) => ({ key, ...place }));
  if (intAttribute(node, 'sorted', 1) !== 0) found.sort((a, b) => compareSlices(a.slice, b.slice));
  const rank = new Map(found.map(({ key }, index) => [key, index] as const));
  return [
    joined(
      x!,
      found.map(({ slice }) => slice),
      axis === undefined ? undefined : frontAxis(axis, shape.length),
    ),
    int64Vector(found.map(({ first }) => first)),
    int64Vector(keys.map((key) => rank.get(key)!)),
    int64Vector(found.map(({ count }) => count)),
  ];
};

/** The inverse of `slicesOf`. */
function joined(x: Constant, slices: readonly (readonly (number | bigint)[])[], axis: number | undefined): Constant {
  const shape = axis === undefined ? [slices.length] : x.shape.with(axis, slices.length);
  const data = allocateElements(x.elementType, elementCount(shape));
  const inner = axis === undefined ? 1 : elementCount(x.shape.slice(axis + 1));
  for (let index = 0; index < data.length; index++) {
    const row = Math.floor(index / inner);
    const slice = slices[row % slices.length]!;
    data[index] = slice[Math.floor(row / slices.length) * inner + (index % inner)]!;
  }
  return { shape, elementType: x.elementType, data };
}

/** Constant evaluation of operators whose number of results depends on the values. */
export const selectionEvaluators: Readonly<Record<string, Evaluator>> = {
  NonZero: nonZero,
  NonMaxSuppression: nonMaxSuppression,
  Unique: unique,
};
