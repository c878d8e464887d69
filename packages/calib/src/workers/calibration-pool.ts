import { type Dataset, type EncodedSample, loadCodecs } from '@q/dataset';
import type { Graph } from '@q/ir';
import { compileKernels } from '@q/kernels-wasm';
import { createPool, type Pool, preferredKernels, type WorkerPort } from '@q/runtime';
import type { CollectionPlan } from '../statistics/collection-plan.ts';
import type { CalibrationInit, CalibrationMessage, CalibrationReply, SampleData } from './calibration-task.ts';

export interface CalibrationPool extends Pool<CalibrationMessage, CalibrationReply> {
  /** Whether the workers can decode images. */
  readonly decodes: boolean;
}

/** Workers cannot run TypeScript: from `src`, as in tests, they take the compiled task. */
const TASK = import.meta.url.endsWith('.ts') ? '../../dist/workers/calibration-task.js' : './calibration-task.js';

/** Starts workers that hold the network, ready for samples. */
export async function openPool(
  workers: number,
  graph: Graph,
  plan: CollectionPlan,
  spawn: ((index: number) => WorkerPort) | undefined,
): Promise<CalibrationPool> {
  const codecs = await loadCodecs();
  const init: CalibrationInit = {
    graph,
    plan,
    module: await compileKernels(preferredKernels()),
    codecs: codecs ?? new Map(),
  };
  const how = spawn === undefined ? { taskUrl: new URL(TASK, import.meta.url) } : { spawn };
  const pool = await createPool<CalibrationInit, CalibrationMessage, CalibrationReply>({ workers, init, ...how });
  return Object.assign(pool, { decodes: codecs !== undefined });
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
 * next one is read while it works. Images are decoded by the worker, where it can.
 */
export async function shareSamples(
  pool: CalibrationPool,
  dataset: Dataset,
  count: number,
  work: (worker: number, i: number, feeds: SampleData) => Promise<void>,
): Promise<void> {
  let next = 0;
  const read = (i: number): Promise<SampleData> =>
    pool.decodes && dataset.encoded !== undefined ? dataset.encoded(i).then(compact) : dataset.sample(i);
  const claim = (): { i: number; feeds: Promise<SampleData> } | undefined => {
    if (next >= count) return undefined;
    const i = next++;
    const feeds = read(i);
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

/** Bytes on their own: posting a view would copy everything around it, such as the archive that a file lies in. */
function compact({ inputs, images }: EncodedSample): EncodedSample {
  const own = (bytes: Uint8Array) => (bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice());
  return {
    inputs,
    images: images.map((batch) => batch.map(({ file, bytes }) => ({ file, bytes: own(bytes) }))),
  };
}
