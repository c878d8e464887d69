import type { Dataset } from '@q/dataset';
import { type Emit, type Graph, type Op, typeOf, type Weight } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import { samplesAhead } from '../sample-source.ts';
import { insertMul } from './insert-mul.ts';
import { ProductLoss } from './product-loss.ts';
import { type SmoothingPlace, smoothingPlaces, splitReaders } from './smoothing-places.ts';
import { CANDIDATES, candidateScales, smoothedActivations, smoothedWeights } from './smoothing-scales.ts';

/** What activations are measured on. */
export interface SmoothQuantJob {
  readonly graph: Graph;
  readonly dataset: Dataset;
  readonly sampleCount: number;
  readonly emit?: Emit;
}

export interface SmoothQuant {
  /** Computes the same, with the range of channels moved from activations into constants. */
  readonly graph: Graph;
  /** Layers whose channels were scaled, with what they were divided by. */
  readonly smoothed: ReadonlyMap<string, Float32Array>;
  /** A Mul was put in somewhere. */
  readonly rewritten: boolean;
}

/**
 * SmoothQuant (calibration.md 12, `--sq`): channels of large activations are divided by what the constants behind them are
 * multiplied by. Of 41 candidates per layer that wins which brings the products on int8 codes closest to the float ones,
 * summed over the samples. Two passes over the samples; no activations are kept.
 */
export async function smoothActivations(job: SmoothQuantJob): Promise<SmoothQuant> {
  const split = splitReaders(job.graph);
  const graph = split.reduce((before, { norm, products }) => withUnitMul(before, norm, products), job.graph);
  const places = smoothingPlaces(graph);
  places.forEach(({ op }, i) => {
    job.emit?.({ type: 'line', text: `smooth op ${i} ${op.name}` });
  });
  const rewritten = split.length > 0;
  if (places.length === 0) return { graph, smoothed: new Map(), rewritten };
  const run = await SmoothingRun.open({ ...job, graph }, places);
  try {
    await run.measureRanges();
    await run.measureLosses();
    return { ...run.apply(), rewritten };
  } finally {
    run.dispose();
  }
}

function withUnitMul(graph: Graph, norm: string, readers: ReadonlySet<string>): Graph {
  const shape = [typeOf(graph, norm)!.shape.at(-1)!];
  return insertMul(graph, {
    after: norm,
    name: `Mul_after_${norm}`,
    weightName: `${norm}_scaled_weight`,
    shape,
    factors: new Float32Array(shape[0]!).fill(1),
    readers,
  });
}

/** A place, and what is known of it. */
interface Measured {
  readonly place: SmoothingPlace;
  /** Largest magnitude of every channel. */
  readonly ranges: Float32Array;
  /** What is tried; known once the ranges are. */
  candidates: readonly Float32Array[];
  /** By candidate. */
  readonly losses: Float64Array;
  /** By user of the place. */
  readonly products: readonly ProductLoss[];
}

class SmoothingRun {
  readonly #job: SmoothQuantJob;
  readonly #session: Session;
  readonly #places: ReadonlyMap<string, Measured>;

  private constructor(job: SmoothQuantJob, session: Session, places: ReadonlyMap<string, Measured>) {
    this.#job = job;
    this.#session = session;
    this.#places = places;
  }

  static async open(job: SmoothQuantJob, places: readonly SmoothingPlace[]): Promise<SmoothingRun> {
    const { graph } = job;
    const measured = new Map<string, Measured>();
    for (const place of places) {
      const rows = typeOf(graph, place.op.name)!.shape.reduce((product, dim) => product * dim, 1) / place.channels;
      const open = ({ inputs }: Op) => ProductLoss.open(rows, graph.weights.get(inputs[1]!)!);
      const products = await Promise.all(place.users.map(open));
      const ranges = new Float32Array(place.channels);
      const losses = new Float64Array(CANDIDATES);
      measured.set(place.op.name, { place, ranges, candidates: [], losses, products });
    }
    return new SmoothingRun(job, await createSession(graph, { nonFinite: 'allow' }), measured);
  }

