/** The int32 block that an N-d kernel reads: `dims`, then two stride lists, each `rank` long, outermost first. */
export interface StridedPlan {
  readonly rank: number;
  /** 3*rank values, ready for `arena.place()`. */
  readonly data: Int32Array;
}

/**
 * Plans a numpy-style broadcast of two contiguous operands. Dimensions of size 1 are dropped and neighbours that both
 * operands walk contiguously are merged, so [1,C,1,1] with [N,C,H,W] becomes rank 3 and equal shapes become rank 1.
 * `shape` is the result shape.
 */
export function planBroadcast(
  shapeA: readonly number[],
  shapeB: readonly number[],
): StridedPlan & { readonly shape: readonly number[] } {
  const rank = Math.max(shapeA.length, shapeB.length);
  const a = padShape(shapeA, rank);
  const b = padShape(shapeB, rank);
  const shape = a.map((d, i) => (d === 1 ? b[i]! : d));
  const plan = merge(shape, broadcastStrides(a), broadcastStrides(b));
  return { ...plan, shape };
}

/**
 * Plans a copy of `dims` elements with the given element strides on both sides; merges dimensions that are contiguous in
 * both. Negative and zero source strides are allowed.
 */
export function planCopy(
  dims: readonly number[],
  srcStrides: readonly number[],
  dstStrides: readonly number[],
): StridedPlan {
  return merge(dims, srcStrides, dstStrides);
}

function padShape(shape: readonly number[], rank: number): number[] {
  return [...Array<number>(rank - shape.length).fill(1), ...shape];
}

function broadcastStrides(shape: readonly number[]): number[] {
  const strides = Array<number>(shape.length).fill(0);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = shape[i] === 1 ? 0 : step;
    step *= shape[i]!;
  }
  return strides;
}

function merge(dims: readonly number[], s0: readonly number[], s1: readonly number[]): StridedPlan {
  const kept: [dim: number, s0: number, s1: number][] = [];
  for (let i = 0; i < dims.length; i++) {
    const dim = dims[i]!;
    if (dim === 1) continue;
    const outer = kept.at(-1);
    // An outer step that equals one full walk of the inner dimension, on both sides, is the same walk continued.
    if (outer !== undefined && outer[1] === dim * s0[i]! && outer[2] === dim * s1[i]!) {
      kept[kept.length - 1] = [outer[0] * dim, s0[i]!, s1[i]!];
    } else {
      kept.push([dim, s0[i]!, s1[i]!]);
    }
  }
  if (kept.length === 0) kept.push([1, 1, 1]);
  return {
    rank: kept.length,
    data: Int32Array.from([...kept.map((k) => k[0]), ...kept.map((k) => k[1]), ...kept.map((k) => k[2])]),
  };
}
