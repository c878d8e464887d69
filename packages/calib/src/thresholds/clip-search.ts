import type { Divergence } from './divergence.ts';

const LEVELS = 128;

/** Which clip lengths are compared. */
export interface ClipSearch {
  readonly divergence: Divergence;
  /** Bins from one candidate length to the next: 128 as TPU-MLIR, 1 as TensorRT (bm1684-tools.md 9.2). */
  readonly step: number;
}

/**
 * The clip length, in bins, whose quantized histogram is least far from the clipped one; the shortest on ties. With step 1
 * the edges of the 128 groups cut bins: a bin belongs to a group by the fraction inside it.
 *
 * @param counts histogram of magnitudes
 * @returns undefined with fewer than two filled bins, where there is nothing to choose
 */
export function searchClip(counts: Float64Array, { divergence, step }: ClipSearch): number | undefined {
  if (counts.filter((count) => count > 0).length < 2) return undefined;
  const longest = Math.max(LEVELS, counts.findLastIndex((count) => count > 0) + 1);
  const rest = tailSums(counts);
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let length = LEVELS; length < longest + step; length += step) {
    const found = distributions(counts, length, rest[Math.min(length, counts.length)]!);
    if (found === undefined) continue;
    const distance = divergence(found.p, found.q);
    if (distance < least) {
      least = distance;
      best = length;
    }
  }
  return best;
}

/** Counts from each bin on. */
function tailSums(counts: Float64Array): Float64Array {
  const sums = new Float64Array(counts.length + 1);
  for (let i = counts.length - 1; i >= 0; i--) sums[i] = sums[i + 1]! + counts[i]!;
  return sums;
}

/** P: the clipped histogram with its tail in the last bin. Q: without the tail, evened out within each group. */
function distributions(counts: Float64Array, length: number, tail: number) {
  const kept = new Float64Array(length);
  kept.set(counts.subarray(0, length));
  const q = evenedOut(kept);
  const sum = q.reduce((total, value) => total + value, 0);
  if (sum === 0) return undefined;
  const all = kept.reduce((total, count) => total + count, 0) + tail;
  const p = kept;
  p[length - 1]! += tail;
  for (let i = 0; i < length; i++) {
    p[i]! /= all;
    q[i]! /= sum;
  }
  return { p, q };
}

function evenedOut(kept: Float64Array): Float64Array {
  const q = new Float64Array(kept.length);
  const size = kept.length / LEVELS;
  for (let group = 0; group < LEVELS; group++) {
    const from = group * size;
    const to = from + size;
    const first = Math.floor(from);
    const last = Math.min(Math.ceil(to), kept.length);
    let sum = 0;
    let filled = 0;
    for (let j = first; j < last; j++) {
      if (kept[j]! === 0) continue;
      const share = Math.min(j + 1, to) - Math.max(j, from);
      sum += share * kept[j]!;
      filled += share;
    }
    if (filled === 0) continue;
    for (let j = first; j < last; j++) {
      if (kept[j]! > 0) q[j]! += (Math.min(j + 1, to) - Math.max(j, from)) * (sum / filled);
    }
  }
  return q;
}
