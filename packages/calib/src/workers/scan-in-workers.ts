import { evaluatedOps, type MeasureScans, reportTuning } from '../tune/tune.ts';
import { ask, type CalibrationPool, shareSamples } from './calibration-pool.ts';

/** Measures the tuner's scans with the samples shared out to workers. */
export function scanInWorkers(pool: CalibrationPool): MeasureScans {
  return async ({ dataset, sampleCount, emit }, scans) => {
    const opCount = evaluatedOps(scans);
    const measured: (readonly Float64Array[])[] = [];
    let done = 0;
    await shareSamples(pool, dataset, sampleCount, async (worker, i, feeds) => {
      measured[i] = (await ask(pool, worker, { kind: 'scan', feeds, scans }, 'scanned')).distances;
      done += opCount;
      reportTuning(emit, scans.at(-1)!.evaluated, done, opCount * sampleCount);
    });
    return measured;
  };
}
