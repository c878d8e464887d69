import type { Feeds } from '@q/runtime';

/** Where a search takes its samples from; each is asked for again when it is needed again. */
export interface SearchSamples {
  readonly length: number;
  /** One array per network input. */
  sample(index: number): Feeds | Promise<Feeds>;
}
