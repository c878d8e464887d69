import type { ValueData, ValueKernels } from '../statistics/value-kernels.ts';
import {
  coarsen,
  type Distribution,
  emptyDistribution,
  exponentFor,
  POOLED_BINS,
  type SampleExtremes,
} from './distribution.ts';
import { toExact } from './exact-sum.ts';

/** Takes in samples one after the other; the distribution is the one that merging theirs would give. */
export class DistributionBuilder {
  #known: Distribution = emptyDistribution;

  add(kernels: ValueKernels, data: ValueData, sample: SampleExtremes): void {
    const { min, max, length, moments } = sample;
    const known = this.#known;
    const own = exponentFor(Math.max(Math.abs(min), Math.abs(max)));
    const exponent = own === undefined ? known.exponent : Math.max(own, known.exponent ?? own);
    const { positive, negative } = this.#roomFor(exponent);
    if (own !== undefined) {
      const counts = kernels.halvesHistogram(data, POOLED_BINS, 2 ** -exponent!);
      for (let i = 0; i < POOLED_BINS; i++) {
        positive[i]! += counts[i]!;
        negative[i]! += counts[POOLED_BINS + i]!;
      }
    }
    this.#known = {
      count: known.count + length,
      // A zero has no sign here: which of two it would be depends on their order.
      min: Math.min(known.min, min) + 0,
      max: Math.max(known.max, max) + 0,
      exponent,
      positive,
      negative,
      sum: known.sum + toExact(moments.sum),
      squares: known.squares + toExact(moments.squares),
      magnitudes: known.magnitudes + toExact(moments.magnitudes),
    };
  }

  get distribution(): Distribution {
    return this.#known;
  }

  /** The counts so far in bins of the given width. */
  #roomFor(exponent: number | undefined): Pick<Distribution, 'positive' | 'negative'> {
    const { positive, negative, exponent: own } = this.#known;
    if (exponent === undefined || exponent === own) return { positive, negative };
    if (own === undefined) return { positive: new Float64Array(POOLED_BINS), negative: new Float64Array(POOLED_BINS) };
    return { positive: coarsen(positive, exponent - own), negative: coarsen(negative, exponent - own) };
  }
}
