import { evaluatedOps, type MeasureScans, reportTuning } from '../tune/tune.ts';
import type { RemoteWorker } from './remote-worker.ts';
import { shareSamples } from './share-samples.ts';

/** Measures the tuner's scans with the samples shared out to workers. */
export function scanInWorkers(workers: readonly RemoteWorker[]): MeasureScans {
  return async ({ dataset, sampleCount, emit }, scans) => {
    const opCount = evaluatedOps(scans);
    const measured: Float64Array[][] = [];
    let done = 0;
    await shareSamples(workers, dataset, sampleCount, async (worker, i, feeds) => {
      measured[i] = await worker.call('scan', { feeds, scans });
      done += opCount;
      reportTuning(emit, scans.at(-1)!.evaluated, done, opCount * sampleCount);
    });
    return measured;
  };
}
