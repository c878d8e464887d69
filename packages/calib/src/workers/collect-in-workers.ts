import { sampleName } from '../sample-source.ts';
import { type CollectionJob, perSampleNumbers, reportSample } from '../statistics/collect.ts';
import type { HistogramShape } from '../statistics/histogram-shape.ts';
import { mergeStatistics } from '../statistics/merge.ts';
import { RangeTracker } from '../statistics/range-tracker.ts';
import type { ValueStatistics } from '../statistics/value-statistics.ts';
import { Baton } from './baton.ts';
import type { RemoteWorker } from './remote-worker.ts';
import type { MeasuredSample } from './service.ts';
import { shareSamples } from './share-samples.ts';

/**
 * The same statistics as `collectStatistics`, to the bit, with the samples shared out to workers. Running ranges are
 * handed on in sample order (the baton); the histogram shapes that follow from them go back to the worker that still holds
 * the sample. Counts are whole numbers, so their sum does not depend on who counted.
 */
export async function collectInWorkers(
  job: CollectionJob,
  workers: readonly RemoteWorker[],
): Promise<ValueStatistics[]> {
  const tracker = new RangeTracker(job.plan.values.length, job.histogramBins);
  const perSample = perSampleNumbers(job);
  const note = (i: number, { numbers }: MeasuredSample): void => {
    numbers?.forEach((value, at) => {
      perSample![at]![i] = value;
    });
  };
  if (job.statistics === 'one-pass') await onePass(job, workers, tracker, note);
  else await twoPasses(job, workers, tracker, note);
  const parts = await Promise.all(workers.map((worker) => worker.call('collected', undefined)));
  return mergeStatistics(job.plan, tracker, parts, perSample);
}

type Note = (i: number, measured: MeasuredSample) => void;

async function onePass(
  job: CollectionJob,
  workers: readonly RemoteWorker[],
  tracker: RangeTracker,
  note: Note,
): Promise<void> {
  const { dataset, sampleCount, plan, emit } = job;
  const baton = new Baton();
  await shareSamples(workers, dataset, sampleCount, async (worker, i, feeds) => {
    const measured = await worker.call('measure', { feeds, sample: sampleName(dataset, i) });
    const shapes = await baton.pass(i, () => {
      note(i, measured);
      reportSample(emit, 'statistics', i, sampleCount);
      return plan.values.map((_, at) => tracker.advance(at, measured.min[at]!, measured.max[at]!));
    });
    if (plan.histogram) await worker.call('count', { shapes });
  });
}

async function twoPasses(
  job: CollectionJob,
  workers: readonly RemoteWorker[],
  tracker: RangeTracker,
  note: Note,
): Promise<void> {
  const { dataset, sampleCount, plan, emit } = job;
  const ranges = new Baton();
  await shareSamples(workers, dataset, sampleCount, async (worker, i, feeds) => {
    const measured = await worker.call('measure', { feeds, sample: sampleName(dataset, i) });
    await ranges.pass(i, () => {
      note(i, measured);
      plan.values.forEach((_, at) => {
        tracker.widen(at, measured.min[at]!, measured.max[at]!);
      });
      reportSample(emit, 'ranges', i, sampleCount);
    });
  });
  if (!plan.histogram) return;
  const shapes = plan.values.map((_, at): HistogramShape | undefined => {
    tracker.fix(at, tracker.absMax(at));
    return tracker.shape(at);
  });
  const histograms = new Baton();
  await shareSamples(workers, dataset, sampleCount, async (worker, i, feeds) => {
    await worker.call('runAndCount', { feeds, shapes });
    await histograms.pass(i, () => reportSample(emit, 'histograms', i, sampleCount));
  });
}
