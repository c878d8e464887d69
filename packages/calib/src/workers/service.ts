import type { Feeds } from '@q/dataset';
import type { Graph } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import type { CollectionPlan } from '../statistics/collection-plan.ts';
import { type CollectedValue, Collector } from '../statistics/collector.ts';
import type { HistogramShape } from '../statistics/histogram-shape.ts';
import { type ValueData, ValueKernels } from '../statistics/value-kernels.ts';
import { measureScans } from '../tune/measure-scans.ts';
import type { Scan } from '../tune/scan.ts';

/** What a worker is opened with. */
export interface ServiceSetup {
  readonly graph: Graph;
  readonly plan: CollectionPlan;
  /** Compiled kernels. */
  readonly module: WebAssembly.Module;
}

/** What one sample says about all values, by position in the plan. */
export interface MeasuredSample {
  readonly min: Float32Array;
  readonly max: Float32Array;
  readonly numbers?: Float64Array;
}

/**
 * What a worker does: it runs a sample and keeps all of its activations, so that they can be counted or scanned once the
 * coordinator has derived from all earlier samples how. Calls come one after the other.
 */
export class CalibrationService {
  readonly #plan: CollectionPlan;
  readonly #session: Session;
  readonly #collector: Collector;

  private constructor(plan: CollectionPlan, session: Session) {
    this.#plan = plan;
    this.#session = session;
    this.#collector = new Collector(plan, new ValueKernels(session.kernels, session));
  }

  static async open({ graph, plan, module }: ServiceSetup): Promise<CalibrationService> {
    return new CalibrationService(plan, await createSession(graph, { module, retain: 'all', nonFinite: 'allow' }));
  }

  /** Runs a sample. */
  run(feeds: Feeds): void {
    this.#session.run(feeds);
  }

  /** Measures the sample that was run last. */
  measure(sample: string): MeasuredSample {
    const { values, perSample } = this.#plan;
    const min = new Float32Array(values.length);
    const max = new Float32Array(values.length);
    const numbers = perSample === undefined ? undefined : new Float64Array(values.length);
    for (let at = 0; at < values.length; at++) {
      const measured = this.#collector.measure(at, this.#data(at), sample);
      min[at] = measured.min;
      max[at] = measured.max;
      if (numbers !== undefined) numbers[at] = measured.sampleNumber!;
    }
    return numbers === undefined ? { min, max } : { min, max, numbers };
  }

  /** Counts the sample that was run last; values without a shape are left out. */
  count(shapes: readonly (HistogramShape | undefined)[]): void {
    shapes.forEach((shape, at) => {
      if (shape !== undefined) this.#collector.count(at, this.#data(at), shape);
    });
  }

  collected(): CollectedValue[] {
    return this.#collector.collected();
  }

  /** Distances of the tuner's candidates on the sample that was run last. */
  scan(scans: readonly Scan[]): Float64Array[] {
    return measureScans(this.#session, scans, () => {});
  }

  #data(at: number): ValueData {
    const { ptr, length } = this.#session.slot(this.#plan.values[at]!.name);
    return { pointer: ptr, length };
  }
}
