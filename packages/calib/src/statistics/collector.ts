import { QError } from '@q/ir';
import type { CollectionPlan } from './collection-plan.ts';
import { HistogramCounts } from './histogram-counts.ts';
import { type HistogramShape, widthOf } from './histogram-shape.ts';
import { LargestValues } from './largest-values.ts';
import type { ValueData, ValueKernels } from './value-kernels.ts';

/** What one sample says about one value. */
export interface Measurement {
  readonly min: number;
  readonly max: number;
  /** For methods that average over samples. */
  readonly sampleNumber?: number;
}

/** Everything that a collector holds of one value after its samples: plain data. */
export interface CollectedValue {
  readonly epoch: number;
  readonly counts: Float64Array;
  readonly high?: Float32Array;
  readonly low?: Float32Array;
}

/**
 * Collects the statistics of some samples, in ascending order, on the data where they lie. Two steps per value, so that
 * the histogram's range can come from elsewhere: `measure`, then `count` in the shape that follows from all samples so far.
 */
export class Collector {
  readonly #plan: CollectionPlan;
  readonly #kernels: ValueKernels;
  readonly #histograms: HistogramCounts[];
  readonly #high: (LargestValues | undefined)[];
  readonly #low: (LargestValues | undefined)[];

  constructor(plan: CollectionPlan, kernels: ValueKernels) {
    this.#plan = plan;
    this.#kernels = kernels;
    this.#histograms = plan.values.map(() => new HistogramCounts());
    this.#high = plan.values.map(({ tails }) =>
      tails === undefined
        ? undefined
        : new LargestValues(tails.cut.kept, tails.ranking === 'signed' ? 'value' : 'magnitude'),
    );
    this.#low = plan.values.map(({ tails }) =>
      tails?.ranking === 'signed' ? new LargestValues(tails.cut.kept, 'negated') : undefined,
    );
  }

  /**
   * Extremes and per-sample number of value `at`; its tails are kept.
   *
   * @param sample how to call the sample in messages
   * @throws QError `calib.non-finite`
   */
  measure(at: number, data: ValueData, sample: string): Measurement {
    const extremes = this.#kernels.extremes(data);
    if (!extremes.finite) throw this.#nonFinite(at, data, sample);
    if (this.#high[at] !== undefined) {
      const view = this.#kernels.view(data);
      this.#high[at].offer(view);
      this.#low[at]?.offer(view);
    }
    const { perSample } = this.#plan;
    const { min, max } = extremes;
    return perSample === undefined
      ? { min, max }
      : { min, max, sampleNumber: this.#kernels.sampleNumber(perSample, data, extremes) };
  }

  /** Counts value `at` into its histogram. */
  count(at: number, data: ValueData, shape: HistogramShape): void {
    this.#histograms[at]!.add(shape, this.#kernels.histogram(data, shape.bins, widthOf(shape)));
  }

  collected(): CollectedValue[] {
    return this.#plan.values.map((_, at) => {
      const { epoch, counts } = this.#histograms[at]!;
      const high = this.#high[at]?.descending();
      const low = this.#low[at]?.descending();
      return { epoch, counts, ...(high === undefined ? {} : { high }), ...(low === undefined ? {} : { low }) };
    });
  }

  #nonFinite(at: number, data: ValueData, sample: string): QError {
    const { name, opName } = this.#plan.values[at]!;
    const index = this.#kernels.findNonFinite(data);
    const found = `${this.#kernels.view(data)[index]} at element ${index}`;
    const where = name === opName ? name : `${opName} (${name})`;
    return new QError(`Layer ${where} gives ${found} on sample ${sample}, which has no range.`, {
      code: 'calib.non-finite',
      where: `${where}, sample ${sample}`,
      found,
      expected: 'finite activations',
      hint: 'check the preprocessing settings and the sample; a network that computes with infinities cannot be calibrated',
    });
  }
}
