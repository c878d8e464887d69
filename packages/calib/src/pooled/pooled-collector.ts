import type { CollectionPlan } from '../statistics/collection-plan.ts';
import { nonFiniteValue, type SeenSample } from '../statistics/collector.ts';
import type { ValueData, ValueKernels } from '../statistics/value-kernels.ts';
import type { Distribution } from './distribution.ts';
import { DistributionBuilder } from './distribution-builder.ts';

/** Distributions of every value of a plan, from the samples that one thread sees. */
export class PooledCollector {
  readonly #plan: CollectionPlan;
  readonly #kernels: ValueKernels;
  readonly #builders: readonly DistributionBuilder[];

  constructor(plan: CollectionPlan, kernels: ValueKernels) {
    this.#plan = plan;
    this.#kernels = kernels;
    this.#builders = plan.values.map(() => new DistributionBuilder());
  }

  /** @throws QError `calib.non-finite` */
  add(at: number, data: ValueData, sample: SeenSample): void {
    const { min, max, finite } = this.#kernels.extremes(data);
    if (!finite) throw nonFiniteValue(this.#plan.values[at]!, data, { kernels: this.#kernels, sample: sample.name });
    const moments = this.#kernels.moments(data);
    this.#builders[at]!.add(this.#kernels, data, { min, max, length: data.length, moments });
  }

  collected(): Distribution[] {
    return this.#builders.map(({ distribution }) => distribution);
  }
}
