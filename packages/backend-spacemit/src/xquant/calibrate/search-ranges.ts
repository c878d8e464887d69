import type { ChosenRange } from '@q/calib';
import { createPool, type WorkerPort } from '@q/runtime';
import { createTask, type RangeMessage } from './range-task.ts';

/** How the search is spread. */
export interface SearchWorkers {
  /** Workers that search at the same time; 0 or 1: this thread alone. The result does not depend on it. */
  readonly workers?: number;
  /** Starts a worker, for pages whose bundler must see `new Worker(new URL(…))`; it serves `range-task`. */
  readonly spawnWorker?: (index: number) => WorkerPort;
}

/** Starting workers takes as long as this many searches. */
const WORTH_WORKERS = 32;

/** Workers cannot run TypeScript: from `src`, as in tests, they take the compiled task. */
const TASK = import.meta.url.endsWith('.ts') ? '../../../dist/xquant/calibrate/range-task.js' : './range-task.js';

/** The ranges of tensors, in their order, each as soon as those before it are there. */
export async function* searchRanges(
  messages: readonly RangeMessage[],
  { workers = 0, spawnWorker }: SearchWorkers,
): AsyncGenerator<ChosenRange, void> {
  const isSpread = workers > 1 && messages.length >= WORTH_WORKERS;
  const how = spawnWorker === undefined ? { taskUrl: new URL(TASK, import.meta.url) } : { spawn: spawnWorker };
  const pool = await createPool<Record<string, never>, RangeMessage, ChosenRange>({
    workers: isSpread ? workers : 0,
    init: {},
    ...(isSpread ? how : { createTask }),
  });
  try {
    for await (const { reply } of pool.map(messages)) yield reply;
  } finally {
    await pool.dispose();
  }
}
