// Recurrent layers: all steps of one direction in one call. A step is a matrix product of the state with the packed
// recurrent weights, then the gates of every sample. Definition: src/scalar/f32-recurrent.ts.
import { f32_binary } from '../f32-binary/index';
import { f32_gemm_packed, f32_gemm_scratch_bytes } from '../f32-gemm/index';
import { f32_unary } from '../f32-unary/index';
import { BinaryOp, UnaryOp } from '../op-codes';

const NO_BIAS: i32 = 0;
const PER_COLUMN: i32 = 1;

/** The products of a step [batch,4*hidden], and the room of the matrix product. */
export function f32_lstm_scratch_bytes(batch: i32, hidden: i32): usize {
  return (<usize>batch * <usize>hidden << 4) + f32_gemm_scratch_bytes(batch, 4 * hidden, hidden);
}

export function f32_lstm(
  projected: usize, weights: usize, h: usize, c: usize, y: usize, scratch: usize, steps: i32, batch: i32, hidden: i32,
  stepStride: isize, sampleStride: isize, yStepStride: isize, ySampleStride: isize,
): void {
  const row = <usize>hidden << 2;
  const room = scratch + (<usize>batch * row << 2);
  for (; steps > 0; steps--) {
    multiply(h, weights, 0, scratch, room, batch, 4 * hidden, hidden);
    for (let b = 0; b < batch; b++) {
      const at = <usize>b * row;
      const i = scratch + (at << 2);
      const o = i + row;
      const f = o + row;
      const g = f + row;
      combine(BinaryOp.add, i, projected + ((<isize>b * sampleStride) << 2), i, 4 * hidden);
      f32_unary(UnaryOp.sigmoid, i, i, 3 * hidden, 0, 0);
      f32_unary(UnaryOp.tanh, g, g, hidden, 0, 0);
      combine(BinaryOp.mul, f, c + at, f, hidden);
      combine(BinaryOp.mul, i, g, g, hidden);
      combine(BinaryOp.add, f, g, c + at, hidden);
      f32_unary(UnaryOp.tanh, c + at, g, hidden, 0, 0);
      combine(BinaryOp.mul, o, g, h + at, hidden);
      if (y != 0) memory.copy(y + ((<isize>b * ySampleStride) << 2), h + at, row);
    }
    projected += stepStride << 2;
    if (y != 0) y += yStepStride << 2;
  }
}

/** The gates z r [batch,2*hidden], the candidates and the reset states [batch,hidden], and the room of the products. */
export function f32_gru_scratch_bytes(batch: i32, hidden: i32): usize {
  return (<usize>batch * <usize>hidden << 4) + f32_gemm_scratch_bytes(batch, 2 * hidden, hidden);
}

export function f32_gru(
  projected: usize, gateWeights: usize, candidateWeights: usize, bias: usize, h: usize, y: usize, scratch: usize,
  steps: i32, batch: i32, hidden: i32, stepStride: isize, sampleStride: isize, yStepStride: isize, ySampleStride: isize,
  linearBeforeReset: i32,
): void {
  const row = <usize>hidden << 2;
  const all = <usize>batch * row;
  const candidates = scratch + 2 * all;
  const reset = candidates + all;
  const room = reset + all;
  for (; steps > 0; steps--) {
    multiply(h, gateWeights, bias, scratch, room, batch, 2 * hidden, hidden);
    for (let b = 0; b < batch; b++) {
      const at = <usize>b * row;
      const z = scratch + (at << 1);
      combine(BinaryOp.add, z, projected + ((<isize>b * sampleStride) << 2), z, 2 * hidden);
      f32_unary(UnaryOp.sigmoid, z, z, 2 * hidden, 0, 0);
      if (!linearBeforeReset) combine(BinaryOp.mul, z + row, h + at, reset + at, hidden);
    }
    multiply(linearBeforeReset ? h : reset, candidateWeights, bias + 2 * row, candidates, room, batch, hidden, hidden);
    for (let b = 0; b < batch; b++) {
      const at = <usize>b * row;
      const z = scratch + (at << 1);
      const n = candidates + at;
      const state = h + at;
      if (linearBeforeReset) combine(BinaryOp.mul, z + row, n, n, hidden);
      combine(BinaryOp.add, n, projected + ((<isize>b * sampleStride) << 2) + 2 * row, n, hidden);
      f32_unary(UnaryOp.tanh, n, n, hidden, 0, 0);
      combine(BinaryOp.sub, state, n, state, hidden);
      combine(BinaryOp.mul, z, state, state, hidden);
      combine(BinaryOp.add, n, state, state, hidden);
      if (y != 0) memory.copy(y + ((<isize>b * ySampleStride) << 2), state, row);
    }
    projected += stepStride << 2;
    if (y != 0) y += yStepStride << 2;
  }
}

function multiply(a: usize, packed: usize, bias: usize, c: usize, room: usize, m: i32, n: i32, k: i32): void {
  f32_gemm_packed(a, packed, bias, c, room, m, n, k, k, 1, n, bias == 0 ? NO_BIAS : PER_COLUMN, -Infinity, Infinity);
}

function combine(op: i32, a: usize, b: usize, y: usize, n: i32): void {
  f32_binary(op, a, 1, b, 1, y, n, 1, 1, -Infinity, Infinity);
}
