import type { Kernels } from '@q/kernels-wasm';
import type { SampleNumber } from '../thresholds/method.ts';
import { aciqGauss, aciqLaplace } from './aciq.ts';
import { octavThreshold } from './octav.ts';

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

const RESULT_BYTES = 32;

/** The statistics kernels, with room for their results in the memory where the data lie. */
export class ValueKernels {
  readonly #kernels: Kernels;
  readonly #memory: StatisticsMemory;
  readonly #result: number;
  #countsPointer = 0;
  #countsLength = 0;

  constructor(kernels: Kernels, memory: StatisticsMemory) {
    this.#kernels = kernels;
    this.#memory = memory;
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
    if (bins > this.#countsLength) {
      if (this.#countsLength > 0) this.#memory.release(this.#countsPointer);
      this.#countsPointer = this.#memory.allocate(bins * 4);
      this.#countsLength = bins;
    }
    this.#counts(bins).fill(0);
    this.#kernels.exports.stats_histogram(pointer, length, Math.fround(width), bins, this.#countsPointer);
    return this.#counts(bins);
  }

  /** The number of one sample that averaging methods collect. */
  sampleNumber(kind: SampleNumber, data: ValueData, { min, max }: Extremes): number {
    if (kind === 'octav') return octavThreshold((bound) => this.#above(data, bound), data.length, min);
    if (kind === 'aciq-gauss') return aciqGauss(min, max, data.length);
    return aciqLaplace(this.#meanAbsoluteDeviation(data));
  }

  view({ pointer, length }: ValueData): Float32Array {
    return new Float32Array(this.#kernels.memory.buffer, pointer, length);
  }

  release(): void {
    this.#memory.release(this.#result);
    if (this.#countsLength > 0) this.#memory.release(this.#countsPointer);
    this.#countsLength = 0;
  }

  #counts(bins: number): Int32Array {
    return new Int32Array(this.#kernels.memory.buffer, this.#countsPointer, bins);
  }

  #above({ pointer, length }: ValueData, bound: number): { sum: number; count: number } {
    this.#kernels.exports.stats_octav(pointer, length, bound, this.#result);
    const [sum, count] = new Float64Array(this.#kernels.memory.buffer, this.#result, 2);
    return { sum: sum!, count: count! };
  }

  #meanAbsoluteDeviation({ pointer, length }: ValueData): number {
    const { exports, memory } = this.#kernels;
    new Float64Array(memory.buffer, this.#result, 3).fill(0);
    exports.stats_moments(pointer, length, this.#result);
    const mean = Math.fround(new Float64Array(memory.buffer, this.#result, 1)[0]! / length);
    return Math.fround(exports.stats_absdev(pointer, length, mean) / length);
  }
}
