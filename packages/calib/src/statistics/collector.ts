import { QError } from '@q/ir';
import type { CollectionPlan } from './collection-plan.ts';
import { HistogramCounts } from './histogram-counts.ts';
import { type HistogramShape, widthOf } from './histogram-shape.ts';
import { pickRaw } from './raw-values.ts';
import { TailCollector } from './tails.ts';
import type { ValueData, ValueKernels } from './value-kernels.ts';
import { WINDOW_BINS, type WindowShape } from './window-shape.ts';

/** What one sample says about one value. */
export interface Measurement {
  readonly min: number;
  readonly max: number;
  /** In the order of the plan's `numbers`. */
  readonly numbers: readonly number[];
}

/** Everything that a collector holds of one value after its samples: plain data. */
export interface CollectedValue {
  readonly epoch: number;
  readonly counts: Float64Array;
  readonly high?: Float32Array;
  readonly low?: Float32Array;
  readonly window?: Float64Array;
  /** By sample. */
  readonly raw?: ReadonlyMap<number, Float32Array>;
}

/** A sample as a collector sees it. */
export interface SeenSample {
  readonly index: number;
  /** How to call it in messages. */
  readonly name: string;
}

/**
 * Collects the statistics of some samples, in ascending order, on the data where they lie. Two steps per value, so that
 * the histogram's range can come from elsewhere: `measure`, then `count` in the shape that follows from all samples so far.
 */
export class Collector {
  readonly #plan: CollectionPlan;
  readonly #kernels: ValueKernels;
  readonly #histograms: HistogramCounts[];
  readonly #tails: (TailCollector | undefined)[];
  readonly #windows: (Float64Array | undefined)[];
  readonly #raw: Map<number, Float32Array>[];

  constructor(plan: CollectionPlan, kernels: ValueKernels) {
    this.#plan = plan;
    this.#kernels = kernels;
    this.#histograms = plan.values.map(() => new HistogramCounts());
    this.#windows = plan.values.map(() => undefined);
    this.#raw = plan.values.map(() => new Map());
    this.#tails = plan.values.map(({ tails }) => (tails === undefined ? undefined : new TailCollector(tails)));
  }

  /**
   * Extremes and per-sample numbers of value `at`; its tails and raw values are kept.
   *
   * @throws QError `calib.non-finite`
   */
  measure(at: number, data: ValueData, sample: SeenSample): Measurement {
    const extremes = this.#kernels.extremes(data);
    const value = this.#plan.values[at]!;
    if (!extremes.finite) throw nonFiniteValue(value, data, { kernels: this.#kernels, sample: sample.name });
    this.#tails[at]?.add(data, this.#kernels);
    if (value.rawStep !== undefined) {
      this.#raw[at]!.set(sample.index, pickRaw(this.#kernels.view(data), value.rawStep));
    }
    const { numbers, rules } = this.#plan;
    return {
      min: extremes.min,
      max: extremes.max,
      numbers: numbers.map((kind) => this.#kernels.sampleNumber(kind, data, extremes, rules)),
    };
  }

  /** Counts value `at` into its histogram. */
  count(at: number, data: ValueData, shape: HistogramShape): void {
    this.#histograms[at]!.add(shape, this.#kernels.histogram(data, shape.bins, widthOf(shape)));
  }

  /** Counts the signed values of `at` between the extremes of all samples. */
  countWindow(at: number, data: ValueData, { lo, width }: WindowShape): void {
    this.#windows[at] ??= new Float64Array(WINDOW_BINS);
    const own = this.#windows[at];
    const counts = this.#kernels.signedHistogram(data, WINDOW_BINS, lo, width);
    for (let i = 0; i < own.length; i++) own[i]! += counts[i]!;
  }

  collected(): CollectedValue[] {
    return this.#plan.values.map(({ rawStep }, at) => {
      const { epoch, counts } = this.#histograms[at]!;
      const window = this.#windows[at];
      return {
        epoch,
        counts,
        ...this.#tails[at]?.collected(),
        ...(window === undefined ? {} : { window }),
        ...(rawStep === undefined ? {} : { raw: this.#raw[at]! }),
      };
    });
  }
}

/** A NaN or an infinity among the activations, with its address. */
export function nonFiniteValue(
  { name, opName }: CollectionPlan['values'][number],
  data: ValueData,
  { kernels, sample }: { readonly kernels: ValueKernels; readonly sample: string },
): QError {
  const index = kernels.findNonFinite(data);
  const found = `${kernels.view(data)[index]} at element ${index}`;
  const where = name === opName ? name : `${opName} (${name})`;
  return new QError(`Layer ${where} gives ${found} on sample ${sample}, which has no range.`, {
    code: 'calib.non-finite',
    where: `${where}, sample ${sample}`,
    found,
    expected: 'finite activations',
    hint: 'check the preprocessing settings and the sample; a network that computes with infinities cannot be calibrated',
  });
}
