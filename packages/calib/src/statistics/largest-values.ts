/** What of a value is compared: the value, its negative (for the smallest), or its magnitude. */
export type Ranking = 'value' | 'negated' | 'magnitude';

/** Keeps the `limit` largest of all values offered, in bounded memory. The result does not depend on their order. */
export class LargestValues {
  readonly limit: number;
  readonly #ranking: Ranking;
  #held: Float32Array;
  #count = 0;
  /** Below this a value cannot be among the largest any more. */
  #floor = Number.NEGATIVE_INFINITY;

  constructor(limit: number, ranking: Ranking) {
    this.limit = limit;
    this.#ranking = ranking;
    this.#held = new Float32Array(2 * limit + 64);
  }

  /** Offers finite values. */
  offer(data: Float32Array): void {
    if (this.#ranking === 'value') this.#offerValues(data);
    else if (this.#ranking === 'negated') this.#offerNegated(data);
    else this.#offerMagnitudes(data);
  }

  /** Offers finite values to both ends of a distribution, in one go: `high` ranks values, `low` their negatives. */
  static offerBoth(high: LargestValues, low: LargestValues, data: Float32Array): void {
    let floor = high.#floor;
    let ceiling = -low.#floor;
    for (let i = 0; i < data.length; i++) {
      const value = data[i]!;
      if (value > floor) floor = high.#hold(value);
      if (value < ceiling) ceiling = -low.#hold(-value);
    }
  }

  /** The largest values as ranked, in descending order, at most `limit`. */
  descending(): Float32Array {
    this.#cut();
    return this.#held.slice(0, this.#count);
  }

  // A loop for each instead of one that asks for the ranking at every element: this is where percentile9999 spends its time.

  #offerValues(data: Float32Array): void {
    let floor = this.#floor;
    for (let i = 0; i < data.length; i++) if (data[i]! > floor) floor = this.#hold(data[i]!);
  }

  #offerNegated(data: Float32Array): void {
    let ceiling = -this.#floor;
    for (let i = 0; i < data.length; i++) if (data[i]! < ceiling) ceiling = -this.#hold(-data[i]!);
  }

  #offerMagnitudes(data: Float32Array): void {
    let floor = this.#floor;
    for (let i = 0; i < data.length; i++) {
      const magnitude = Math.abs(data[i]!);
      if (magnitude > floor) floor = this.#hold(magnitude);
    }
  }

  /** Keeps a candidate and answers the floor. */
  #hold(rank: number): number {
    if (this.#count === this.#held.length) this.#cut();
    this.#held[this.#count++] = rank;
    return this.#floor;
  }

  #cut(): void {
    const sorted = this.#held.subarray(0, this.#count).sort().reverse();
    this.#count = Math.min(sorted.length, this.limit);
    if (this.#count === this.limit) this.#floor = sorted[this.limit - 1]!;
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
