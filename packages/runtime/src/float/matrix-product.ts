import { elementCount, type MatMulDimensions, matMulDimensions, type OpOf } from '@q/ir';
import { BiasMode } from '@q/kernels-wasm';
import type { Implementations, OpImplementation, PrepareContext } from '../implementation.ts';
import { contiguousStrides } from '../shapes.ts';
import type { Slot, TensorSlot } from '../slot.ts';
import { refuse } from './refuse.ts';
import { type Bounds, reluBounds } from './relu-bounds.ts';

/** How one operand lies in memory: offsets of its matrices, in elements, and the strides inside one. */
export interface MatrixLayout {
  readonly offsets: Int32Array;
  readonly rowStride: number;
  readonly columnStride: number;
}

interface Shaped {
  readonly shape: readonly number[];
}

export interface Product {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly a: MatrixLayout;
  readonly b: MatrixLayout;
  readonly c: MatrixLayout;
}

const matMul: OpImplementation<'top.MatMul'> = {
  prepare(op, context) {
    // A constant right operand is packed; asking for its slot would keep its raw data as well.
    const right = context.constant(1)?.type ?? context.input(1);
    const product = layoutProduct(op, context.input(0), right);
    const bounds = reluBounds(op.attributes);
    const bias = biasOf(op, context, product);
    return context.constant(1) === undefined
      ? prepareDynamic(context, product, bias, bounds)
      : preparePacked(context, product, bias, bounds);
  },
};

function preparePacked(context: PrepareContext, product: Product, bias: Bias, { lo, hi }: Bounds): () => void {
  const { kernels } = context;
  const { M, N, K, a, c } = product;
  const [x, y] = [context.input(0), context.output()];
  const { packed, matrixBytes, indexOf } = packRight(context, product);
  const scratch = context.scratch(kernels.f32_gemm_scratch_bytes(M, N, K));
  context.offerFusion(({ code, p, q }) => () => {
    for (let batch = 0; batch < c.offsets.length; batch++) {
      // biome-ignore format: one argument per line hides the groups
      kernels.f32_gemm_packed_unary(
        x.ptr + 4 * a.offsets[batch]!, packed.ptr + matrixBytes * indexOf[batch]!, bias.slot?.ptr ?? 0,
        y.ptr + 4 * c.offsets[batch]!, scratch.ptr, M, N, K, a.rowStride, a.columnStride, c.rowStride, bias.mode, lo, hi,
        code, p, q,
      );
    }
  });
  return () => {
    for (let batch = 0; batch < c.offsets.length; batch++) {
      // biome-ignore format: one argument per line hides the groups
      kernels.f32_gemm_packed(
        x.ptr + 4 * a.offsets[batch]!, packed.ptr + matrixBytes * indexOf[batch]!, bias.slot?.ptr ?? 0,
        y.ptr + 4 * c.offsets[batch]!, scratch.ptr, M, N, K, a.rowStride, a.columnStride, c.rowStride, bias.mode, lo, hi,
      );
    }
  };
}

/** Packs every distinct matrix of a constant right operand. */
function packRight(
  context: PrepareContext,
  { N, K, b }: Product,
): {
  packed: Slot;
  matrixBytes: number;
  indexOf: Int32Array;
} {
  const { kernels } = context;
  const matrices = [...new Set(b.offsets)];
  const matrixBytes = kernels.f32_gemm_packed_bytes(N, K);
  const packed = context.pack(1, {
    layout: `f32_gemm ${N} ${K} ${b.rowStride} ${b.columnStride} ${matrices.length}`,
    byteLength: matrixBytes * matrices.length,
    fill(raw, target) {
      matrices.forEach((offset, index) => {
        const to = target + matrixBytes * index;
        kernels.f32_gemm_pack(raw + 4 * offset, to, N, K, b.rowStride, b.columnStride);
      });
    },
  });
  return { packed, matrixBytes, indexOf: b.offsets.map((offset) => matrices.indexOf(offset)) };
}

