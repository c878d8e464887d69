import type { Cut } from '../ramp.ts';

/** The ends of a value's distribution, as many as its cut keeps. */
export interface Tails {
  readonly cut: Cut;
  /** Largest values (or magnitudes), descending. */
  readonly high: Float32Array;
  /** Smallest values, negated, descending; absent when magnitudes were ranked. */
  readonly low?: Float32Array;
}

/** Everything that was collected about one value over all samples. */
export interface ValueStatistics {
  readonly min: number;
  readonly max: number;
  /** Larger magnitude of the two. */
  readonly absMax: number;
  /** Magnitudes; absent when the method needs none, or when all values are zero. */
  readonly histogram?: { readonly counts: Float64Array; readonly width: number };
  /** One number per sample, in sample order, for methods that average over samples. */
  readonly perSample?: Float64Array;
  readonly tails?: Tails;
}
