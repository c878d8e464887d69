import type { Dataset } from '@q/dataset';
import { type Emit, type Graph, QError } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import type { Profile } from '../profile.ts';
import { sampleName, samplesAhead } from '../sample-source.ts';
import type { CollectionPlan } from './collection-plan.ts';
import { Collector, type Measurement, type SeenSample } from './collector.ts';
import { mergeStatistics } from './merge.ts';
import { RangeTracker } from './range-tracker.ts';
import { SampleNumbers } from './sample-numbers.ts';
import { TorchObserver } from './torch-observer.ts';
import { type ValueData, ValueKernels } from './value-kernels.ts';
import type { ValueStatistics } from './value-statistics.ts';
import { windowBetween } from './window-shape.ts';

/** What to collect, and from what. */
export interface CollectionJob {
  readonly graph: Graph;
  readonly dataset: Dataset;
  readonly sampleCount: number;
  readonly plan: CollectionPlan;
  readonly profile: Pick<Profile, 'statistics' | 'leastMagnitude'>;
  readonly histogramBins: number;
  /** PyTorch's observers instead of histograms: one sample after the other, whatever the number of workers. */
  readonly observer: boolean;
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

/** Looks at one value of one sample. */
type Look = (at: number, data: ValueData, sample: SeenSample) => void;

class Collection {
  readonly #job: CollectionJob;
  readonly #session: Session;
  readonly #kernels: ValueKernels;
  readonly #collector: Collector;
  readonly #tracker: RangeTracker;
  readonly #numbers: SampleNumbers;
  readonly #observers: TorchObserver[] | undefined;
  readonly #indexOf: ReadonlyMap<string, number>;

  constructor(job: CollectionJob, session: Session, kernels: ValueKernels) {
    const { plan, histogramBins } = job;
    this.#job = job;
    this.#session = session;
    this.#kernels = kernels;
    this.#collector = new Collector(plan, kernels);
    this.#tracker = trackerFor(job);
    this.#numbers = new SampleNumbers(plan, job.sampleCount);
    this.#observers = job.observer ? plan.values.map(() => new TorchObserver(histogramBins)) : undefined;
    this.#indexOf = new Map(plan.values.map(({ name }, at) => [name, at]));
  }

  async run(): Promise<ValueStatistics[]> {
    const { plan, profile } = this.#job;
    if (profile.statistics === 'one-pass') await this.#onePass();
    else await this.#twoPasses();
    if (plan.window) await this.#windows();
    const parts = [this.#collector.collected()];
    const merged = mergeStatistics(plan, { tracker: this.#tracker, numbers: this.#numbers, parts });
    const observers = this.#observers;
    if (observers === undefined) return merged;
    return merged.map((value, at) => ({ ...value, observed: observers[at]!.parameters() }));
  }

  async #onePass(): Promise<void> {
    const { plan } = this.#job;
    await this.#pass('statistics', (at, data, sample) => {
      const { min, max } = this.#measure(at, data, sample);
      this.#observers?.[at]?.observe(this.#kernels.view(data), min, max);
      const shape = this.#tracker.advance(at, min, max);
      if (plan.histogram && shape !== undefined) this.#collector.count(at, data, shape);
    });
  }

  async #twoPasses(): Promise<void> {
    const { plan } = this.#job;
    await this.#pass('ranges', (at, data, sample) => {
      const { min, max } = this.#measure(at, data, sample);
      this.#tracker.widen(at, min, max);
    });
    fixShapes(this.#tracker, plan);
    if (!plan.histogram) return;
    await this.#pass('histograms', (at, data) => {
      const shape = this.#tracker.shape(at);
      if (shape !== undefined) this.#collector.count(at, data, shape);
    });
  }

  async #windows(): Promise<void> {
    const shapes = windowShapes(this.#tracker, this.#job.plan);
    await this.#pass('histograms', (at, data) => {
      const shape = shapes[at];
      if (shape !== undefined) this.#collector.countWindow(at, data, shape);
    });
  }

  #measure(at: number, data: ValueData, sample: SeenSample): Measurement {
    const measured = this.#collector.measure(at, data, sample);
    this.#numbers.note(at, sample.index, measured.numbers);
    return measured;
  }

  async #pass(task: string, look: Look): Promise<void> {
    const { dataset, sampleCount, emit } = this.#job;
    for await (const { i, feeds } of samplesAhead(dataset, sampleCount)) {
      const sample = { index: i, name: sampleName(dataset, i) };
      const seen = new Set<number>();
      this.#session.run(feeds, (value, pointer, length) => {
        const at = this.#indexOf.get(value);
        if (at === undefined) return;
        seen.add(at);
        look(at, { pointer, length }, sample);
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

/** The tracker of running ranges that a job needs. */
export function trackerFor({ plan, histogramBins, profile }: CollectionJob): RangeTracker {
  return new RangeTracker(plan.values.length, histogramBins, profile.leastMagnitude);
}

/** Two-pass statistics: every histogram reaches from zero to the absolute maximum of all samples. */
export function fixShapes(tracker: RangeTracker, plan: CollectionPlan): void {
  plan.values.forEach((_, at) => {
    tracker.fix(at, tracker.absMax(at));
  });
}

/** Where the signed histograms lie once the extremes of all samples are known. */
export function windowShapes(tracker: RangeTracker, plan: CollectionPlan) {
  return plan.values.map((_, at) => windowBetween(tracker.min[at]!, tracker.max[at]!));
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
