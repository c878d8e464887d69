import type { KnownOp, OpOf } from '../../graph.ts';
import { fullRankSlice } from '../../operators/slice-bounds.ts';
import { type Rewriter, type Rule, rule } from './rewriter.ts';

const INT64_MAX = 2n ** 63n - 1n;

const isStatic = (op: OpOf<'top.Slice'>) => op.inputs.slice(1).every((input) => input == null);

/** A Slice of everything goes. */
const fullSlice = rule('top.Slice', (op, rw) => {
  const [from, to] = [rw.shape(op.inputs[0]!), rw.shape(op.name)];
  const whole =
    isStatic(op) && op.attributes.steps.every((step) => step === 1) && from.every((dim, axis) => dim === to[axis]);
  if (whole) rw.bypass(op, op.inputs[0]!);
  return whole;
});

/**
 * Slice → Slice with positive steps: one, named after the last. TPU-MLIR asks for a single reader of the first; when
 * identical first Slices have been merged, all of them being Slices is the same situation.
 */
const mergeSlices = rule('top.Slice', (op, rw) => {
  const first = rw.producer(op.inputs[0], 'top.Slice');
  if (first === undefined || rw.isOutput(first.name) || !isStatic(op) || !isStatic(first)) return false;
  if (rw.users(first.name).some((user) => user.type !== 'top.Slice')) return false;
  if ([...op.attributes.steps, ...first.attributes.steps].some((step) => step < 1)) return false;
  const [source] = first.inputs as [string];
  const outer = fullRankSlice(rw.shape(source), first.attributes);
  const inner = fullRankSlice(rw.shape(first.name), op.attributes);
  const axes = outer.offset.map((_, axis) => axis);
  const steps = axes.map((axis) => outer.steps[axis]! * inner.steps[axis]!);
  const offset = axes.map((axis) => outer.offset[axis]! + inner.offset[axis]! * outer.steps[axis]!);
  const ends = axes.map((axis) =>
    Math.min(outer.ends[axis]!, outer.offset[axis]! + inner.ends[axis]! * outer.steps[axis]!),
  );
  const hasparamConvertAxes = [
    ...new Set([...first.attributes.hasparamConvertAxes, ...op.attributes.hasparamConvertAxes]),
  ].sort((a, b) => a - b);
  rw.replace(
    op,
    rw.change(op, {
      inputs: [source, null, null, null],
      attributes: { offset, steps, ends, axes: [], hasparamConvertAxes },
    }),
  );
  return true;
});

/** A Slice that runs backwards over one whole dimension is a Reverse. */
const backwardSlice = rule('top.Slice', (op, rw) => {
  const shape = rw.shape(op.inputs[0]!);
  const axis = op.attributes.steps.indexOf(-1);
  const whole = shape.every((dim, at) => dim === rw.shape(op.name)[at]);
  if (axis < 0 || !whole || op.attributes.steps.some((step, at) => at !== axis && step !== 1)) return false;
  rw.replace(op, rw.make('top.Reverse', { name: op.name, inputs: [op.inputs[0]!], attributes: { axis } }));
  return true;
});

/** A Slice along one axis, in the form canonicalisation writes (ir.md 7.3: other ends are INT64_MAX). */
function sliceAlong(
  name: string,
  source: string,
  axis: number,
  [offset, end, step]: readonly [number, number, number],
  rw: Rewriter,
): KnownOp {
  const rank = rw.shape(source).length;
  const spread = <V>(at: V, other: V) => Array.from({ length: rank }, (_, index) => (index === axis ? at : other));
  return rw.make('top.Slice', {
    name,
    inputs: [source, null, null, null],
    attributes: {
      offset: spread(offset, 0),
      steps: spread(step, 1),
      ends: spread<number | bigint>(end, INT64_MAX),
      axes: [],
      hasparamConvertAxes: [axis],
    },
  });
}

/** Split → one Slice per result that somebody reads. */
const splitToSlices = rule('top.Split', (op, rw) => {
  const { axis, splitSize } = op.attributes;
  const [source] = op.inputs as [string];
  let offset = 0;
  const slices = op.outputs.flatMap((output, index) => {
    const begin = offset;
    offset += splitSize![index]!;
    const read = output !== null && (rw.users(output).length > 0 || rw.isOutput(output));
    return read ? [sliceAlong(output, source, axis, [begin, offset, 1], rw)] : [];
  });
  rw.replace(op, ...slices);
  return true;
});