function prepareDynamic(context: PrepareContext, product: Product, bias: Bias, { lo, hi }: Bounds): () => void {
  const { kernels } = context;
  const { M, N, K, a, b, c } = product;
  const [x, right, y] = [context.input(0), context.input(1), context.output()];
  const scratch = context.scratch(kernels.f32_gemm_scratch_bytes(M, N, K));
  return () => {
    for (let batch = 0; batch < c.offsets.length; batch++) {
      // biome-ignore format: one argument per line hides the groups
      kernels.f32_gemm(
        x.ptr + 4 * a.offsets[batch]!, right.ptr + 4 * b.offsets[batch]!, bias.slot?.ptr ?? 0,
        y.ptr + 4 * c.offsets[batch]!, scratch.ptr, M, N, K, a.rowStride, a.columnStride, b.rowStride, b.columnStride,
        c.rowStride, bias.mode, lo, hi,
      );
    }
  };
}

interface Bias {
  readonly slot: TensorSlot | null;
  readonly mode: number;
}

function biasOf(op: OpOf<'top.MatMul'>, context: PrepareContext, { N }: Product): Bias {
  const slot = context.optionalInput(2);
  if (slot === null) return { slot, mode: BiasMode.none };
  if (slot.length !== N) refuse(op, `a bias of ${slot.length} elements`, `${N}, one per column`);
  return { slot, mode: BiasMode.perColumn };
}

export function layoutProduct(op: OpOf<'top.MatMul'>, left: Shaped, right: Shaped): Product {
  const { attributes } = op;
  if (attributes.outputTranspose) refuse(op, 'a transposed result', 'output_transpose = false');
  const dimensions = matMulDimensions(left.shape, right.shape, attributes);
  const { M, N, K, batch } = dimensions;
  const swap = attributes.hdimIsBatch;
  const c = matrixLayout([...batch, M, N], batch, false, swap);
  const b = matrixLayout(
    [...dimensions.rightBatch, K, N],
    batch,
    attributes.rightTranspose && right.shape.length > 1,
    swap,
  );
  const a = matrixLayout([...dimensions.leftBatch, M, K], batch, attributes.leftTranspose, swap);
  return mergeRows({ M, N, K, a, b, c }, dimensions, attributes.leftTranspose || swap);
}

/**
 * Where the matrices of an operand are. `logical` is its shape after transposes; `swapHeads` says that dimensions 1 and 2 are
 * stored the other way round (`hdim_is_batch`).
 */
function matrixLayout(
  logical: readonly number[],
  batch: readonly number[],
  transposed: boolean,
  swapHeads: boolean,
): MatrixLayout {
  const rank = logical.length;
  const swapped = (order: number[], p: number, q: number): number[] => order.with(p, order[q]!).with(q, order[p]!);
  // `stored[i]` is the logical dimension that lies at position i in memory.
  let stored = logical.map((_, axis) => axis);
  if (transposed) stored = swapped(stored, rank - 1, rank - 2);
  if (swapHeads && rank === 4) stored = swapped(stored, 1, 2);
  const memory = contiguousStrides(stored.map((axis) => logical[axis]!));
  const strides = logical.map((_, axis) => memory[stored.indexOf(axis)]!);
  return {
    offsets: batchOffsets(logical.slice(0, -2), strides.slice(0, -2), batch),
    rowStride: strides[rank - 2]!,
    columnStride: strides[rank - 1]!,
  };
}

function batchOffsets(own: readonly number[], strides: readonly number[], batch: readonly number[]): Int32Array {
  const shift = batch.length - own.length;
  const steps = batch.map((_, axis) => (axis < shift || own[axis - shift] === 1 ? 0 : strides[axis - shift]!));
  const digits = contiguousStrides(batch);
  return Int32Array.from({ length: elementCount(batch) }, (_, index) =>
    batch.reduce((offset, dim, axis) => offset + (Math.floor(index / digits[axis]!) % dim) * steps[axis]!, 0),
  );
}

/** One tall product instead of many with the same right matrix, where the left rows follow each other. */
function mergeRows(product: Product, { rightBatch, leftBatch, batch }: MatMulDimensions, scattered: boolean): Product {
  const oneRight = elementCount(rightBatch) === 1;
  if (scattered || !oneRight || elementCount(leftBatch) !== elementCount(batch) || batch.length === 0) return product;
  const first = (layout: MatrixLayout): MatrixLayout => ({ ...layout, offsets: Int32Array.of(0) });
  const { M, a, b, c } = product;
  return { ...product, M: M * elementCount(batch), a: first(a), b: first(b), c: first(c) };
}

export const matrixProductImplementations: Implementations = { 'top.MatMul': matMul };
