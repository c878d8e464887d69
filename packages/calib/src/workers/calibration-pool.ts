import type { Dataset, Feeds } from '@q/dataset';
import type { Graph } from '@q/ir';
import { compileKernels } from '@q/kernels-wasm';
import { createPool, type Pool, type WorkerPort } from '@q/runtime';
import type { CollectionPlan } from '../statistics/collection-plan.ts';
import type { CalibrationMessage, CalibrationReply } from './calibration-task.ts';

export type CalibrationPool = Pool<CalibrationMessage, CalibrationReply>;

/** Workers cannot run TypeScript: from `src`, as in tests, they take the compiled task. */
const TASK = import.meta.url.endsWith('.ts') ? '../../dist/workers/calibration-task.js' : './calibration-task.js';

/** Starts workers that hold the network, ready for samples. */
export async function openPool(
  workers: number,
  graph: Graph,
  plan: CollectionPlan,
  spawn: ((index: number) => WorkerPort) | undefined,
): Promise<CalibrationPool> {
  const init = { graph, plan, module: await compileKernels() };
  const how = spawn === undefined ? { taskUrl: new URL(TASK, import.meta.url) } : { spawn };
  return createPool<typeof init, CalibrationMessage, CalibrationReply>({ workers, init, ...how });
}

/** Asks one worker and expects a reply of the given kind. */
export async function ask<K extends CalibrationReply['kind']>(
  pool: CalibrationPool,
  worker: number,
  message: CalibrationMessage,
  kind: K,
): Promise<Extract<CalibrationReply, { kind: K }>> {
  const reply = await pool.call(worker, message);
  if (reply.kind !== kind) throw new TypeError(`A worker answered ${reply.kind} to ${message.kind}`);
  return reply as Extract<CalibrationReply, { kind: K }>;
}

/**
 * Hands samples 0 .. count-1 out to workers as they become free. Every worker gets its samples in ascending order; its
 * next one is read while it works.
 */
export async function shareSamples(
  pool: CalibrationPool,
  dataset: Dataset,
  count: number,
  work: (worker: number, i: number, feeds: Feeds) => Promise<void>,
): Promise<void> {
  let next = 0;
  const claim = (): { i: number; feeds: Promise<Feeds> } | undefined => {
    if (next >= count) return undefined;
    const i = next++;
    const feeds = dataset.sample(i);
    // A failure is reported when its turn comes, not as an unhandled rejection before.
    feeds.catch(() => undefined);
    return { i, feeds };
  };
  await Promise.all(
    Array.from({ length: pool.size }, async (_, worker) => {
      for (let claimed = claim(); claimed !== undefined; ) {
        const { i, feeds } = claimed;
        const ready = await feeds;
        claimed = claim();
        await work(worker, i, ready);
      }
    }),
  );
}
