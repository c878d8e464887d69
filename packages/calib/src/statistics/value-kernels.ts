import type { Kernels } from '@q/kernels-wasm';
import type { SampleNumber } from '../thresholds/method.ts';
import { aciqGauss, aciqLaplace } from './aciq.ts';
import { kurtosis } from './kurtosis.ts';
import { magnitudeSums } from './magnitude-sums.ts';
import { octavThreshold } from './octav.ts';
import { highPercentile, lowPercentile } from './sample-percentile.ts';

/** Where a value's float32 data lie in the kernels' memory. */
export interface ValueData {
  readonly pointer: number;
  readonly length: number;
}

export interface Extremes {
  readonly min: number;
  readonly max: number;
  /** Whether a NaN or an infinity is among the data. */
  readonly finite: boolean;
}

/** Memory of the kernels that the statistics need for their results. */
export interface StatisticsMemory {
  allocate(byteLength: number): number;
  release(pointer: number): void;
}

/** Sums over the values of one sample. */
export interface SampleMoments {
  readonly sum: number;
  readonly squares: number;
  readonly magnitudes: number;
}

/** What per-sample numbers depend on besides the sample. */
export interface NumberRules {
  /** OCTAV's answer for a sample of zeros. */
  readonly emptyOctav: number;
  /** XQuant's `max_percentile`, 0..1. */
  readonly percentileShare: number;
}

const RESULT_BYTES = 32;
/** Values that are handed on together by `outside`. */
const OUTSIDE_VALUES = 4096;

/** Room for four-byte numbers that grows with the largest request. */
class Room {
  readonly #memory: StatisticsMemory;
  #length = 0;
  pointer = 0;

  constructor(memory: StatisticsMemory) {
    this.#memory = memory;
  }

  reserve(length: number): number {
    if (length > this.#length) {
      this.release();
      this.pointer = this.#memory.allocate(length * 4);
      this.#length = length;
    }
    return this.pointer;
  }

  release(): void {
    if (this.#length > 0) this.#memory.release(this.pointer);
    this.#length = 0;
  }
}

/** The statistics kernels, with room for their results in the memory where the data lie. */
export class ValueKernels {
  readonly #kernels: Kernels;
  readonly #memory: StatisticsMemory;
  readonly #result: number;
  readonly #counts: Room;
  readonly #kept: Room;

  constructor(kernels: Kernels, memory: StatisticsMemory) {
    this.#kernels = kernels;
    this.#memory = memory;
    this.#counts = new Room(memory);
    this.#kept = new Room(memory);
    this.#result = memory.allocate(RESULT_BYTES);
  }

