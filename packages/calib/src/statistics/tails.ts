import type { TailsPlan } from './collection-plan.ts';
import { LargestValues } from './largest-values.ts';
import type { ValueData, ValueKernels } from './value-kernels.ts';

/** The ends of one value's distribution, as many values as its cut keeps. */
export class TailCollector {
  readonly #high: LargestValues;
  readonly #low: LargestValues | undefined;

  constructor({ cut, ranking }: TailsPlan) {
    this.#high = new LargestValues(cut.kept, ranking === 'signed' ? 'value' : 'magnitude');
    this.#low = ranking === 'signed' ? new LargestValues(cut.kept, 'negated') : undefined;
  }

  /** Looks at finite data: the kernels pass over what lies between the ends kept so far. */
  add(data: ValueData, kernels: ValueKernels): void {
    kernels.outside(
      data,
      () => this.#hopeless(),
      (values) => {
        this.#high.offer(values);
        this.#low?.offer(values);
      },
    );
  }

  collected(): { readonly high: Float32Array; readonly low?: Float32Array } {
    const high = this.#high.descending();
    return this.#low === undefined ? { high } : { high, low: this.#low.descending() };
  }

  #hopeless(): { readonly low: number; readonly high: number } {
    const { low, high } = this.#high.hopeless;
    return this.#low === undefined ? { low, high } : { low: this.#low.hopeless.low, high };
  }
}
