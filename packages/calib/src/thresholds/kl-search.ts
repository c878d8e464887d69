import { log10 } from '../logarithm.ts';
import { EPSILON } from './kl.ts';

const { fround } = Math;
const LOG_NOTHING = log10(EPSILON);
/** Float32 sums of whole numbers are exact, in any order, below this. */
const EXACT_FLOAT_SUM = 2 ** 24;

/** Levels of an int8 or int4 magnitude. */
export const KL_LEVELS = { 8: 128, 4: 8 } as const;

export interface KlResult {
  /** Clip bound, float32. */
  readonly threshold: number;
  /** Index of the winning candidate: its length is (winner + 1) * levels bins. */
  readonly winner: number;
  readonly divergences: Float32Array;
}

/** The non-empty bins, and what the divergences of all candidates share. */
interface Bins {
  readonly counts: Float64Array;
  /** Indices of the non-empty bins, ascending. */
  readonly filled: Int32Array;
  /** Probability of each non-empty bin and its logarithm. */
  readonly p: Float32Array;
  readonly logP: Float64Array;
  /** Float32 sum of the first j bins, in index order. */
  readonly prefix: Float32Array;
  /** Exact sum of the non-empty bins from the k-th on. */
  readonly rest: Float64Array;
  readonly total: number;
}

/**
 * The clip bound of least divergence (calibration.md 6.1), the shortest candidate on ties. Equal to `klDivergences` in
 * every bit: empty bins contribute an exact zero, a bin's own probability is the same in every candidate, and the bins of
 * a group share one logarithm.
 *
 * @param counts histogram of magnitudes; padded with zeros to a multiple of the levels
 * @param width of a bin
 */
export function searchKl(counts: Float64Array, width: number, bits: 8 | 4 = 8): KlResult {
  const levels = KL_LEVELS[bits];
  const bins = prepare(padded(counts, levels));
  const divergences = new Float32Array(bins.counts.length / levels);
  for (let m = 0; m < divergences.length; m++) divergences[m] = candidate(bins, m + 1, levels);
  let winner = 0;
  for (let m = 1; m < divergences.length; m++) if (divergences[m]! < divergences[winner]!) winner = m;
  const threshold = fround(fround(fround(width) * (winner + 1)) * levels);
  return { threshold, winner, divergences };
}

function padded(counts: Float64Array, levels: number): Float64Array {
  if (counts.length % levels === 0) return counts;
  const longer = new Float64Array(Math.ceil(counts.length / levels) * levels);
  longer.set(counts);
  return longer;
}

function prepare(counts: Float64Array): Bins {
  const filled = filledBins(counts);
  let sum = 0;
  for (let j = 0; j < counts.length; j++) sum += counts[j]!;
  const total = fround(sum);
  const p = new Float32Array(filled.length);
  const logP = new Float64Array(filled.length);
  const rest = new Float64Array(filled.length + 1);
  for (let k = filled.length - 1; k >= 0; k--) {
    const count = counts[filled[k]!]!;
    p[k] = fround(fround(count) / total);
    logP[k] = log10(p[k]! + EPSILON);
    rest[k] = rest[k + 1]! + count;
  }
  const prefix = new Float32Array(counts.length + 1);
  for (let j = 0; j < counts.length; j++) prefix[j + 1] = fround(prefix[j]! + fround(counts[j]!));
  return { counts, filled, p, logP, prefix, rest, total };
}

function filledBins(counts: Float64Array): Int32Array {
  const filled = new Int32Array(counts.length);
  let length = 0;
  for (let j = 0; j < counts.length; j++) if (counts[j]! > 0) filled[length++] = j;
  return filled.subarray(0, length);
}

/** Divergence of the candidate whose groups are `size` bins wide. */
function candidate(bins: Bins, size: number, levels: number): number {
  const { counts, filled, p, logP } = bins;
  const last = size * levels - 1;
  const all = bins.prefix[last + 1]!;
  let sum = 0;
  let at = 0;
  while (at < filled.length && filled[at]! <= last) {
    const groupEnd = (Math.floor(filled[at]! / size) + 1) * size;
    let groupSum = 0;
    let end = at;
    for (; end < filled.length && filled[end]! < groupEnd; end++)
      groupSum = fround(groupSum + fround(counts[filled[end]!]!));
    const logQ = log10(fround(fround(groupSum / (end - at)) / all) + EPSILON);
    const inside = filled[end - 1] === last ? end - 1 : end;
    for (; at < inside; at++) sum = fround(sum + p[at]! * (logP[at]! - logQ));
    if (inside < end) return fround(sum + tailTerm(bins, inside, logQ));
  }
  // The last bin of the candidate is empty, but what lies beyond is folded into it.
  return fround(sum + tailTerm(bins, at, LOG_NOTHING));
}

/** Contribution of the candidate's last bin, which holds the non-empty bins from the k-th on. */
function tailTerm({ counts, filled, rest, total }: Bins, k: number, logQ: number): number {
  let tail = rest[k]!;
  if (tail >= EXACT_FLOAT_SUM) {
    tail = 0;
    for (let at = k; at < filled.length; at++) tail = fround(tail + fround(counts[filled[at]!]!));
  }
  const p = fround(tail / total);
  return p * (log10(p + EPSILON) - logQ);
}
