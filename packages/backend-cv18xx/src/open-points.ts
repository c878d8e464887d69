import type { OpenPoint } from '@q/ir';

/** What numerics.md 17 leaves open on these processors, as far as it was not settled by running TPU-MLIR itself. */
export const OPEN_POINTS: readonly OpenPoint[] = [
  {
    topic: 'order of float sums',
    assumed:
      "BF16 convolutions and products add up in an order of our own; the vendor's library has another: less than one value in a thousand rounds to a neighbour",
    operators: ['top.Conv', 'top.Deconv', 'top.MatMul', 'top.AvgPool'],
  },
  {
    topic: 'integer sums beyond 2^24',
    assumed:
      'sums are exact 32-bit integers here and f32 in the interpreter; the event runtime.accumulator.inexact names every operator where they can differ',
    operators: ['top.Conv', 'top.Deconv', 'top.MatMul'],
  },
  {
    topic: 'tables beyond their exponents',
    assumed: 'magnitudes below 2^-63 count as 2^-63; upstream reads outside of its table',
    operators: ['top.Log', 'top.Pow', 'top.Sqrt', 'top.Reciprocal', 'top.Div', 'top.LayerNorm'],
  },
  {
    topic: 'range of a small Sub',
    assumed:
      'a Sub whose result is smaller than an operand runs in BF16, as releases of 2026 do; v1.17 keeps it in INT8',
    operators: ['top.Sub', 'top.SubConst'],
  },
  {
    topic: 'weights of a transposed product',
    assumed: 'they are transposed; releases up to 2026 mix up rows and columns unless the matrix is square',
    operators: ['top.MatMul'],
  },
];
