import type { Dataset, Feeds } from '@q/dataset';

/** How messages call sample `i`: its number and its files. */
export function sampleName(dataset: Dataset, i: number): string {
  return `${i} (${dataset.files(i).join(', ')})`;
}

/** Samples in order; while one is worked on, the next is already being read. */
export async function* samplesAhead(dataset: Dataset, count: number): AsyncGenerator<{ i: number; feeds: Feeds }> {
  let next = count > 0 ? dataset.sample(0) : undefined;
  for (let i = 0; i < count; i++) {
    const feeds = await next!;
    next = i + 1 < count ? dataset.sample(i + 1) : undefined;
    // A failure of the look-ahead is reported when its turn comes, not as an unhandled rejection before.
    next?.catch(() => {});
    yield { i, feeds };
  }
}
