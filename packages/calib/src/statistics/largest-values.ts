import { moveLargestToFront } from './move-largest-to-front.ts';

/** What of a value is compared: the value, its negative (for the smallest), or its magnitude. */
export type Ranking = 'value' | 'negated' | 'magnitude';

/** Keeps the `limit` largest of all values offered, in bounded memory. The result does not depend on their order. */
export class LargestValues {
  readonly limit: number;
  readonly #ranking: Ranking;
  readonly #held: Float32Array;
  #count = 0;
  /** Not above it a value cannot be among the largest any more. */
  #floor = Number.NEGATIVE_INFINITY;

  constructor(limit: number, ranking: Ranking) {
    this.limit = limit;
    this.#ranking = ranking;
    this.#held = new Float32Array(2 * limit + 64);
  }

  /** The range of values, ends included, that cannot be among the largest: none while `low` is above `high`. */
  get hopeless(): { readonly low: number; readonly high: number } {
    const floor = this.#floor;
    if (this.#ranking === 'value') return { low: Number.NEGATIVE_INFINITY, high: floor };
    if (this.#ranking === 'negated') return { low: -floor, high: Number.POSITIVE_INFINITY };
    return { low: -floor, high: floor };
  }

  /** Offers finite values. */
  offer(data: Float32Array): void {
    for (let i = 0; i < data.length; i++) {
      const rank = this.#rankOf(data[i]!);
      if (rank > this.#floor) this.#hold(rank);
    }
  }

  /** The largest values as ranked, in descending order, at most `limit`. */
  descending(): Float32Array {
    this.#cut();
    return this.#held.slice(0, this.#count).sort().reverse();
  }

  /** Without -0, so that no order of samples decides which zero is kept. */
  #rankOf(value: number): number {
    if (this.#ranking === 'value') return value + 0;
    return this.#ranking === 'negated' ? 0 - value : Math.abs(value);
  }

  #hold(rank: number): void {
    if (this.#count === this.#held.length) this.#cut();
    this.#held[this.#count++] = rank;
  }

  #cut(): void {
    if (this.#count < this.limit) return;
    this.#floor = moveLargestToFront(this.#held.subarray(0, this.#count), this.limit);
    this.#count = this.limit;
  }
}

/** The `limit` largest of several such lists, in descending order. */
export function mergeLargest(lists: readonly Float32Array[], limit: number): Float32Array {
  const all = new Float32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all.sort().reverse().slice(0, limit);
}
