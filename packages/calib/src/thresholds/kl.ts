import { log10 } from '../logarithm.ts';

/** Added to probabilities before the logarithm. */
export const EPSILON = 1e-30;

const { fround } = Math;

/**
 * Divergence of every candidate clip length `levels`, 2 `levels`, … from the whole histogram (calibration.md 6.1): the
 * definition, as it is written there. `searchKl` computes the same numbers faster.
 *
 * @param counts whole numbers, as many as a multiple of `levels`
 * @returns float32 divergences, one per candidate
 */
export function klDivergences(counts: Float64Array, levels: number): Float32Array {
  const divergences = new Float32Array(counts.length / levels);
  for (let i = levels; i <= counts.length; i += levels) {
    divergences[i / levels - 1] = divergence(clipped(counts, i), quantized(counts, i, levels));
  }
  return divergences;
}

/** P: the first `length` bins with everything beyond folded into the last one, as probabilities. */
function clipped(counts: Float64Array, length: number): Float32Array {
  const p = new Float32Array(length);
  for (let j = 0; j < counts.length; j++) {
    const at = Math.min(j, length - 1);
    p[at] = fround(p[at]! + fround(counts[j]!));
  }
  const total = fround(counts.reduce((sum, count) => sum + count, 0));
  return p.map((count) => fround(count / total));
}

/** Q: the first `length` bins shared out over `levels` groups, evenly among the non-empty bins of each. */
function quantized(counts: Float64Array, length: number, levels: number): Float32Array {
  const q = new Float32Array(length);
  const sum = floatSum(counts, 0, length);
  const size = length / levels;
  for (let group = 0; group < levels; group++) {
    const from = group * size;
    const filled = counts.subarray(from, from + size).filter((count) => count > 0).length;
    const share = fround(fround(floatSum(counts, from, from + size) / Math.max(filled, 1)) / sum);
    for (let j = from; j < from + size; j++) q[j] = counts[j] === 0 ? 0 : share;
  }
  return q;
}

/** Sum in float32, in index order. */
function floatSum(counts: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let j = from; j < to; j++) sum = fround(sum + fround(counts[j]!));
  return sum;
}

function divergence(p: Float32Array, q: Float32Array): number {
  let sum = 0;
  for (let j = 0; j < p.length; j++) sum = fround(sum + p[j]! * (log10(p[j]! + EPSILON) - log10(q[j]! + EPSILON)));
  return sum;
}
