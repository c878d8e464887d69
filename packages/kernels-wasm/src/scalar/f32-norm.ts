import { sumChunked } from './sums.ts';

const f = Math.fround;

/** Mean and variance in float32, each a long sum; y = ((x - mean) * (1/sqrt(var + eps))) * weight + bias. */
export function layernorm(
  x: Float32Array,
  weight: Float32Array | undefined,
  bias: Float32Array | undefined,
  inner: number,
  eps: number,
): Float32Array {
  return normalizeRows(x, inner, eps, true, (v, i) => {
    const scaled = weight === undefined ? v : f(v * weight[i]!);
    return bias === undefined ? scaled : f(scaled + bias[i]!);
  });
}

/** Rows are the channels of [outer, channels, inner]. */
export function instancenorm(
  x: Float32Array,
  weight: Float32Array | undefined,
  bias: Float32Array | undefined,
  channels: number,
  inner: number,
  eps: number,
): Float32Array {
  return normalizeRows(x, inner, eps, true, (v, _i, row) => {
    const scaled = weight === undefined ? v : f(v * weight[row % channels]!);
    return bias === undefined ? scaled : f(scaled + bias[row % channels]!);
  });
}

/** y = x * (1/sqrt(mean(x^2) + eps)) * weight. */
export function rmsnorm(x: Float32Array, weight: Float32Array | undefined, inner: number, eps: number): Float32Array {
  return normalizeRows(x, inner, eps, false, (v, i) => (weight === undefined ? v : v * weight[i]!));
}

function normalizeRows(
  x: Float32Array,
  inner: number,
  eps: number,
  centred: boolean,
  finish: (v: number, i: number, row: number) => number,
): Float32Array {
  const y = new Float32Array(x.length);
  for (let row = 0; row * inner < x.length; row++) {
    const r = x.subarray(row * inner, (row + 1) * inner);
    const mean = centred ? f(sumChunked(inner, (i) => r[i]!) / inner) : 0;
    const square = f(sumChunked(inner, (i) => f(f(r[i]! - mean) * f(r[i]! - mean))) / inner);
    const inv = f(1 / f(Math.sqrt(f(square + f(eps)))));
    for (let i = 0; i < inner; i++) y[row * inner + i] = finish(f(f(r[i]! - mean) * inv), i, row);
  }
  return y;
}
