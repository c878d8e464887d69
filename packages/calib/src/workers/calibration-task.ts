import { type CodecName, decodeSample, type EncodedSample, type Feeds, supplyCodec } from '@q/dataset';
import type { Graph } from '@q/ir';
import { createSession, type Session, type WorkerTask } from '@q/runtime';
import type { Distribution } from '../pooled/distribution.ts';
import { PooledCollector } from '../pooled/pooled-collector.ts';
import type { CollectionPlan } from '../statistics/collection-plan.ts';
import { type CollectedValue, Collector, type SeenSample } from '../statistics/collector.ts';
import type { HistogramShape } from '../statistics/histogram-shape.ts';
import { type ValueData, ValueKernels } from '../statistics/value-kernels.ts';
import type { WindowShape } from '../statistics/window-shape.ts';
import { measureScans } from '../tune/measure-scans.ts';
import type { Scan } from '../tune/scan.ts';

/** What every worker is started with. */
export interface CalibrationInit {
  readonly graph: Graph;
  readonly plan: CollectionPlan;
  /** Compiled kernels. */
  readonly module: WebAssembly.Module;
  /** Compiled image codecs; none where samples come decoded. */
  readonly codecs: ReadonlyMap<CodecName, WebAssembly.Module>;
}

/** A sample: prepared, or as image files that the worker is to decode. */
export type SampleData = Feeds | EncodedSample;

/** What one sample says about all values, by position in the plan. */
export interface MeasuredSample {
  readonly min: Float32Array;
  readonly max: Float32Array;
  /** As many per value as the plan asks for, value by value. */
  readonly numbers: Float64Array;
}

/** Histogram shapes by position in the plan; values without one are not counted. */
export type Shapes = readonly (HistogramShape | undefined)[];

/** Where signed histograms lie, by position in the plan. */
export type Windows = readonly (WindowShape | undefined)[];

/** What is asked of a worker. */
export type CalibrationMessage =
  /** Run a sample and measure its values. */
  | { readonly kind: 'measure'; readonly feeds: SampleData; readonly sample: SeenSample }
  /** Count the sample that was run last. */
  | { readonly kind: 'count'; readonly shapes: Shapes }
  /** Run a sample and count it. */
  | { readonly kind: 'run-and-count'; readonly feeds: SampleData; readonly shapes: Shapes }
  /** Run a sample and count its signed values. */
  | { readonly kind: 'run-and-count-window'; readonly feeds: SampleData; readonly windows: Windows }
  /** Hand over what was collected. */
  | { readonly kind: 'collected' }
  /** Run a sample and add its values to their distributions. */
  | { readonly kind: 'pool'; readonly feeds: SampleData; readonly sample: SeenSample }
  /** Hand over the distributions. */
  | { readonly kind: 'pooled' }
  /** Run a sample and measure the tuner's candidates on it. */
  | { readonly kind: 'scan'; readonly feeds: SampleData; readonly scans: readonly Scan[] };

export type CalibrationReply =
  | { readonly kind: 'measured'; readonly measured: MeasuredSample }
  | { readonly kind: 'counted' }
  | { readonly kind: 'collected'; readonly values: readonly CollectedValue[] }
  | { readonly kind: 'pooled'; readonly values: readonly Distribution[] }
  | { readonly kind: 'scanned'; readonly distances: readonly Float64Array[] };

/**
 * A worker of calibration: it runs a sample and keeps all of its activations, so that they can be counted once the
 * coordinator has derived the histogram shapes from all earlier samples.
 */
export async function createTask(init: CalibrationInit): Promise<WorkerTask<CalibrationMessage, CalibrationReply>> {
  const { graph, plan, module, codecs } = init;
  for (const [name, codec] of codecs) supplyCodec(name, codec);
  const session = await createSession(graph, { module, retain: 'all', nonFinite: 'allow' });
  return new CalibrationTask(plan, session);
}

class CalibrationTask implements WorkerTask<CalibrationMessage, CalibrationReply> {
  readonly #plan: CollectionPlan;
  readonly #session: Session;
  readonly #collector: Collector;
  readonly #pooled: PooledCollector;

  constructor(plan: CollectionPlan, session: Session) {
    this.#plan = plan;
    this.#session = session;
    const kernels = new ValueKernels(session.kernels, session);
    this.#collector = new Collector(plan, kernels);
    this.#pooled = new PooledCollector(plan, kernels);
  }

  async run(message: CalibrationMessage): Promise<CalibrationReply> {
    switch (message.kind) {
      case 'measure':
        await this.#infer(message.feeds);
        return { kind: 'measured', measured: this.#measure(message.sample) };
      case 'count':
        return this.#count(message.shapes);
      case 'run-and-count':
        await this.#infer(message.feeds);
        return this.#count(message.shapes);
      case 'run-and-count-window':
        await this.#infer(message.feeds);
        message.windows.forEach((shape, at) => {
          if (shape !== undefined) this.#collector.countWindow(at, this.#data(at), shape);
        });
        return { kind: 'counted' };
      case 'collected':
        return { kind: 'collected', values: this.#collector.collected() };
      case 'pool':
        await this.#infer(message.feeds);
        this.#plan.values.forEach((_, at) => {
          this.#pooled.add(at, this.#data(at), message.sample);
        });
        return { kind: 'counted' };
      case 'pooled':
        return { kind: 'pooled', values: this.#pooled.collected() };
      case 'scan':
        await this.#infer(message.feeds);
        return { kind: 'scanned', distances: measureScans(this.#session, message.scans, () => {}) };
    }
  }

  dispose(): void {
    this.#session.dispose();
  }

  async #infer(data: SampleData): Promise<void> {
    this.#session.run('images' in data ? await decodeSample(data) : data);
  }

  #measure(sample: SeenSample): MeasuredSample {
    const { values, numbers: kinds } = this.#plan;
    const min = new Float32Array(values.length);
    const max = new Float32Array(values.length);
    const numbers = new Float64Array(values.length * kinds.length);
    for (let at = 0; at < values.length; at++) {
      const measured = this.#collector.measure(at, this.#data(at), sample);
      min[at] = measured.min;
      max[at] = measured.max;
      numbers.set(measured.numbers, at * kinds.length);
    }
    return { min, max, numbers };
  }

  #count(shapes: Shapes): CalibrationReply {
    shapes.forEach((shape, at) => {
      if (shape !== undefined) this.#collector.count(at, this.#data(at), shape);
    });
    return { kind: 'counted' };
  }

  #data(at: number): ValueData {
    const { ptr, length } = this.#session.slot(this.#plan.values[at]!.name);
    return { pointer: ptr, length };
  }
}
