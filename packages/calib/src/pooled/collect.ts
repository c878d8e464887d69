import { createSession } from '@q/runtime';
import { sampleName, samplesAhead } from '../sample-source.ts';
import { type CollectionJob, reportSample } from '../statistics/collect.ts';
import { ValueKernels } from '../statistics/value-kernels.ts';
import { ask, type CalibrationPool, shareSamples } from '../workers/calibration-pool.ts';
import { type Distribution, mergeDistributions } from './distribution.ts';
import { PooledCollector } from './pooled-collector.ts';

/** The distribution of every observed value over all samples, in one pass. */
export async function collectPooled(job: CollectionJob): Promise<Distribution[]> {
  const { graph, dataset, sampleCount, plan, emit } = job;
  const session = await createSession(graph, { nonFinite: 'allow' });
  const kernels = new ValueKernels(session.kernels, session);
  const collector = new PooledCollector(plan, kernels);
  const indexOf = new Map(plan.values.map(({ name }, at) => [name, at]));
  try {
    for await (const { i, feeds } of samplesAhead(dataset, sampleCount)) {
      const sample = { index: i, name: sampleName(dataset, i) };
      session.run(feeds, (value, pointer, length) => {
        const at = indexOf.get(value);
        if (at !== undefined) collector.add(at, { pointer, length }, sample);
      });
      reportSample(emit, 'statistics', i, sampleCount);
    }
    return collector.collected();
  } finally {
    kernels.release();
    session.dispose();
  }
}

/** The same with the samples shared out to workers: what they collected is merged, in any order. */
export async function collectPooledInWorkers(job: CollectionJob, pool: CalibrationPool): Promise<Distribution[]> {
  const { dataset, sampleCount, emit } = job;
  let done = 0;
  await shareSamples(pool, dataset, sampleCount, async (worker, i, feeds) => {
    await ask(pool, worker, { kind: 'pool', feeds, sample: { index: i, name: sampleName(dataset, i) } }, 'counted');
    reportSample(emit, 'statistics', done++, sampleCount);
  });
  const [first = [], ...others] = (await pool.broadcast({ kind: 'pooled' })).flatMap((reply) =>
    reply.kind === 'pooled' ? [reply.values] : [],
  );
  return others.reduce<Distribution[]>(
    (all, part) => all.map((own, at) => mergeDistributions(own, part[at]!)),
    [...first],
  );
}
