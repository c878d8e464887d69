import type { Op } from '@q/ir';
import { createSession, type OpBench, type Session } from '@q/runtime';
import { samplesAhead } from '../sample-source.ts';
import { quantizeSlot, relativeDistance, SUMS_BYTES } from './measure-scans.ts';
import { bestCandidate, candidateOf, refinedBest, refinedScan, type Scan, scanOf, tunedInputs } from './scan.ts';
import { reportTuning, type TuneJob } from './tune.ts';

/** The values of one tuning sample, by name. */
interface SampleValues {
  readonly float: Map<string, Float32Array>;
  /** What the ops gave on quantized inputs. */
  readonly accumulated: Map<string, Float32Array>;
}

/**
 * The tuner with `not_use_fp32_tensor_as_ref` (calibration.md 1.2): ops read what the quantized ops before them gave instead
 * of float values, with the thresholds as raised so far; their results are still compared with the float ones. One scan
 * depends on those before it, so it runs on one thread and holds all values of the tuning samples.
 */
export async function tuneAccumulated(job: TuneJob): Promise<ReadonlyMap<string, number>> {
  const session = await createSession(job.graph, { retain: 'all', nonFinite: 'allow' });
  try {
    return await new AccumulatedTuner(job, session).run();
  } finally {
    session.dispose();
  }
}

class AccumulatedTuner {
  readonly #job: TuneJob;
  readonly #session: Session;
  readonly #samples: SampleValues[] = [];
  readonly #thresholds: Map<string, number>;
  readonly #producers: ReadonlyMap<string, Op>;

  constructor(job: TuneJob, session: Session) {
    this.#job = job;
    this.#session = session;
    this.#thresholds = new Map([...job.ranges].map(([name, { start }]) => [name, start]));
    this.#producers = new Map(job.graph.ops.flatMap((op) => resultsOf(op).map((name) => [name, op] as const)));
  }

  async run(): Promise<ReadonlyMap<string, number>> {
    const { graph, ranges, rules, emit } = this.#job;
    await this.#readSamples();
    const initial = new Map(this.#thresholds);
    const places = tunedInputs(graph);
    places.forEach((place, at) => {
      for (const name of place.inputs) this.#accumulate(name);
      const scan = scanOf(place, ranges, rules);
      if (scan !== undefined) this.#scan(place.op, scan);
      reportTuning(emit, place.op.name, at + 1, places.length);
    });
    return new Map([...this.#thresholds].filter(([name, threshold]) => threshold > initial.get(name)!));
  }

  async #readSamples(): Promise<void> {
    const { dataset, sampleCount, graph } = this.#job;
    for await (const { feeds } of samplesAhead(dataset, sampleCount)) {
      this.#session.run(feeds);
      const float = new Map([...graph.values.keys()].map((name) => [name, this.#session.read(name) as Float32Array]));
      this.#samples.push({ float, accumulated: new Map() });
    }
  }

  #activations({ inputs }: Op): string[] {
    return [...new Set(inputs)].filter((name): name is string => name !== null && this.#producers.has(name));
  }

  /** Computes a value on quantized inputs, unless it is there, with the thresholds as they are now. */
  #accumulate(name: string): void {
    if (this.#samples[0]?.accumulated.has(name) !== false) return;
    const producer = this.#producers.get(name)!;
    const inputs = this.#activations(producer);
    for (const input of inputs) this.#accumulate(input);
    if (inputs.length === 0) {
      for (const { float, accumulated } of this.#samples) accumulated.set(name, float.get(name)!);
      return;
    }
    const bench = this.#session.openOp(producer.name);
    for (const sample of this.#samples) {
      this.#feed(bench, sample, inputs, (input) => this.#thresholds.get(input)!);
      bench.run();
      for (const [result, data] of bench.results()) sample.accumulated.set(result, data as Float32Array);
    }
    bench.dispose();
  }

  #scan(op: Op, scan: Scan): void {
    const bench = this.#session.openOp(op.name);
    let record = bestCandidate(scan, this.#distances(bench, scan), this.#job.choice);
    if (this.#job.rules.findLower) {
      const finer = refinedScan(scan, record);
      record = refinedBest(finer, this.#distances(bench, finer), record);
    }
    if (record.threshold > this.#thresholds.get(scan.tuned)!) this.#thresholds.set(scan.tuned, record.threshold);
    bench.dispose();
  }

  /** Mean over the samples, by candidate. */
  #distances(bench: OpBench, scan: Scan): Float64Array {
    const means = new Float64Array(scan.steps + 1);
    const { kernels } = this.#session;
    const length = this.#session.slot(scan.result).length;
    const sums = this.#session.allocate(SUMS_BYTES);
    const reference = this.#session.allocate(length * 4);
    for (const sample of this.#samples) {
      new Float32Array(kernels.memory.buffer, reference, length).set(sample.float.get(scan.result)!);
      means.forEach((sum, i) => {
        this.#feed(bench, sample, scan.inputs, () => candidateOf(scan, i));
        bench.run();
        means[i] = sum + relativeDistance(kernels, { ptr: reference, length }, bench.slot(scan.result), sums);
      });
    }
    this.#session.release(reference);
    this.#session.release(sums);
    return means.map((sum) => sum / this.#samples.length);
  }

  #feed(
    bench: OpBench,
    { accumulated }: SampleValues,
    inputs: readonly string[],
    threshold: (input: string) => number,
  ): void {
    for (const input of inputs) {
      const slot = bench.slot(input);
      slot.view().set(accumulated.get(input)! as never);
      quantizeSlot(this.#session.kernels, slot, slot, threshold(input));
    }
  }
}

function resultsOf({ outputs }: Op): string[] {
  return outputs.filter((name): name is string => name !== null);
}
