import { log10 } from '../logarithm.ts';
import { clipsMost, groupMean, KL_EPSILON, KL_GROUP } from './losses.ts';

const LOG_NOTHING = log10(KL_EPSILON);

/**
 * `klLoss` of windows that start and end on whole groups of 16 bins: the groups are then the same for all windows, and only
 * the edge bins, which take the clipped tails, are looked at one by one. Equal up to the rounding of the sums.
 */
export class WindowDivergence {
  readonly #counts: Float64Array;
  readonly #total: number;
  /** Elements below a bin. */
  readonly #below: Float64Array;
  /** Σ p · log p over the bins below an index. */
  readonly #ownTerms: Float64Array;
  /** Logarithm of each group's mean. */
  readonly #logMeans: Float64Array;
  /** Σ p · log mean over the groups below an index. */
  readonly #levelTerms: Float64Array;

  constructor(counts: Float64Array, total: number) {
    this.#counts = counts;
    this.#total = total;
    this.#below = new Float64Array(counts.length + 1);
    this.#ownTerms = new Float64Array(counts.length + 1);
    counts.forEach((count, i) => {
      this.#below[i + 1] = this.#below[i]! + count;
      this.#ownTerms[i + 1] = this.#ownTerms[i]! + ownTerm(count / total);
    });
    const groups = counts.length / KL_GROUP;
    this.#logMeans = new Float64Array(groups);
    this.#levelTerms = new Float64Array(groups + 1);
    for (let g = 0; g < groups; g++) {
      const [from, to] = [g * KL_GROUP, (g + 1) * KL_GROUP];
      const mean = groupMean(counts, from, to);
      this.#logMeans[g] = mean === 0 ? 0 : log10(mean);
      const p = (this.#below[to]! - this.#below[from]!) / total;
      this.#levelTerms[g + 1] = this.#levelTerms[g]! + p * this.#logMeans[g]!;
    }
  }

  of(start: number, width: number): number {
    const end = start + width;
    const [left, upTo] = [this.#below[start]!, this.#below[end]!];
    const [inside, right] = [upTo - left, this.#total - upTo];
    if (clipsMost(inside, this.#total)) return Number.POSITIVE_INFINITY;
    const logInside = log10(inside);
    const own = this.#ownTerms[end]! - this.#ownTerms[start]!;
    const levels = this.#levelTerms[end / KL_GROUP]! - this.#levelTerms[start / KL_GROUP]!;
    const plain = own - (levels - (inside / this.#total) * logInside);
    return plain + this.#clipped(start, left, logInside) + this.#clipped(end - 1, right, logInside);
  }

  /** What the terms of an edge bin change by when `tail` elements are clipped into it. */
  #clipped(bin: number, tail: number, logInside: number): number {
    if (tail === 0) return 0;
    const count = this.#counts[bin]!;
    const own = ownTerm((count + tail) / this.#total) - ownTerm(count / this.#total);
    const logLevel = count > 0 ? this.#logMeans[Math.floor(bin / KL_GROUP)]! - logInside : LOG_NOTHING;
    return own - (tail / this.#total) * logLevel;
  }
}

function ownTerm(p: number): number {
  return p === 0 ? 0 : p * log10(p + KL_EPSILON);
}
