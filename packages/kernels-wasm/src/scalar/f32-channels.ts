import { exp64, log64 } from './double-math.ts';
import type { ChannelShape } from './stats.ts';

export interface Lrn extends ChannelShape {
  /** Neighbouring channels that are looked at. */
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

/** x / (bias + alpha / size · Σ x²)^beta over neighbouring channels (ONNX LRN), in float64, rounded once. */
export function lrn(x: Float32Array, { outer, channels, inner, size, alpha, beta, bias }: Lrn): Float32Array {
  return Float32Array.from({ length: outer * channels * inner }, (_, at) => {
    const c = Math.floor(at / inner) % channels;
    const first = Math.max(0, c - Math.floor((size - 1) / 2));
    const last = Math.min(channels - 1, c + Math.floor(size / 2));
    let squares = 0;
    for (let k = first; k <= last; k++) squares += x[at + (k - c) * inner]! * x[at + (k - c) * inner]!;
    return x[at]! / exp64(beta * log64(bias + (alpha / size) * squares));
  });
}

/** (x − mean) / √(variance + eps) over the channels of every position, in float64, rounded once. */
export function pixelnorm(
  x: Float32Array,
  { outer, channels, inner }: ChannelShape,
  eps: number,
  weight?: ArrayLike<number>,
  bias?: ArrayLike<number>,
): Float32Array {
  const y = new Float32Array(x.length);
  for (let position = 0; position < outer * inner; position++) {
    const start = Math.floor(position / inner) * channels * inner + (position % inner);
    const at = Array.from({ length: channels }, (_, c) => start + c * inner);
    const mean = at.reduce((sum, i) => sum + x[i]!, 0) / channels;
    const squares = at.reduce((sum, i) => sum + (x[i]! - mean) * (x[i]! - mean), 0);
    const inverse = 1 / Math.sqrt(squares / channels + eps);
    at.forEach((i, c) => {
      y[i] = (x[i]! - mean) * inverse * (weight?.[c] ?? 1) + (bias?.[c] ?? 0);
    });
  }
  return y;
}