/** Gather with a constant index: a Slice, and a Squeeze when the index was a scalar. */
const gatherToSlice = rule('top.Gather', (op, rw) => {
  const [source, indices] = op.inputs as [string, string];
  const data = rw.weightData(indices);
  if (data === undefined || rw.weight(source) !== undefined || rw.shape(indices).length > 1) return false;
  const { axis, keepdims } = op.attributes;
  const length = rw.shape(source)[axis]!;
  const picks = Array.from(data, (value) => (value < 0 ? value + length : value));
  const step = picks.length > 1 ? picks[1]! - picks[0]! : 1;
  if (step < 1 || picks.some((pick, index) => pick !== picks[0]! + index * step)) return false;
  const bounds = [picks[0]!, picks.at(-1)! + 1, step] as const;
  if (keepdims) {
    rw.replace(op, sliceAlong(op.name, source, axis, bounds, rw));
    return true;
  }
  const slice = sliceAlong(`${op.name}_slice`, source, axis, bounds, rw);
  rw.replace(op, slice, rw.make('top.Squeeze', { name: op.name, inputs: [slice.name], attributes: { axes: [axis] } }));
  return true;
});

/** Row-major numbers of the blocks that strided Slices of one value take, and the block size. */
function blocksOf(
  concat: OpOf<'top.Concat'>,
  rw: Rewriter,
): { source: string; order: number[]; block: [number, number] } | undefined {
  const slices = concat.inputs.map((input) => rw.producer(input, 'top.Slice'));
  const [first] = slices;
  const source = first?.inputs[0];
  if (first === undefined || source == null || rw.shape(source).length !== 4) return undefined;
  const [blockH, blockW] = first.attributes.steps.slice(2) as [number, number];
  if (blockH * blockW !== slices.length || slices.length < 2) return undefined;
  const shape = rw.shape(source);
  const order: number[] = [];
  for (const slice of slices) {
    if (slice?.inputs[0] !== source || !isStatic(slice)) return undefined;
    const { offset, steps } = fullRankSlice(shape, slice.attributes);
    const [h, w] = rw.shape(slice.name).slice(2) as [number, number];
    const strided = steps.join() === [1, 1, blockH, blockW].join() && offset[0] === 0 && offset[1] === 0;
    const whole = h * blockH === shape[2] && w * blockW === shape[3] && rw.shape(slice.name)[1] === shape[1];
    if (!strided || !whole) return undefined;
    order.push(offset[2]! * blockW + offset[3]!);
  }
  return new Set(order).size === order.length ? { source, order, block: [blockH, blockW] } : undefined;
}

/**
 * Strided Slices → Concat → Conv (YOLO's Focus) → Depth2Space. When the blocks are not in row-major order the Conv's filter is
 * reordered instead, and the op is called `<concat>_r_Depth2Space` (tpu-mlir: Top/Canonicalize/Concat.cpp).
 */
const focus = rule('top.Concat', (op, rw) => {
  const [conv, ...others] = rw.users(op.name);
  if (op.attributes.axis !== 1 || conv?.type !== 'top.Conv' || others.length > 0 || rw.isOutput(op.name)) return false;
  const found = blocksOf(op, rw);
  if (found === undefined) return false;
  const { source, order, block } = found;
  const inOrder = order.every((place, index) => place === index);
  const name = inOrder ? op.name : `${op.name}_r_Depth2Space`;
  const filter = inOrder ? conv.inputs[1]! : reorderedFilter(conv, order, rw);
  if (filter === undefined) return false;
  const attributes = { blockH: block[0], blockW: block[1], isCRD: false, isInversed: true };
  const space = rw.make('top.Depth2Space', { name, inputs: [source], attributes });
  rw.replace(conv, rw.change(conv, { inputs: [name, filter, conv.inputs[2] ?? null] }));
  rw.replace(op, space);
  return true;
});

function reorderedFilter(conv: OpOf<'top.Conv'>, order: readonly number[], rw: Rewriter): string | undefined {
  const data = rw.weightData(conv.inputs[1]);
  if (data === undefined || conv.attributes.group !== 1) return undefined;
  const shape = rw.shape(conv.inputs[1]!);
  const inner = data.length / shape[0]! / order.length;
  const result = new Float32Array(data.length);
  for (let channel = 0; channel < shape[0]!; channel++) {
    order.forEach((place, index) => {
      const from = (channel * order.length + index) * inner;
      result.set(data.subarray(from, from + inner), (channel * order.length + place) * inner);
    });
  }
  return rw.addWeight(conv.name, 'filter_S2D', shape, result);
}

export const slicingRules: readonly Rule[] = [
  fullSlice,
  mergeSlices,
  backwardSlice,
  splitToSlices,
  gatherToSlice,
  focus,
];
