import { type Kernels, loadKernels } from '@q/kernels-wasm';
import type { ObservedValue } from '../src/observed-values.ts';
import { profileOf } from '../src/profile.ts';
import { planCollection } from '../src/statistics/collection-plan.ts';
import { Collector } from '../src/statistics/collector.ts';
import { mergeStatistics } from '../src/statistics/merge.ts';
import { RangeTracker } from '../src/statistics/range-tracker.ts';
import { SampleNumbers } from '../src/statistics/sample-numbers.ts';
import { ValueKernels } from '../src/statistics/value-kernels.ts';
import type { ValueStatistics } from '../src/statistics/value-statistics.ts';
import { type MethodName, methodTable } from '../src/thresholds/method-table.ts';

export const kernels: Kernels = await loadKernels();
const memory = { allocate: (bytes: number) => kernels.arena.alloc(bytes), release: () => {} };

interface Options {
  readonly opIndex?: number;
  readonly opCount?: number;
  readonly bins?: number;
  /** How many collectors share the samples. */
  readonly collectors?: number;
}

/** One-pass statistics of one value from the arrays that it takes in each sample. */
export function statisticsOf(
  samples: readonly Float32Array[],
  method: MethodName,
  options: Options = {},
): ValueStatistics {
  const { opIndex = 0, opCount = 100, bins = 2048, collectors = 1 } = options;
  const op = { type: 'top.Relu', name: 'x' } as unknown as ObservedValue['op'];
  const observed = { values: [{ name: 'x', op, opIndex, elements: samples[0]!.length }], opCount };
  const { needs } = methodTable[method];
  const { percentileTails } = profileOf('v1.9');
  const plan = planCollection(observed, needs, { sampleCount: samples.length, percentileTails });
  const tracker = new RangeTracker(1, bins);
  const workers = Array.from({ length: collectors }, () => new Collector(plan, new ValueKernels(kernels, memory)));
  const numbers = new SampleNumbers(plan, samples.length);
  for (const [k, sample] of samples.entries()) {
    const mark = kernels.arena.mark();
    const data = { pointer: kernels.arena.place(sample), length: sample.length };
    const measured = workers[k % collectors]!.measure(0, data, { index: k, name: String(k) });
    numbers.note(0, k, measured.numbers);
    const shape = tracker.advance(0, measured.min, measured.max);
    if (plan.histogram && shape !== undefined) workers[k % collectors]!.count(0, data, shape);
    if (collectors === 0) kernels.arena.reset(mark);
  }
  const parts = workers.map((worker) => worker.collected());
  return mergeStatistics(plan, { tracker, numbers, parts })[0]!;
}
