import { log10 } from '../logarithm.ts';
import { LEVELS } from './window.ts';

/** Keeps the logarithm of an empty bin finite. */
export const KL_EPSILON = 1e-30;
/** Bins that share one level in the vendor's divergence, whatever the width of the window. */
export const KL_GROUP = 16;

/** How bins are grouped for the divergence: in sixteens as the vendor does, or in 256 equal parts of the window. */
export type KlMode = 'xslim' | 'textbook';

/**
 * Mean squared distance in bins between a value and its code (spacemit.md 8.3): inside the window to the middle of its
 * level, outside to the window's edge.
 *
 * @param counts whole numbers per bin
 * @param total their sum
 */
export function mseLoss(counts: Float64Array, start: number, width: number, total: number): number {
  const end = start + width;
  const step = Math.max(1, width / LEVELS);
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    const distance = i < start ? start - i - 0.5 : i >= end ? i - end + 0.5 : distanceInside((i - start) % step, step);
    sum += distance * distance * counts[i]!;
  }
  return sum / total;
}

/** Distance of a bin `offset` bins behind the start of its level; `step` is the level's width in bins. */
export function distanceInside(offset: number, step: number): number {
  const middle = (step - 1) / 2;
  return middle - Math.abs(offset - middle) + 0.5;
}

/**
 * Kullback-Leibler divergence, base 10, between the window with the clipped tails in its edge bins (P) and the window in
 * levels: each group's mean over its non-empty bins (Q), spacemit.md 8.3. The vendor's executed form differs by two
 * indexing slips, which are not repeated. Infinite for windows that clip most elements: a lone filled bin far out in a tail,
 * with everything clipped into it, resembles itself perfectly.
 */
export function klLoss(counts: Float64Array, start: number, width: number, mode: KlMode = 'xslim'): number {
  if (width <= 0) return Number.POSITIVE_INFINITY;
  const end = start + width;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const inside = counts.subarray(start, end).reduce((sum, count) => sum + count, 0);
  const left = counts.subarray(0, start).reduce((sum, count) => sum + count, 0);
  if (clipsMost(inside, total)) return Number.POSITIVE_INFINITY;
  const right = total - inside - left;
  const size = mode === 'xslim' ? KL_GROUP : Math.ceil(width / LEVELS);
  let divergence = 0;
  for (let from = start; from < end; from += size) {
    const to = Math.min(from + size, end);
    const mean = inside === 0 ? 0 : groupMean(counts, from, to) / inside;
    for (let i = from; i < to; i++) {
      const count = counts[i]! + (i === start ? left : 0) + (i === end - 1 ? right : 0);
      divergence += klTerm(count / total, counts[i]! > 0 ? mean : 0);
    }
  }
  return divergence;
}

export function clipsMost(inside: number, total: number): boolean {
  return 2 * inside < total;
}

export function klTerm(p: number, q: number): number {
  return p === 0 ? 0 : p * (log10(p + KL_EPSILON) - log10(q + KL_EPSILON));
}

/** Mean of the non-empty bins of [from, to); 0 when all are empty. */
export function groupMean(counts: Float64Array, from: number, to: number): number {
  let sum = 0;
  let filled = 0;
  for (let i = from; i < to; i++) {
    sum += counts[i]!;
    if (counts[i]! > 0) filled++;
  }
  return filled === 0 ? 0 : sum / filled;
}
