import { broadcastStrides } from '../shapes.ts';

/**
 * Walks a broadcast result in order, a run of the innermost dimension at a time: `visit(at, count, offsets)` gets the
 * position in the result, the length of the run, and where each operand is; its step there is 0 or 1 (`steps`).
 */
export interface BroadcastWalk {
  readonly steps: readonly (0 | 1)[];
  readonly count: number;
  readonly each: (visit: (at: number, offsets: Int32Array) => void) => void;
}

/** Dimensions that every operand treats alike (all walk through, or repeat) are merged into one. */
function mergeDimensions(shapes: readonly (readonly number[])[], target: readonly number[]) {
  const strides = shapes.map((shape) => broadcastStrides(shape, target));
  const dims: number[] = [];
  const merged: number[][] = strides.map(() => []);
  target.forEach((dim, axis) => {
    if (dim === 1) return;
    const last = dims.length - 1;
    const fits = last >= 0 && strides.every((own, index) => merged[index]![last] === own[axis]! * dim);
    if (fits) {
      dims[last]! *= dim;
      for (const [index, own] of strides.entries()) merged[index]![last] = own[axis]!;
    } else {
      dims.push(dim);
      for (const [index, own] of strides.entries()) merged[index]!.push(own[axis]!);
    }
  });
  return { dims, strides: merged };
}

/** Plans the walk of operands of `shapes` over a result of `target`. */
export function planWalk(shapes: readonly (readonly number[])[], target: readonly number[]): BroadcastWalk {
  const { dims, strides } = mergeDimensions(shapes, target);
  const rank = dims.length;
  const count = dims[rank - 1] ?? 1;
  const steps = strides.map((own) => ((own[rank - 1] ?? 0) === 0 ? 0 : 1) as 0 | 1);
  const outer = dims.slice(0, -1);
  const runs = outer.reduce((product, dim) => product * dim, 1);
  const each: BroadcastWalk['each'] = (visit) => {
    const position = new Int32Array(outer.length);
    const offsets = new Int32Array(shapes.length);
    for (let run = 0; run < runs; run++) {
      visit(run * count, offsets);
      for (let axis = outer.length - 1; axis >= 0; axis--) {
        position[axis]! += 1;
        for (let index = 0; index < offsets.length; index++) offsets[index]! += strides[index]![axis]!;
        if (position[axis]! < outer[axis]!) break;
        for (let index = 0; index < offsets.length; index++) offsets[index]! -= strides[index]![axis]! * outer[axis]!;
        position[axis] = 0;
      }
    }
  };
  return { steps, count, each };
}
