import type { StridedPlan } from '../plan.ts';

/** dst[sum i*dstStride] = src[srcStart + sum i*srcStride] for every index of the plan. */
export function copyNd<T extends Uint8Array | Float32Array | Int32Array>(
  src: T,
  dst: T,
  plan: StridedPlan,
  srcStart = 0,
  dstStart = 0,
): void {
  const walk = (axis: number, from: number, to: number): void => {
    if (axis === plan.rank) {
      dst[to] = src[from]!;
      return;
    }
    for (let i = 0; i < plan.data[axis]!; i++) {
      walk(axis + 1, from + i * plan.data[plan.rank + axis]!, to + i * plan.data[2 * plan.rank + axis]!);
    }
  };
  walk(0, srcStart, dstStart);
}

/** Row i of the result is row indices[i] of src; stops at the first bad index and returns its position, else -1. */
export function gatherRows(
  src: Uint8Array,
  indices: Int32Array,
  dst: Uint8Array,
  rows: number,
  rowBytes: number,
): number {
  for (let i = 0; i < indices.length; i++) {
    const at = indices[i]! < 0 ? indices[i]! + rows : indices[i]!;
    if (at < 0 || at >= rows) return i;
    dst.set(src.subarray(at * rowBytes, (at + 1) * rowBytes), i * rowBytes);
  }
  return -1;
}
