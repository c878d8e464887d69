import { elementCount, type OpOf, QError } from '@q/ir';
import type { ConstantOperand, Implementations, OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { aroundAxis, broadcastStrides, contiguousStrides } from '../shapes.ts';
import type { Slot, TensorSlot } from '../slot.ts';
import { bytesPerElement } from '../storage.ts';
import { refuse } from './refuse.ts';
import { topK } from './top-k.ts';

/** Index tensors are float in Top graphs; kernels read int32. */
interface Indices {
  readonly slot: Slot;
  readonly count: number;
  /** Converts computed indices; absent for constants. */
  readonly convert?: () => void;
}

function indicesOf(context: PrepareContext, operand: number): Indices {
  const { kernels } = context;
  const toInt32 = ({ data }: ConstantOperand): Int32Array => Int32Array.from(data);
  const constant = context.constant(operand);
  if (constant !== undefined) {
    return { slot: context.derive(operand, 'int32 indices', toInt32), count: constant.data.length };
  }
  const values = context.input(operand);
  if (values.dtype === 'i32') return { slot: values, count: values.length };
  const slot = context.scratch(4 * values.length);
  return { slot, count: values.length, convert: () => kernels.f32_to_i32(values.ptr, slot.ptr, values.length) };
}

const gather: OpImplementation<'top.Gather'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const { outer, axis, inner } = aroundAxis(x.shape, op.attributes.axis);
    const indices = indicesOf(context, 1);
    const rowBytes = inner * bytesPerElement(x.dtype);
    const { count } = indices;
    return () => {
      indices.convert?.();
      for (let o = 0; o < outer; o++) {
        const source = x.ptr + o * axis * rowBytes;
        const bad = kernels.gather_rows(source, indices.slot.ptr, y.ptr + o * count * rowBytes, count, axis, rowBytes);
        if (bad >= 0) throw indexError(op, bad, new Int32Array(context.memory.buffer, indices.slot.ptr, count), axis);
      }
    };
  },
};

function indexError(op: OpOf<'top.Gather'>, at: number, indices: Int32Array, length: number): QError {
  return new QError(`${op.name} reads index ${indices[at]} of a dimension of length ${length}.`, {
    code: 'runtime.index.range',
    where: op.name,
    found: `${indices[at]} at position ${at}`,
    expected: `-${length}..${length - 1}`,
  });
}

/** An index counted from the front; checked, because a wrong one would silently read or overwrite another element. */
function checkedIndex(op: { readonly name: string }, value: number, length: number): number {
  const index = value < 0 ? value + length : value;
  if (index >= 0 && index < length) return index;
  throw new QError(`${op.name} uses index ${value} of a dimension of length ${length}.`, {
    code: 'runtime.index.range',
    where: op.name,
    found: String(value),
    expected: `-${length}..${length - 1}`,
  });
}

// What follows is rare in networks; where no kernel is called it is plain TypeScript over memory views.

const gatherElements: OpImplementation<'top.GatherElements'> = {
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const indices = context.input(1);
    const lines = elementLines(op.attributes.axis, x.shape, indices.shape);
    if (bytesPerElement(x.dtype) === 4) return prepareGatherElements(op, context, lines);
    const walk = elementWalk(op.attributes.axis, x.shape, indices.shape);
    return () => {
      const [from, at, to] = [x.view(), indices.view(), y.view()];
      for (let i = 0; i < at.length; i++)
        to[i] = from[walk.base(i) + walk.step * checkedIndex(op, at[i]!, walk.length)]!;
    };
  },
};

/** The lines of a data tensor that a tensor of indices picks from: the plan of the kernels. */
interface ElementLines {
  readonly rank: number;
  readonly plan: Int32Array;
  /** Of the axis: its length, and the distance of its elements. */
  readonly length: number;
  readonly step: number;
}

