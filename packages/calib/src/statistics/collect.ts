import type { Dataset } from '@q/dataset';
import { type Emit, type Graph, QError } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import type { Profile } from '../profile.ts';
import { sampleName, samplesAhead } from '../sample-source.ts';
import type { CollectionPlan } from './collection-plan.ts';
import { Collector, type Measurement } from './collector.ts';
import { mergeStatistics } from './merge.ts';
import { RangeTracker } from './range-tracker.ts';
import { type ValueData, ValueKernels } from './value-kernels.ts';
import type { ValueStatistics } from './value-statistics.ts';

/** What to collect, and from what. */
export interface CollectionJob {
  readonly graph: Graph;
  readonly dataset: Dataset;
  readonly sampleCount: number;
  readonly plan: CollectionPlan;
  readonly statistics: Profile['statistics'];
  readonly histogramBins: number;
  readonly emit: Emit;
}

/** Statistics of every observed value over all samples, gathered while each value is still in cache. */
export async function collectStatistics(job: CollectionJob): Promise<ValueStatistics[]> {
  const session = await createSession(job.graph, { nonFinite: 'allow' });
  const kernels = new ValueKernels(session.kernels, session);
  try {
    return await new Collection(job, session, kernels).run();
  } finally {
    kernels.release();
    session.dispose();
  }
}

class Collection {
  readonly #job: CollectionJob;
  readonly #session: Session;
  readonly #collector: Collector;
  readonly #tracker: RangeTracker;
  readonly #perSample: Float64Array[] | undefined;
  readonly #indexOf: ReadonlyMap<string, number>;

  constructor(job: CollectionJob, session: Session, kernels: ValueKernels) {
    this.#job = job;
    this.#session = session;
    this.#collector = new Collector(job.plan, kernels);
    this.#tracker = new RangeTracker(job.plan.values.length, job.histogramBins);
    this.#perSample = perSampleNumbers(job);
    this.#indexOf = new Map(job.plan.values.map(({ name }, at) => [name, at]));
  }

  async run(): Promise<ValueStatistics[]> {
    const { plan, statistics } = this.#job;
    if (statistics === 'one-pass') {
      await this.#pass('statistics', (at, data, i, sample) => {
        const measured = this.#measure(at, data, i, sample);
        const shape = this.#tracker.advance(at, measured.min, measured.max);
        if (plan.histogram && shape !== undefined) this.#collector.count(at, data, shape);
      });
    } else {
      await this.#pass('ranges', (at, data, i, sample) => {
        const { min, max } = this.#measure(at, data, i, sample);
        this.#tracker.widen(at, min, max);
      });
      plan.values.forEach((_, at) => {
        this.#tracker.fix(at, this.#tracker.absMax(at));
      });
      if (plan.histogram) {
        await this.#pass('histograms', (at, data) => {
          const shape = this.#tracker.shape(at);
          if (shape !== undefined) this.#collector.count(at, data, shape);
        });
      }
    }
    return mergeStatistics(plan, this.#tracker, [this.#collector.collected()], this.#perSample);
  }

  #measure(at: number, data: ValueData, i: number, sample: string): Measurement {
    const measured = this.#collector.measure(at, data, sample);
    if (this.#perSample !== undefined) this.#perSample[at]![i] = measured.sampleNumber!;
    return measured;
  }

  async #pass(task: string, look: (at: number, data: ValueData, i: number, sample: string) => void): Promise<void> {
    const { dataset, sampleCount, emit } = this.#job;
    for await (const { i, feeds } of samplesAhead(dataset, sampleCount)) {
      const sample = sampleName(dataset, i);
      const seen = new Set<number>();
      this.#session.run(feeds, (value, pointer, length) => {
        const at = this.#indexOf.get(value);
        if (at === undefined) return;
        seen.add(at);
        look(at, { pointer, length }, i, sample);
      });
      this.#checkSeen(seen);
      reportSample(emit, task, i, sampleCount);
    }
  }

  /** A value that inference never gives would get a row of infinities. */
  #checkSeen(seen: ReadonlySet<number>): void {
    const missing = this.#job.plan.values.filter((_, at) => !seen.has(at)).map(({ name }) => name);
    if (missing.length > 0) throw unobserved(missing);
  }
}

export function perSampleNumbers({
  plan,
  sampleCount,
}: Pick<CollectionJob, 'plan' | 'sampleCount'>): Float64Array[] | undefined {
  return plan.perSample === undefined ? undefined : plan.values.map(() => new Float64Array(sampleCount));
}

/** Progress with the caption of the original (calibration.md 2.4). */
export function reportSample(emit: Emit, task: string, i: number, total: number): void {
  emit({ type: 'progress', task, done: i + 1, total, label: `activation_collect_and_calc_th for sample: ${i}` });
}

export function unobserved(names: readonly string[]): QError {
  return new QError(`Inference gives no value for ${names.join(', ')}.`, {
    code: 'calib.unobserved',
    where: names[0]!,
    expected: 'a graph whose constants are folded into weights',
  });
}
