// A function that a convolution or a matrix product applies to its result: to each band of rows, plane or row as soon as it is
// finished and still lies in the first-level cache. Held in static memory so that the hot calls stay short; every export of
// those families begins by setting it.
import { f32_unary } from './index';

const NONE: i32 = -1;

let code: i32 = NONE;
let first: f32 = 0;
let second: f32 = 0;

/** `f32_unary(op, …, p, q)` from now on. */
export function setEpilogue(op: i32, p: f32, q: f32): void {
  code = op;
  first = p;
  second = q;
}

@inline
export function setNoEpilogue(): void {
  code = NONE;
}

/** In place, to `rows` rows of `cols` floats that are `stride` bytes apart. */
@inline
export function applyEpilogue(y: usize, rows: i32, cols: i32, stride: usize): void {
  if (code != NONE) applyRows(y, rows, cols, stride);
}

function applyRows(y: usize, rows: i32, cols: i32, stride: usize): void {
  if (<usize>cols << 2 == stride) {
    cols *= rows;
    rows = 1;
  }
  for (; rows > 0; rows--, y += stride) f32_unary(code, y, y, cols, first, second);
}
