/**
 * Numbers that come out the same in every engine: 32-bit integer arithmetic (mulberry32), and bell-shaped values as sums of
 * uniform ones, without `Math.log` or `Math.cos`.
 */
export class Random {
  #state;

  /** @param {string} text Any text; each gives a sequence of its own. */
  constructor(text) {
    // FNV-1a.
    let hash = 2166136261;
    for (const letter of text) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619);
    this.#state = hash >>> 0;
  }

  /** Uniform in [low, high). */
  uniform(low = 0, high = 1) {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return low + (high - low) * (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32);
  }

  /** Mean 0, variance 1: a sum of four uniform values. */
  bell() {
    return (this.uniform() + this.uniform() + this.uniform() + this.uniform() - 2) * Math.sqrt(3);
  }

  /** @param {number} length @param {number} deviation */
  bells(length, deviation) {
    return Float32Array.from({ length }, () => this.bell() * deviation);
  }
}
