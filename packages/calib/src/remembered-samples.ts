import type { Dataset, Feeds } from '@q/dataset';

/** Bytes of prepared samples that are kept for a second pass. Decoding an image costs more than holding its floats. */
const BUDGET_BYTES = 256 * 2 ** 20;

/** How much is kept. */
export interface RememberOptions {
  readonly budgetBytes?: number;
  /** Samples with a number below this, where no later pass reads others. */
  readonly count?: number;
}

/**
 * The same dataset, with the first samples that are read kept in memory, as many as the budget holds. Passes read samples
 * in ascending order, so keeping the first ones loses nothing against any other choice.
 */
export function rememberSamples(dataset: Dataset, options: RememberOptions = {}): Dataset {
  const { budgetBytes = BUDGET_BYTES, count = Number.POSITIVE_INFINITY } = options;
  const kept = new Map<number, Feeds>();
  let bytes = 0;
  return {
    kind: dataset.kind,
    length: dataset.length,
    files: (i) => dataset.files(i),
    ...(dataset.encoded === undefined ? {} : { encoded: (i: number) => dataset.encoded!(i) }),
    async sample(i) {
      const known = kept.get(i);
      if (known !== undefined) return known;
      const feeds = await dataset.sample(i);
      const size = [...feeds.values()].reduce((sum, data) => sum + data.byteLength, 0);
      if (i < count && bytes + size <= budgetBytes && !kept.has(i)) {
        bytes += size;
        kept.set(i, feeds);
      }
      return feeds;
    },
  };
}
