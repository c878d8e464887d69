import type { HistogramShape } from './histogram-shape.ts';

/** Counts of one value's histogram as it grows. Exact: counts are whole numbers below 2^53. */
export class HistogramCounts {
  #epoch = 0;
  #counts = new Float64Array(0);

  /** Adds one sample's counts, made in `shape`. Counts of an earlier epoch are discarded; older bins keep their index. */
  add(shape: HistogramShape, counts: ArrayLike<number>): void {
    if (shape.epoch !== this.#epoch) {
      this.#epoch = shape.epoch;
      this.#counts = new Float64Array(0);
    }
    if (shape.bins > this.#counts.length) {
      const grown = new Float64Array(shape.bins);
      grown.set(this.#counts);
      this.#counts = grown;
    }
    const own = this.#counts;
    for (let i = 0; i < shape.bins; i++) own[i]! += counts[i]!;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get counts(): Float64Array {
    return this.#counts;
  }
}

/** Sums the counts that several collectors made, leaving out those of discarded epochs. */
export function mergeCounts(
  parts: readonly { epoch: number; counts: Float64Array }[],
  shape: HistogramShape,
): Float64Array {
  const total = new Float64Array(shape.bins);
  for (const { epoch, counts } of parts) {
    if (epoch !== shape.epoch) continue;
    for (let i = 0; i < counts.length; i++) total[i]! += counts[i]!;
  }
  return total;
}
