import { meanLoss } from './paired-comparison.ts';

/** All samples in an order that has nothing to do with theirs: lists of images are often sorted. The same for every search. */
export class SampleOrder {
  readonly #order: readonly number[];

  constructor(count: number) {
    const order = Array.from({ length: count }, (_, index) => index);
    let state = 1;
    for (let at = count - 1; at > 0; at--) {
      // Numerical Recipes' linear congruential generator; its high bits are the random ones.
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const other = Math.floor((state / 2 ** 32) * (at + 1));
      [order[at], order[other]] = [order[other]!, order[at]!];
    }
    this.#order = order;
  }

  get length(): number {
    return this.#order.length;
  }

  /** Samples at places `from` … `to` − 1 of the order. */
  slice(from: number, to: number): readonly number[] {
    return this.#order.slice(from, to);
  }

  /** Loss of scores on the first samples of the order. When those are all, the mean is taken in their own order, as everywhere. */
  lossOf(scores: readonly number[]): number {
    if (scores.length < this.#order.length) return meanLoss(scores);
    const inOrder = new Float64Array(scores.length);
    this.#order.forEach((sample, index) => {
      inOrder[sample] = scores[index]!;
    });
    return meanLoss([...inOrder]);
  }
}
