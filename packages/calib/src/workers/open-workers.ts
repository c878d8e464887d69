import type { Graph } from '@q/ir';
import { compileKernels } from '@q/kernels-wasm';
import type { CollectionPlan } from '../statistics/collection-plan.ts';
import type { Port } from './port.ts';
import { RemoteWorker } from './remote-worker.ts';

/** Starts `count` workers that hold the network, ready for samples. */
export async function openWorkers(
  count: number,
  graph: Graph,
  plan: CollectionPlan,
  spawn: () => Port,
): Promise<RemoteWorker[]> {
  const module = await compileKernels();
  const workers = Array.from({ length: count }, () => new RemoteWorker(spawn()));
  try {
    await Promise.all(workers.map((worker) => worker.call('open', { graph, plan, module })));
  } catch (error) {
    for (const worker of workers) worker.close();
    throw error;
  }
  return workers;
}