function elementLines(axis: number, data: readonly number[], indices: readonly number[]): ElementLines {
  const at = axis < 0 ? axis + data.length : axis;
  const strides = contiguousStrides(data);
  const lines = strides.map((stride, d) => (d === at ? 0 : stride));
  return { rank: data.length, plan: Int32Array.from([...indices, ...lines]), length: data[at]!, step: strides[at]! };
}

function prepareGatherElements(
  op: OpOf<'top.GatherElements'>,
  context: PrepareContext,
  { rank, plan, length, step }: ElementLines,
): RunOp {
  const { kernels } = context;
  const [x, y] = [context.input(0), context.output()];
  if (y.length === 0) return () => {};
  const [indices, placed] = [indicesOf(context, 1), context.place(plan)];
  return () => {
    indices.convert?.();
    const bad = kernels.gather_elements_x32(x.ptr, indices.slot.ptr, y.ptr, rank, placed.ptr, length, step);
    if (bad >= 0)
      checkedIndex(op, new Int32Array(context.memory.buffer, indices.slot.ptr, indices.count)[bad]!, length);
  };
}

/** For element i of an index tensor: where the line along `axis` that it picks from begins in the data tensor. */
function elementWalk(axis: number, data: readonly number[], indices: readonly number[]) {
  const at = axis < 0 ? axis + data.length : axis;
  const [strides, digits] = [contiguousStrides(data), contiguousStrides(indices)];
  const base = (i: number): number =>
    indices.reduce((sum, dim, d) => (d === at ? sum : sum + (Math.floor(i / digits[d]!) % dim) * strides[d]!), 0);
  return { base, step: strides[at]!, length: data[at]! };
}

/** Where the slice begins that a tuple of indices names, in a tensor of shape `data` after `batchDims` common dimensions. */
function sliceOffset(
  op: { readonly name: string },
  data: readonly number[],
  tuple: ArrayLike<number>,
  batchDims: number,
): number {
  const strides = contiguousStrides(data);
  let offset = 0;
  for (let d = 0; d < tuple.length; d++) {
    offset += checkedIndex(op, tuple[d]!, data[batchDims + d]!) * strides[batchDims + d]!;
  }
  return offset;
}

const gatherND: OpImplementation<'top.GatherND'> = {
  prepare(op, context) {
    const [x, indices, y] = [context.input(0), context.input(1), context.output()];
    const { batchDims } = op.attributes;
    const width = indices.shape.at(-1)!;
    const inner = elementCount(x.shape.slice(batchDims + width));
    const batch = elementCount(x.shape.slice(0, batchDims));
    const [perBatch, batchSize] = [indices.length / width / batch, x.length / batch];
    return () => {
      const [from, at, to] = [x.view(), indices.view(), y.view()];
      for (let i = 0; i < indices.length / width; i++) {
        const offset = sliceOffset(op, x.shape, at.subarray(i * width, (i + 1) * width), batchDims);
        const source = Math.floor(i / perBatch) * batchSize + offset;
        to.set(from.subarray(source, source + inner), i * inner);
      }
    };
  },
};

/** How an update is combined with what is there: 0 replaces, 1 adds, 2 multiplies, 3 takes the larger, 4 the smaller. */
const REDUCTIONS: readonly ((old: number, update: number) => number)[] = [
  (_old, update) => update,
  (old, update) => old + update,
  (old, update) => old * update,
  Math.max,
  Math.min,
];

function reductionOf(op: OpOf<'top.ScatterElements'> | OpOf<'top.ScatterND'>) {
  return REDUCTIONS[op.attributes.reduction] ?? refuse(op, `reduction ${op.attributes.reduction}`, '0 to 4');
}

const scatterElements: OpImplementation<'top.ScatterElements'> = {
  prepare(op, context) {
    const [x, indices, updates, y] = [context.input(0), context.input(1), context.input(2), context.output()];
    const combine = reductionOf(op);
    if (x.dtype === 'f32' && updates.dtype === 'f32') {
      return prepareScatterElements(op, context, elementLines(op.attributes.axis, x.shape, indices.shape));
    }
    const walk = elementWalk(op.attributes.axis, x.shape, indices.shape);
    return () => {
      const [at, given, to] = [indices.view(), updates.view(), y.view()];
      to.set(x.view());
      for (let i = 0; i < at.length; i++) {
        const target = walk.base(i) + walk.step * checkedIndex(op, at[i]!, walk.length);
        to[target] = combine(to[target]!, given[i]!);
      }
    };
  },
};

