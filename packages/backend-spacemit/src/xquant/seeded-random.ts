/** Pseudo-random numbers that are the same everywhere: a linear congruential generator modulo 2^32, its upper bits. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    const high = this.#state >>> 8;
    return high / 2 ** 24;
  }

  /** A whole number in [0, count). */
  below(count: number): number {
    return Math.min(count - 1, Math.floor(this.next() * count));
  }

  /** 0 … count − 1 in random order. */
  shuffled(count: number): number[] {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }
}
