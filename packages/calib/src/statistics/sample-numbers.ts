import type { SampleNumber } from '../thresholds/method.ts';
import type { CollectionPlan } from './collection-plan.ts';

/** The per-sample numbers of every value, gathered in any order of samples. */
export class SampleNumbers {
  readonly #kinds: readonly SampleNumber[];
  readonly #values: readonly Float64Array[][];

  constructor(plan: CollectionPlan, sampleCount: number) {
    this.#kinds = plan.numbers;
    this.#values = plan.values.map(() => plan.numbers.map(() => new Float64Array(sampleCount)));
  }

  /** What sample `i` says about value `at`, in the order of the plan's numbers. */
  note(at: number, i: number, numbers: ArrayLike<number>): void {
    const own = this.#values[at]!;
    for (let kind = 0; kind < own.length; kind++) own[kind]![i] = numbers[kind]!;
  }

  of(at: number): Partial<Record<SampleNumber, Float64Array>> | undefined {
    if (this.#kinds.length === 0) return undefined;
    return Object.fromEntries(this.#kinds.map((kind, k) => [kind, this.#values[at]![k]!]));
  }
}