function prepareScatterElements(
  op: OpOf<'top.ScatterElements'>,
  context: PrepareContext,
  { rank, plan, length, step }: ElementLines,
): RunOp {
  const { kernels } = context;
  const [x, updates, y] = [context.input(0), context.input(2), context.output()];
  const [indices, placed] = [indicesOf(context, 1), context.place(plan)];
  const { reduction } = op.attributes;
  return () => {
    indices.convert?.();
    y.f32().set(x.f32());
    if (indices.count === 0) return;
    // biome-ignore format: one argument per line hides the groups
    const bad = kernels.scatter_elements(
      reduction, y.ptr, indices.slot.ptr, updates.ptr, rank, placed.ptr, length, step,
    );
    if (bad >= 0)
      checkedIndex(op, new Int32Array(context.memory.buffer, indices.slot.ptr, indices.count)[bad]!, length);
  };
}

const scatterND: OpImplementation<'top.ScatterND'> = {
  prepare(op, context) {
    const [x, indices, updates, y] = [context.input(0), context.input(1), context.input(2), context.output()];
    const combine = reductionOf(op);
    const width = indices.shape.at(-1)!;
    const inner = elementCount(x.shape.slice(width));
    return () => {
      const [at, given, to] = [indices.view(), updates.view(), y.view()];
      to.set(x.view());
      for (let i = 0; i < indices.length / width; i++) {
        const target = sliceOffset(op, x.shape, at.subarray(i * width, (i + 1) * width), 0);
        for (let k = 0; k < inner; k++) to[target + k] = combine(to[target + k]!, given[i * inner + k]!);
      }
    };
  },
};

/** Running sum or product along an axis, in float64, rounded at every element. */
function cumulative<T extends 'top.CumSum' | 'top.CumProd'>(
  neutral: number,
  combine: (total: number, value: number) => number,
): OpImplementation<T> {
  return {
    prepare(op, context) {
      const [x, y] = [context.input(0), context.output()];
      const attributes: OpOf<'top.CumSum'>['attributes'] = op.attributes;
      const { outer, axis, inner } = aroundAxis(x.shape, attributes.axis);
      const { exclusive = false, reverse = false } = attributes;
      return () => {
        const [from, to] = [x.f32(), y.f32()];
        for (let line = 0; line < outer * inner; line++) {
          const first = Math.floor(line / inner) * axis * inner + (line % inner);
          let total = neutral;
          for (let i = 0; i < axis; i++) {
            const at = first + (reverse ? axis - 1 - i : i) * inner;
            const value = combine(total, from[at]!);
            to[at] = exclusive ? total : value;
            total = value;
          }
        }
      };
    },
  };
}

const BITWISE: Readonly<Record<string, (a: number, b: number) => number>> = {
  And: (a, b) => a & b,
  Or: (a, b) => a | b,
  Xor: (a, b) => a ^ b,
  Not: (a) => ~a,
};

/** Bit by bit on whole numbers of at most 16 bits. */
const bitwise: OpImplementation<'top.Bitwise'> = {
  prepare(op, context) {
    const { mode, unsignedBits } = op.attributes;
    const mask = unsignedBits === 0 ? -1 : 2 ** unsignedBits - 1;
    const combine = BITWISE[mode] ?? refuse(op, `the mode ${mode}`, Object.keys(BITWISE).join(', '));
    const [y, a] = [context.output(), context.input(0)];
    const b = op.inputs.length > 1 ? context.input(1) : a;
    const digits = contiguousStrides(y.shape);
    const stepsOf = (slot: TensorSlot): number[] => broadcastStrides(slot.shape, y.shape);
    const offset = (i: number, steps: readonly number[]): number =>
      y.shape.reduce((sum, dim, axis) => sum + (Math.floor(i / digits[axis]!) % dim) * steps[axis]!, 0);
    const [aSteps, bSteps] = [stepsOf(a), stepsOf(b)];
    return () => {
      const [left, right, to] = [a.f32(), b.f32(), y.f32()];
      for (let i = 0; i < to.length; i++) {
        to[i] = combine(left[offset(i, aSteps)]!, right[offset(i, bSteps)]!) & mask;
      }
    };
  },
};

