import type { Dataset, Feeds } from '@q/dataset';

/** Bytes of prepared samples that are kept for a second pass. Decoding an image costs more than holding its floats. */
const BUDGET_BYTES = 256 * 2 ** 20;

/**
 * The same dataset, with the first samples that are read kept in memory, as many as the budget holds. Passes read samples
 * in ascending order, so keeping the first ones loses nothing against any other choice.
 */
export function rememberSamples(dataset: Dataset, budgetBytes: number = BUDGET_BYTES): Dataset {
  const kept = new Map<number, Feeds>();
  let bytes = 0;
  return {
    kind: dataset.kind,
    length: dataset.length,
    files: (i) => dataset.files(i),
    async sample(i) {
      const known = kept.get(i);
      if (known !== undefined) return known;
      const feeds = await dataset.sample(i);
      const size = [...feeds.values()].reduce((sum, data) => sum + data.byteLength, 0);
      if (bytes + size <= budgetBytes && !kept.has(i)) {
        bytes += size;
        kept.set(i, feeds);
      }
      return feeds;
    },
  };
}