  dispose(): void {
    this.#session.dispose();
    for (const { products } of this.#places.values()) for (const product of products) product.dispose();
  }

  async measureRanges(): Promise<void> {
    await this.#pass('ranges', ({ ranges }, values) => {
      for (let i = 0; i < values.length; i++) {
        const c = i % ranges.length;
        ranges[c] = Math.max(ranges[c]!, Math.abs(values[i]!));
      }
    });
    for (const measured of this.#places.values()) {
      const rows = new Float32Array(measured.place.channels);
      for (const { inputs } of measured.place.users) widenRows(rows, this.#constant(inputs[1]!));
      measured.candidates = candidateScales(measured.ranges, rows);
    }
  }

  async measureLosses(): Promise<void> {
    await this.#pass('losses', ({ place, ranges, candidates, losses, products }, values) => {
      for (const product of products) product.reference(values);
      candidates.forEach((scales, k) => {
        const x = smoothedActivations(values, scales, ranges);
        place.users.forEach(({ inputs }, at) => {
          losses[k]! += products[at]!.against(x, smoothedWeights(this.#constant(inputs[1]!), scales));
        });
      });
    });
  }

  /** The scales of least loss, taken from the layers and given to the constants. */
  apply(): Pick<SmoothQuant, 'graph' | 'smoothed'> {
    const { graph } = this.#job;
    const weights = new Map(graph.weights);
    const smoothed = new Map<string, Float32Array>();
    for (const [name, { place, candidates, losses }] of this.#places) {
      const scales = candidates[firstOfLeast(losses)];
      if (scales === undefined) continue;
      for (const own of place.op.inputs.slice(1)) {
        if (own !== null) change(weights, own, (value, i) => value / scales[i % scales.length]!);
      }
      for (const { inputs } of place.users) {
        const columns = weights.get(inputs[1]!)!.data.length / scales.length;
        change(weights, inputs[1]!, (value, i) => value * scales[Math.floor(i / columns)]!);
      }
      smoothed.set(name, scales);
    }
    return { graph: { ...graph, weights }, smoothed };
  }

  #constant(name: string): Float32Array {
    return this.#job.graph.weights.get(name)!.data as Float32Array;
  }

  async #pass(task: string, look: (measured: Measured, values: Float32Array) => void): Promise<void> {
    const { dataset, sampleCount, emit = () => {} } = this.#job;
    for await (const { i, feeds } of samplesAhead(dataset, sampleCount)) {
      this.#session.run(feeds, (name, pointer, length) => {
        const measured = this.#places.get(name);
        if (measured === undefined) return;
        look(measured, new Float32Array(this.#session.kernels.memory.buffer, pointer, length));
      });
      const label = `SmoothQuant for sample ${i}`;
      emit({ type: 'progress', task: `SmoothQuant ${task}`, done: i + 1, total: sampleCount, label });
    }
  }
}

/**
 * Losses that are equal but for rounding: candidates that differ by one factor for all channels give the same codes, and the
 * order of candidates decides between them, not the noise.
 */
const TIE = 1e-5;

function firstOfLeast(losses: Float64Array): number {
  const least = losses.filter((loss) => !Number.isNaN(loss)).reduce((a, b) => Math.min(a, b), Infinity);
  return losses.findIndex((loss) => loss <= least * (1 + TIE));
}

/** Widens the largest magnitude of each row by those of constants [K, N]. */
function widenRows(rows: Float32Array, values: Float32Array): void {
  const columns = values.length / rows.length;
  for (let i = 0; i < values.length; i++) {
    const row = Math.floor(i / columns);
    rows[row] = Math.max(rows[row]!, Math.abs(values[i]!));
  }
}

function change(weights: Map<string, Weight>, name: string, by: (value: number, i: number) => number): void {
  const weight = weights.get(name)!;
  weights.set(name, { ...weight, data: Float32Array.from(weight.data as Float32Array, by) });
}
