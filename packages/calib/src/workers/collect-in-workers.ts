import { sampleName } from '../sample-source.ts';
import { type CollectionJob, fixShapes, reportSample, trackerFor, windowShapes } from '../statistics/collect.ts';
import { mergeStatistics } from '../statistics/merge.ts';
import type { RangeTracker } from '../statistics/range-tracker.ts';
import { SampleNumbers } from '../statistics/sample-numbers.ts';
import type { ValueStatistics } from '../statistics/value-statistics.ts';
import { Baton } from './baton.ts';
import { ask, type CalibrationPool, shareSamples } from './calibration-pool.ts';
import type { CalibrationMessage, MeasuredSample, SampleData } from './calibration-task.ts';

/**
 * The same statistics as `collectStatistics`, to the bit, with the samples shared out to workers. Running ranges are
 * handed on in sample order (the baton); the histogram shapes that follow from them go back to the worker that still holds
 * the sample. Counts are whole numbers, so their sum does not depend on who counted.
 */
export async function collectInWorkers(job: CollectionJob, pool: CalibrationPool): Promise<ValueStatistics[]> {
  const { plan } = job;
  const tracker = trackerFor(job);
  const numbers = new SampleNumbers(plan, job.sampleCount);
  const perValue = plan.numbers.length;
  const note = (i: number, measured: MeasuredSample): void =>
    plan.values.forEach((_, at) => {
      numbers.note(at, i, measured.numbers.subarray(at * perValue, (at + 1) * perValue));
    });
  if (job.profile.statistics === 'one-pass') await onePass(job, pool, tracker, note);
  else await twoPasses(job, pool, tracker, note);
  if (plan.window) {
    const windows = windowShapes(tracker, plan);
    await countAgain(job, pool, (feeds) => ({ kind: 'run-and-count-window', feeds, windows }));
  }
  const parts = (await pool.broadcast({ kind: 'collected' })).flatMap((reply) =>
    reply.kind === 'collected' ? [reply.values] : [],
  );
  return mergeStatistics(plan, { tracker, numbers, parts });
}

type Note = (i: number, measured: MeasuredSample) => void;

async function onePass(job: CollectionJob, pool: CalibrationPool, tracker: RangeTracker, note: Note): Promise<void> {
  const { dataset, sampleCount, plan, emit } = job;
  const baton = new Baton();
  await shareSamples(pool, dataset, sampleCount, async (worker, i, feeds) => {
    const sample = { index: i, name: sampleName(dataset, i) };
    const { measured } = await ask(pool, worker, { kind: 'measure', feeds, sample }, 'measured');
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
    const sample = { index: i, name: sampleName(dataset, i) };
    const { measured } = await ask(pool, worker, { kind: 'measure', feeds, sample }, 'measured');
    await ranges.pass(i, () => {
      note(i, measured);
      plan.values.forEach((_, at) => {
        tracker.widen(at, measured.min[at]!, measured.max[at]!);
      });
      reportSample(emit, 'ranges', i, sampleCount);
    });
  });
  fixShapes(tracker, plan);
  if (!plan.histogram) return;
  const shapes = plan.values.map((_, at) => tracker.shape(at));
  await countAgain(job, pool, (feeds) => ({ kind: 'run-and-count', feeds, shapes }));
}

/** A pass that only counts, in shapes that are known beforehand. */
async function countAgain(
  { dataset, sampleCount, emit }: CollectionJob,
  pool: CalibrationPool,
  message: (feeds: SampleData) => CalibrationMessage,
): Promise<void> {
  const baton = new Baton();
  await shareSamples(pool, dataset, sampleCount, async (worker, i, feeds) => {
    await ask(pool, worker, message(feeds), 'counted');
    await baton.pass(i, () => reportSample(emit, 'histograms', i, sampleCount));
  });
}
