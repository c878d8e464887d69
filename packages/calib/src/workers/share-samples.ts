import type { Dataset, Feeds } from '@q/dataset';
import type { RemoteWorker } from './remote-worker.ts';

/**
 * Hands samples 0 .. count-1 out to workers as they become free. Every worker gets its samples in ascending order; its
 * next one is read while it works.
 */
export async function shareSamples(
  workers: readonly RemoteWorker[],
  dataset: Dataset,
  count: number,
  work: (worker: RemoteWorker, i: number, feeds: Feeds) => Promise<void>,
): Promise<void> {
  let next = 0;
  const claim = (): { i: number; feeds: Promise<Feeds> } | undefined => {
    if (next >= count) return undefined;
    const i = next++;
    const feeds = dataset.sample(i);
    // Reported when its turn comes.
    feeds.catch(() => {});
    return { i, feeds };
  };
  await Promise.all(
    workers.map(async (worker) => {
      let claimed = claim();
      while (claimed !== undefined) {
        const { i, feeds } = claimed;
        const ready = await feeds;
        claimed = claim();
        await work(worker, i, ready);
      }
    }),
  );
}