  extremes({ pointer, length }: ValueData): Extremes {
    const flags = this.#kernels.exports.stats_minmax(pointer, length, this.#result);
    const [min, max] = new Float32Array(this.#kernels.memory.buffer, this.#result, 2);
    return { min: min!, max: max!, finite: flags === 0 };
  }

  /** Position of the first NaN or infinity. */
  findNonFinite({ pointer, length }: ValueData): number {
    return this.#kernels.exports.stats_find_nonfinite(pointer, length);
  }

  /** Histogram of the magnitudes (calibration.md 5.1). The result is a view that the next call overwrites. */
  histogram({ pointer, length }: ValueData, bins: number, width: number): Int32Array {
    const counts = this.#room(bins);
    // Values next to the least float have no width to divide by, and no bin.
    if (Math.fround(width) === 0) return counts;
    this.#kernels.exports.stats_histogram(pointer, length, Math.fround(width), bins, this.#counts.pointer);
    return counts;
  }

  /** Histogram of the signed values from `lo` on. The result is a view that the next call overwrites. */
  signedHistogram({ pointer, length }: ValueData, bins: number, lo: number, width: number): Int32Array {
    const counts = this.#room(bins);
    const { exports } = this.#kernels;
    const outside = exports.stats_histogram_signed(pointer, length, lo, Math.fround(width), bins, this.#counts.pointer);
    // Rounding can push nothing but the largest values out of the last bin.
    counts[bins - 1]! += outside;
    return counts;
  }

  /** Histogram of both signs: positive magnitudes, then negative ones. A view that the next call overwrites. */
  halvesHistogram({ pointer, length }: ValueData, bins: number, inverse: number): Int32Array {
    const counts = this.#room(2 * bins);
    this.#kernels.exports.stats_histogram_halves(pointer, length, inverse, bins, this.#counts.pointer);
    return counts;
  }

  /** The number of one sample that averaging methods collect. */
  sampleNumber(kind: SampleNumber, data: ValueData, { min, max }: Extremes, rules: NumberRules): number {
    switch (kind) {
      case 'octav':
      case 'octav4':
        return this.#octav(data, min, kind === 'octav' ? 8 : 4, rules.emptyOctav);
      case 'aciq-gauss':
      case 'aciq-gauss4':
        return aciqGauss(min, max, data.length, kind === 'aciq-gauss' ? 8 : 4);
      case 'aciq-laplace':
      case 'aciq-laplace4':
        return aciqLaplace(this.#meanAbsoluteDeviation(data), kind === 'aciq-laplace' ? 8 : 4);
      case 'kurtosis':
        return this.#kurtosis(data);
      case 'low-percentile':
        return lowPercentile(this.view(data), rules.percentileShare);
      case 'high-percentile':
        return highPercentile(this.view(data), rules.percentileShare);
    }
  }

  /** Sums over one sample: of the values, their squares and their magnitudes. */
  moments({ pointer, length }: ValueData): SampleMoments {
    const { exports, memory } = this.#kernels;
    new Float64Array(memory.buffer, this.#result, 3).fill(0);
    exports.stats_moments(pointer, length, this.#result);
    const [sum, squares, magnitudes] = new Float64Array(memory.buffer, this.#result, 3);
    return { sum: sum!, squares: squares!, magnitudes: magnitudes! };
  }

  view({ pointer, length }: ValueData): Float32Array {
    return new Float32Array(this.#kernels.memory.buffer, pointer, length);
  }

  release(): void {
    this.#memory.release(this.#result);
    this.#counts.release();
    this.#kept.release();
  }

  /** Sum of the magnitudes above a bound, a float32, and how many there are. */
  sumAbove({ pointer, length }: ValueData, bound: number): { sum: number; count: number } {
    this.#kernels.exports.stats_octav(pointer, length, bound, this.#result);
    const [sum, count] = new Float64Array(this.#kernels.memory.buffer, this.#result, 2);
    return { sum: sum!, count: count! };
  }

  /** The same, and where those magnitudes lie until the next call. The data may be what a call before has kept. */
  keepAbove({ pointer, length }: ValueData, bound: number): { sum: number; count: number; pointer: number } {
    const kept = this.#kept.reserve(length);
    const count = this.#kernels.exports.stats_octav_keep(pointer, length, bound, this.#result, kept);
    const [sum] = new Float64Array(this.#kernels.memory.buffer, this.#result, 1);
    return { sum: sum!, count, pointer: kept };
  }

  /**
   * Visits the values outside a range, in their order: at least those that lie outside what `range` answers at the end, as
   * it is asked again from time to time. The array is a view that the next call overwrites.
   */
  outside(
    { pointer, length }: ValueData,
    range: () => { readonly low: number; readonly high: number },
    visit: (values: Float32Array) => void,
  ): void {
    const kept = this.#kept.reserve(OUTSIDE_VALUES);
    const { exports, memory } = this.#kernels;
    for (let done = 0; done < length; ) {
      const { low, high } = range();
      const from = pointer + 4 * done;
      const count = exports.stats_outside(from, length - done, low, high, kept, OUTSIDE_VALUES, this.#result);
      if (count > 0) visit(new Float32Array(memory.buffer, kept, count));
      done += new Int32Array(memory.buffer, this.#result, 1)[0]!;
    }
  }

  /** Room for so many counts, all zero. */
  #room(bins: number): Int32Array {
    const pointer = this.#counts.reserve(bins);
    return new Int32Array(this.#kernels.memory.buffer, pointer, bins).fill(0);
  }

  #octav(data: ValueData, min: number, bits: 8 | 4, empty: number): number {
    const found = octavThreshold(magnitudeSums(this, data), data.length, min, bits);
    return Number.isNaN(found) ? empty : found;
  }

  #meanAbsoluteDeviation(data: ValueData): number {
    const { pointer, length } = data;
    const mean = Math.fround(this.moments(data).sum / length);
    return Math.fround(this.#kernels.exports.stats_absdev(pointer, length, mean) / length);
  }

  #kurtosis(data: ValueData): number {
    const { pointer, length } = data;
    const mean = Math.fround(this.moments(data).sum / length);
    this.#kernels.exports.stats_central_moments(pointer, length, mean, this.#result);
    const [second, fourth] = new Float64Array(this.#kernels.memory.buffer, this.#result, 2);
    return kurtosis(second! / length, fourth! / length);
  }
}
