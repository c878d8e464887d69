import type { Cut } from '../ramp.ts';
import type { SampleNumber } from '../thresholds/method.ts';

/** The ends of a value's distribution, as many as its cut keeps. */
export interface Tails {
  readonly cut: Cut;
  /** Largest values (or magnitudes), descending. */
  readonly high: Float32Array;
  /** Smallest values, negated, descending; absent when magnitudes were ranked. */
  readonly low?: Float32Array;
}

/** A histogram of magnitudes; bin i is centred on i * width (calibration.md 5.1). */
export interface Histogram {
  readonly counts: Float64Array;
  readonly width: number;
}

/** A histogram of signed values: bin i covers lo + i * width up to the next. */
export interface Window {
  readonly counts: Float64Array;
  readonly lo: number;
  readonly width: number;
}

/** Everything that was collected about one value over all samples. What a plan does not ask for is absent. */
export interface ValueStatistics {
  readonly min: number;
  readonly max: number;
  /** Larger magnitude of the two. */
  readonly absMax: number;
  /** Absent also when all values are zero. */
  readonly histogram?: Histogram;
  /** One number per sample, in sample order, by what it is. */
  readonly numbers?: Readonly<Partial<Record<SampleNumber, Float64Array>>>;
  readonly tails?: Tails;
  /** Absent also when the extremes are the same. */
  readonly window?: Window;
  /** Values picked evenly from every sample, in sample order. */
  readonly raw?: Float32Array;
  /** Scale and zero point that PyTorch's observer gives. */
  readonly observed?: { readonly scale: number; readonly zeroPoint: number };
}
