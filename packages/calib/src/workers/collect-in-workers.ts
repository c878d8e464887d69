import { sampleName } from '../sample-source.ts';
import { type CollectionJob, perSampleNumbers, reportSample } from '../statistics/collect.ts';
import type { HistogramShape } from '../statistics/histogram-shape.ts';
import { mergeStatistics } from '../statistics/merge.ts';
import { RangeTracker } from '../statistics/range-tracker.ts';
import type { ValueStatistics } from '../statistics/value-statistics.ts';
import { Baton } from './baton.ts';
import { ask, type CalibrationPool, shareSamples } from './calibration-pool.ts';
import type { MeasuredSample } from './calibration-task.ts';

/**
 * The same statistics as `collectStatistics`, to the bit, with the samples shared out to workers. Running ranges are
 * handed on in sample order (the baton); the histogram shapes that follow from them go back to the worker that still holds
 * the sample. Counts are whole numbers, so their sum does not depend on who counted.
 */
export async function collectInWorkers(job: CollectionJob, pool: CalibrationPool): Promise<ValueStatistics[]> {
  const tracker = new RangeTracker(job.plan.values.length, job.histogramBins);
  const perSample = perSampleNumbers(job);
  const note = (i: number, { numbers }: MeasuredSample): void => {
    numbers?.forEach((value, at) => {
      perSample![at]![i] = value;
    });
  };
  if (job.statistics === 'one-pass') await onePass(job, pool, tracker, note);
  else await twoPasses(job, pool, tracker, note);
  const parts = (await pool.broadcast({ kind: 'collected' })).flatMap((reply) =>
    reply.kind === 'collected' ? [reply.values] : [],
  );
  return mergeStatistics(job.plan, tracker, parts, perSample);
}

type Note = (i: number, measured: MeasuredSample) => void;

async function onePass(job: CollectionJob, pool: CalibrationPool, tracker: RangeTracker, note: Note): Promise<void> {
  const { dataset, sampleCount, plan, emit } = job;
  const baton = new Baton();
  await shareSamples(pool, dataset, sampleCount, async (worker, i, feeds) => {
    const { measured } = await ask(
      pool,
      worker,
      { kind: 'measure', feeds, sample: sampleName(dataset, i) },
      'measured',
    );
    const shapes = await baton.pass(i, () => {
      note(i, measured);
      reportSample(emit, 'statistics', i, sampleCount);
      return plan.values.map((_, at) => tracker.advance(at, measured.min[at]!, measured.max[at]!));
    });
    if (plan.histogram) await ask(pool, worker, { kind: 'count', shapes }, 'counted');
  });
}

async function twoPasses(job: CollectionJob, pool: CalibrationPool, tracker: RangeTracker, note: Note): Promise<void> {
  const { dataset, sampleCount, plan, emit } = job;
  const ranges = new Baton();
  await shareSamples(pool, dataset, sampleCount, async (worker, i, feeds) => {
    const { measured } = await ask(
      pool,
      worker,
      { kind: 'measure', feeds, sample: sampleName(dataset, i) },
      'measured',
    );
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
  await shareSamples(pool, dataset, sampleCount, async (worker, i, feeds) => {
    await ask(pool, worker, { kind: 'run-and-count', feeds, shapes }, 'counted');
    await histograms.pass(i, () => reportSample(emit, 'histograms', i, sampleCount));
  });
}
