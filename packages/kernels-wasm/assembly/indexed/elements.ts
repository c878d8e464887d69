// Single elements picked or replaced by an index along one axis: GatherElements and ScatterElements. Definition:
// src/scalar/indexed.ts.
import { ScatterOp } from '../op-codes';

const GATHER: i32 = -1;

/** How many elements are done. */
let done: i32 = 0;

export function gather_elements_x32(
  data: usize, indices: usize, y: usize, rank: i32, plan: usize, length: i32, step: i32,
): i32 {
  return run(GATHER, data, indices, y, rank, plan, length, step);
}

export function scatter_elements(
  op: i32, data: usize, indices: usize, updates: usize, rank: i32, plan: usize, length: i32, step: i32,
): i32 {
  return run(op, data, indices, updates, rank, plan, length, step);
}

/** Answers the position of the first index that is out of range, or -1. */
function run(op: i32, data: usize, indices: usize, values: usize, rank: i32, plan: usize, length: i32, step: i32): i32 {
  done = 0;
  return walk(op, data, indices, values, rank, plan, plan + (<usize>rank << 2), length, step) ? -1 : done;
}

function walk(
  op: i32, data: usize, indices: usize, values: usize, rank: i32, dims: usize, strides: usize, length: i32, step: i32,
): bool {
  const bytes = <usize>load<i32>(strides) << 2;
  for (let n = load<i32>(dims); n > 0; n--, data += bytes) {
    if (rank > 1) {
      if (!walk(op, data, indices, values, rank - 1, dims + 4, strides + 4, length, step)) return false;
      continue;
    }
    const at = <usize>done << 2;
    let index = load<i32>(indices + at);
    if (index < 0) index += length;
    if (<u32>index >= <u32>length) return false;
    const element = data + (<usize>(index * step) << 2);
    if (op == GATHER) store<u32>(values + at, load<u32>(element));
    else store<f32>(element, combine(op, load<f32>(element), load<f32>(values + at)));
    done++;
  }
  return true;
}

function combine(op: i32, old: f32, update: f32): f32 {
  switch (op) {
    case ScatterOp.replace: return update;
    case ScatterOp.add: return old + update;
    case ScatterOp.mul: return old * update;
    case ScatterOp.max: return max<f32>(old, update);
    case ScatterOp.min: return min<f32>(old, update);
    default: unreachable();
  }
  return 0;
}
