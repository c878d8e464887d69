import { firstShape, type HistogramShape, nextShape } from './histogram-shape.ts';

/**
 * Running minimum and maximum of every observed value, in sample order, and the histogram shapes that follow from them.
 * This is the whole of what one sample hands on to the next.
 */
export class RangeTracker {
  readonly min: Float32Array;
  readonly max: Float32Array;
  readonly #shapes: (HistogramShape | undefined)[];
  readonly #initialBins: number;
  readonly #leastMagnitude: number;

  /** @param leastMagnitude samples that nowhere reach it are not counted: 0 counts all that are not zeros */
  constructor(valueCount: number, initialBins: number, leastMagnitude = 0) {
    this.min = new Float32Array(valueCount).fill(Number.POSITIVE_INFINITY);
    this.max = new Float32Array(valueCount).fill(Number.NEGATIVE_INFINITY);
    this.#shapes = new Array<HistogramShape | undefined>(valueCount).fill(undefined);
    this.#initialBins = initialBins;
    this.#leastMagnitude = leastMagnitude;
  }

  /** Widens the range of value `at` by one sample's extremes. */
  widen(at: number, min: number, max: number): void {
    this.min[at] = Math.min(this.min[at]!, min);
    this.max[at] = Math.max(this.max[at]!, max);
  }

  absMax(at: number): number {
    return Math.max(Math.abs(this.min[at]!), Math.abs(this.max[at]!));
  }

  /** One-pass statistics: widens and gives the shape that this sample is to be counted in; none while all are zeros. */
  advance(at: number, min: number, max: number): HistogramShape | undefined {
    this.widen(at, min, max);
    const absMax = this.absMax(at);
    if (absMax === 0 || Math.max(Math.abs(min), Math.abs(max)) < this.#leastMagnitude) return undefined;
    const before = this.#shapes[at];
    const shape =
      before === undefined ? firstShape(absMax, this.#initialBins) : nextShape(before, absMax, this.#initialBins);
    this.#shapes[at] = shape;
    return shape;
  }

  /** Two-pass statistics: fixes the shape of value `at` once all samples are known. */
  fix(at: number, range: number): void {
    this.#shapes[at] = range === 0 ? undefined : firstShape(range, this.#initialBins);
  }

  shape(at: number): HistogramShape | undefined {
    return this.#shapes[at];
  }
}
