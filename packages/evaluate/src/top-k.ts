/** Position of `label` when the scores are ranked, 0 the largest; equal scores rank by index, as argmax finds them. */
export function rankOf(scores: ArrayLike<number>, label: number): number {
  const own = scores[label]!;
  let rank = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i]! > own || (scores[i] === own && i < label)) rank++;
  return rank;
}

/** The `count` largest scores, largest first; equal scores by index. */
export function largestScores(scores: ArrayLike<number>, count: number): { index: number; score: number }[] {
  return Array.from(scores, (score, index) => ({ index, score }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, count);
}

/** Counts how often the label is the largest score, and how often among the five largest. */
export class TopKCounter {
  #samples = 0;
  #top1 = 0;
  #top5 = 0;

  add(scores: ArrayLike<number>, label: number): void {
    const rank = rankOf(scores, label);
    this.#samples++;
    if (rank < 1) this.#top1++;
    if (rank < 5) this.#top5++;
  }

  /** Fractions of the samples, 0..1. */
  result(): { readonly top1: number; readonly top5: number } {
    return { top1: this.#top1 / this.#samples, top5: this.#top5 / this.#samples };
  }
}
