import { distanceInside } from './losses.ts';
import { LEVELS, WINDOW_STEP } from './window.ts';

/** Widths are multiples of 1/8 level. */
const STEP_PARTS = LEVELS / WINDOW_STEP;

/**
 * `mseLoss` of windows whose start and width are multiples of 32 bins, in time that grows with the period of the levels and
 * not with the number of bins. Counts are whole numbers and distances multiples of 1/16, so that all sums are exact while
 * they fit a double: the same losses, bit for bit, up to some 2^27 elements.
 */
export class WindowError {
  readonly #counts: Float64Array;
  readonly #total: number;
  /** Σ h, Σ i·h and Σ i²·h over the bins below an index. */
  readonly #moments: readonly [Float64Array, Float64Array, Float64Array];
  /** By period p: entry i is the sum of the bins i, i − p, i − 2p, … */
  readonly #strided = new Map<number, Float64Array>();
  /** By width: the period, and the squared distance of each of its bins. */
  readonly #levels = new Map<number, { readonly period: number; readonly squares: Float64Array }>();

  constructor(counts: Float64Array, total: number) {
    this.#counts = counts;
    this.#total = total;
    const moments = [0, 1, 2].map(() => new Float64Array(counts.length + 1)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    counts.forEach((count, i) => {
      moments[0][i + 1] = moments[0][i]! + count;
      moments[1][i + 1] = moments[1][i]! + i * count;
      moments[2][i + 1] = moments[2][i]! + i * i * count;
    });
    this.#moments = moments;
  }

  of(start: number, width: number): number {
    const end = start + width;
    const outside = this.#tail(start - 0.5, 0, start) + this.#tail(end - 0.5, end, this.#counts.length);
    return (outside + this.#inside(start, width)) / this.#total;
  }

  /** Σ (i − centre)² · h over [from, to). */
  #tail(centre: number, from: number, to: number): number {
    const [m0, m1, m2] = this.#moments;
    const [count, first, second] = [m0[to]! - m0[from]!, m1[to]! - m1[from]!, m2[to]! - m2[from]!];
    return centre * centre * count - 2 * centre * first + second;
  }

  #inside(start: number, width: number): number {
    const { period, squares } = this.#level(width);
    const sums = this.#sums(period);
    const last = start + width - period;
    let sum = 0;
    for (let c = 0; c < period; c++) {
      const before = start + c - period;
      sum += squares[c]! * (sums[last + c]! - (before < 0 ? 0 : sums[before]!));
    }
    return sum;
  }

  #level(width: number): { readonly period: number; readonly squares: Float64Array } {
    let level = this.#levels.get(width);
    if (level === undefined) {
      const step = Math.max(1, width / LEVELS);
      const period = step === 1 ? 1 : (step * STEP_PARTS) / greatestCommonDivisor(step * STEP_PARTS, STEP_PARTS);
      const squares = Float64Array.from({ length: period }, (_, offset) => distanceInside(offset % step, step) ** 2);
      level = { period, squares };
      this.#levels.set(width, level);
    }
    return level;
  }

  #sums(period: number): Float64Array {
    let sums = this.#strided.get(period);
    if (sums === undefined) {
      sums = this.#counts.slice();
      for (let i = period; i < sums.length; i++) sums[i]! += sums[i - period]!;
      this.#strided.set(period, sums);
    }
    return sums;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