/** Determinants by elimination with the largest pivot, in float64. */
const det: OpImplementation<'top.Det'> = {
  prepare(_op, context) {
    const [x, y] = [context.input(0), context.output()];
    const size = x.shape.at(-1)!;
    return () => {
      const [from, to] = [x.f32(), y.f32()];
      for (let m = 0; m < to.length; m++)
        to[m] = determinant(Float64Array.from(from.subarray(m * size * size, (m + 1) * size * size)), size);
    };
  },
};

function determinant(a: Float64Array, size: number): number {
  let product = 1;
  for (let k = 0; k < size; k++) {
    let pivot = k;
    for (let r = k + 1; r < size; r++) if (Math.abs(a[r * size + k]!) > Math.abs(a[pivot * size + k]!)) pivot = r;
    if (a[pivot * size + k] === 0) return 0;
    if (pivot !== k) {
      product = -product;
      for (let c = 0; c < size; c++) {
        const swapped = a[k * size + c]!;
        a[k * size + c] = a[pivot * size + c]!;
        a[pivot * size + c] = swapped;
      }
    }
    product *= a[k * size + k]!;
    for (let r = k + 1; r < size; r++) {
      const factor = a[r * size + k]! / a[k * size + k]!;
      for (let c = k; c < size; c++) a[r * size + c]! -= factor * a[k * size + c]!;
    }
  }
  return product;
}

/** Keeps the upper or lower triangle of the last two dimensions, zero elsewhere. */
const trilu: OpImplementation<'top.Trilu'> = {
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const [rows, columns] = [x.shape.at(-2)!, x.shape.at(-1)!];
    const { upper, diagonal } = op.attributes;
    return () => {
      const [from, to] = [x.view(), y.view()];
      for (let i = 0; i < from.length; i++) {
        const above = (i % columns) - (Math.floor(i / columns) % rows) - diagonal;
        to[i] = (upper === 1 ? above >= 0 : above <= 0) ? from[i]! : 0;
      }
    };
  },
};

const shape: OpImplementation<'top.Shape'> = {
  prepare(_op, context) {
    const y = context.output();
    const { start = 0, end } = _op.attributes;
    const dims = context.input(0).shape.slice(start, end);
    return () => y.view().set(dims);
  },
};

const range: OpImplementation<'top.Range'> = {
  prepare(_op, context) {
    const y = context.output();
    const [start, delta] = [context.optionalInput(0), context.optionalInput(2)];
    const first = (slot: TensorSlot | null, fallback: number): number => slot?.view()[0] ?? fallback;
    return () => {
      const to = y.view();
      const [from, step] = [first(start, 0), first(delta, 1)];
      for (let i = 0; i < to.length; i++) to[i] = from + i * step;
    };
  },
};

export const indexingImplementations: Implementations = {
  'top.Gather': gather,
  'top.GatherElements': gatherElements,
  'top.GatherND': gatherND,
  'top.ScatterElements': scatterElements,
  'top.ScatterND': scatterND,
  'top.TopK': topK,
  'top.CumSum': cumulative<'top.CumSum'>(0, (total, value) => total + value),
  'top.CumProd': cumulative<'top.CumProd'>(1, (total, value) => total * value),
  'top.Bitwise': bitwise,
  'top.Det': det,
  'top.Trilu': trilu,
  'top.Shape': shape,
  'top.Range': range,
};
