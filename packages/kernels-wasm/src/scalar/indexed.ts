import type { ScatterOpName } from '../op-codes.ts';

/** A tensor of indices into the lines of another along one axis. */
export interface ElementIndices {
  readonly indices: Int32Array;
  readonly dims: readonly number[];
  /** Per dimension: distance in the data, 0 for the axis. */
  readonly strides: readonly number[];
  /** Of the axis, in the data. */
  readonly length: number;
  readonly step: number;
}

/** Where element i of the indices points, or −1. */
function placeOf({ indices, dims, strides, length, step }: ElementIndices, i: number): number {
  let [rest, at] = [i, 0];
  for (let d = dims.length - 1; d >= 0; d--) {
    at += (rest % dims[d]!) * strides[d]!;
    rest = Math.floor(rest / dims[d]!);
  }
  const index = indices[i]! < 0 ? indices[i]! + length : indices[i]!;
  return index >= 0 && index < length ? at + index * step : -1;
}

/** Fills y; answers the position of the first bad index, or −1. */
export function gatherElements(data: Float32Array, which: ElementIndices, y: Float32Array): number {
  for (let i = 0; i < which.indices.length; i++) {
    const at = placeOf(which, i);
    if (at < 0) return i;
    y[i] = data[at]!;
  }
  return -1;
}

const COMBINE: Readonly<Record<ScatterOpName, (old: number, update: number) => number>> = {
  replace: (_old, update) => update,
  add: (old, update) => old + update,
  mul: (old, update) => old * update,
  max: Math.max,
  min: Math.min,
};

/** Changes data; answers the position of the first bad index, or −1. */
export function scatterElements(
  op: ScatterOpName,
  data: Float32Array,
  which: ElementIndices,
  updates: Float32Array,
): number {
  for (let i = 0; i < which.indices.length; i++) {
    const at = placeOf(which, i);
    if (at < 0) return i;
    data[at] = COMBINE[op](data[at]!, updates[i]!);
  }
  return -1;
}

/** Indices of the k best of a line, best first, ties to the lower index. */
export function topK(line: Float32Array, k: number, largest: boolean): number[] {
  const sign = largest ? -1 : 1;
  const order = Array.from(line, (_, index) => index);
  return order.sort((a, b) => (line[a] === line[b] ? a - b : sign * (line[a]! - line[b]!))).slice(0, k);
}
