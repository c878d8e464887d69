import type { Dataset } from '@q/dataset';
import { type Emit, type Graph, type OpOf, type Plan, type Target, typeOf } from '@q/ir';
import { samplesAhead } from '../sample-source.ts';
import { type ComparedLayer, outputScore, ReadableModel, scoredValues } from './compared-models.ts';
import { vendorCosine } from './similarity.ts';

/** What biases are corrected on, and when a correction stays. */
export interface BiasCorrectionJob {
  readonly graph: Graph;
  readonly dataset: Dataset;
  readonly sampleCount: number;
  readonly target: Target;
  /** From the calibration table of `graph`. */
  readonly plan: Plan;
  /** Agreement of the outputs that suffices, as TPU-MLIR computes it. */
  readonly expectedCos: number;
  /** Layers that agree as well are left alone. */
  readonly minLayerCos: number;
  /** Layers whose agreement counts instead of the outputs'. */
  readonly compared?: readonly ComparedLayer[];
  /**
   * `layers` (default, as TPU-MLIR): a correction stays when neither the outputs nor the layer agree less than the best ones
   * so far, the layer's best being that of all layers tried. `outputs`: the outputs alone decide.
   */
  readonly acceptance?: 'layers' | 'outputs';
  /** Say of every trial how it went. */
  readonly debug?: boolean;
  readonly emit?: Emit;
}

/** One attempt at one layer. */
export interface BiasTrial {
  readonly layer: string;
  readonly oldLayerCos: number;
  readonly newLayerCos: number;
  readonly outputsCos: number;
  readonly applied: boolean;
}

export interface BiasCorrection {
  /** With the corrections that stayed. */
  readonly graph: Graph;
  /** Agreement of the outputs before. */
  readonly outputsCos: number;
  /** Best agreement of a trial, or that before. */
  readonly bestOutputsCos: number;
  /** The outputs agreed well enough without any correction: nothing was tried. */
  readonly alreadyReached: boolean;
  readonly trials: readonly BiasTrial[];
}

/**
 * Adds to the biases of Convs what quantization takes away on average (calibration.md 11). The int8 activations that layers
 * are measured on and trials start from are those of the network before any correction.
 */
export async function correctBiases(job: BiasCorrectionJob): Promise<BiasCorrection> {
  const began = performance.now();
  const run = await BiasRun.open(job);
  try {
    return await run.correct(began);
  } finally {
    run.dispose();
  }
}

/** Sums over the samples about one Conv. */
interface LayerSums {
  cos: number;
  /** Float minus quantized, the mean of every channel. */
  readonly difference: Float64Array;
  /** Values per channel and image. */
  readonly size: number;
}

class BiasRun {
  readonly #job: BiasCorrectionJob;
  readonly #float: ReadableModel;
  readonly #quantized: ReadableModel;
  readonly #compared: readonly ComparedLayer[];
  readonly #emit: Emit;
  /** What the outputs should be, by sample. */
  readonly #references: Float32Array[][] = [];

  private constructor(job: BiasCorrectionJob, models: { float: ReadableModel; quantized: ReadableModel }) {
    this.#job = job;
    this.#float = models.float;
    this.#quantized = models.quantized;
    this.#compared = job.compared ?? [];
    this.#emit = job.emit ?? (() => {});
  }

  static async open(job: BiasCorrectionJob): Promise<BiasRun> {
    const { graph, target, plan } = job;
    const quantized = await ReadableModel.open(target.lower(graph, plan));
    return new BiasRun(job, { float: await ReadableModel.open(graph), quantized });
  }

  dispose(): void {
    this.#float.dispose();
    this.#quantized.dispose();
  }

  async correct(began: number): Promise<BiasCorrection> {
    const { graph, expectedCos, minLayerCos, sampleCount } = this.#job;
    this.#say('run_bias_correction start');
    const candidates = this.#candidates();
    const { sums, outputsCos } = await this.#measure(candidates);
    const before = { graph, outputsCos, bestOutputsCos: outputsCos, trials: [] };
    if (outputsCos > expectedCos) {
      const found = `current int8 cos:${outputsCos.toFixed(6)} is higher than expected_cos:${expectedCos.toFixed(6)}`;
      this.#say(`job success, ${found},no need for mix precsion`);
      return { ...before, alreadyReached: true };
    }
    const low = candidates.filter(({ name }) => sums.get(name)!.cos / sampleCount < minLayerCos);
    const result = await this.#tryAll(low, sums, outputsCos);
    this.#report(result, outputsCos, began);
    return { ...result, outputsCos, alreadyReached: false };
  }

  /** Convs with a bias whose quantized result something reads, ahead of the compared layers. */
  #candidates(): OpOf<'top.Conv'>[] {
    const { graph } = this.#job;
    const read = new Set(this.#quantized.graph.ops.flatMap(({ inputs }) => inputs));
    const wanted = this.#compared.length === 0 ? undefined : upstreamOf(graph, this.#compared);
    return graph.ops.filter(
      (op): op is OpOf<'top.Conv'> =>
        op.type === 'top.Conv' &&
        op.inputs[2] != null &&
        graph.weights.has(op.inputs[2]) &&
        this.#quantized.has(op.name) &&
        read.has(op.name) &&
        (wanted === undefined || wanted.has(op.name)),
    );
  }

  /** Agreement and mean error of every candidate, and the outputs' agreement, in one pass. */
  async #measure(candidates: readonly OpOf<'top.Conv'>[]) {
    const { graph, dataset, sampleCount } = this.#job;
    const sums = new Map(
      candidates.map(({ name }): [string, LayerSums] => {
        const [, channels, ...image] = typeOf(graph, name)!.shape;
        const size = image.reduce((product, dim) => product * dim, 1);
        return [name, { cos: 0, difference: new Float64Array(channels!), size }];
      }),
    );
    let outputsCos = 0;
    for await (const { i, feeds } of samplesAhead(dataset, sampleCount)) {
      this.#float.run(feeds);
      this.#quantized.run(feeds);
      this.#references.push(scoredValues(this.#float, this.#compared));
      outputsCos += outputScore(this.#references[i]!, this.#quantized, this.#compared);
      for (const [name, own] of sums) {
        const [float, quantized] = [this.#float.read(name), this.#quantized.read(name)];
        own.cos += vendorCosine(quantized, float);
        addMeans(own, float, 1);
        addMeans(own, quantized, -1);
      }
      const label = `sample: ${i}`;
      this.#emit({ type: 'progress', task: 'bias correction', done: i + 1, total: sampleCount, label });
    }
    return { sums, outputsCos: outputsCos / sampleCount };
  }

  async #tryAll(candidates: readonly OpOf<'top.Conv'>[], sums: ReadonlyMap<string, LayerSums>, outputsCos: number) {
    const { sampleCount, expectedCos, acceptance = 'layers' } = this.#job;
    let graph = this.#job.graph;
    let bestOutputs = outputsCos;
    let bestLayer = Number.NEGATIVE_INFINITY;
    const trials: BiasTrial[] = [];
    for (const [k, op] of candidates.entries()) {
      const { cos, difference } = sums.get(op.name)!;
      const corrected = withBias(graph, op, difference, sampleCount);
      const found = await this.#tryOne(op.name, corrected);
      const applied = !(found.outputsCos < bestOutputs || (acceptance === 'layers' && found.newLayerCos < bestLayer));
      if (applied) graph = corrected;
      trials.push({ layer: op.name, oldLayerCos: cos / sampleCount, ...found, applied });
      if (this.#job.debug) this.#sayOutcome(trials.at(-1)!);
      bestOutputs = Math.max(bestOutputs, found.outputsCos);
      bestLayer = Math.max(bestLayer, found.newLayerCos);
      this.#emit({ type: 'progress', task: 'bias trials', done: k + 1, total: candidates.length, label: op.name });
      if (bestOutputs > expectedCos) break;
    }
    return { graph, bestOutputsCos: bestOutputs, trials };
  }

  /** Runs a corrected network from one layer on, on the activations of the quantized one. */
  async #tryOne(layer: string, corrected: Graph): Promise<{ newLayerCos: number; outputsCos: number }> {
    const { dataset, sampleCount, target, plan } = this.#job;
    const model = await ReadableModel.open(target.lower(corrected, plan));
    let [newLayerCos, outputsCos] = [0, 0];
    try {
      for await (const { i, feeds } of samplesAhead(dataset, sampleCount)) {
        this.#float.run(feeds);
        this.#quantized.run(feeds);
        model.runFrom(layer, this.#quantized);
        newLayerCos += vendorCosine(model.read(layer), this.#float.read(layer));
        outputsCos += outputScore(this.#references[i]!, model, this.#compared);
      }
    } finally {
      model.dispose();
    }
    return { newLayerCos: newLayerCos / sampleCount, outputsCos: outputsCos / sampleCount };
  }

  #say(text: string): void {
    this.#emit({ type: 'line', text });
  }

  #sayOutcome({ layer, newLayerCos, outputsCos, applied }: BiasTrial): void {
    const what = `bias correction ${applied ? 'applied' : 'revocation'}`;
    this.#say(`op:${layer} ${what}, layer_cos:${newLayerCos.toFixed(6)}, outputs_cos:${outputsCos.toFixed(6)}`);
  }

  #report(result: { bestOutputsCos: number; trials: readonly BiasTrial[] }, outputsCos: number, began: number): void {
    this.#say('>>>run result:');
    this.#say(`int8 outputs_cos:${outputsCos.toFixed(6)} old`);
    this.#say('bias correction statistic:');
    for (const { layer, oldLayerCos, newLayerCos, outputsCos: own } of result.trials) {
      const cos = `old layer cos:${oldLayerCos.toFixed(6)}, new layer cos:${newLayerCos.toFixed(6)}`;
      this.#say(`  op:${layer}, ${cos}, new output cos:${own.toFixed(6)}`);
    }
    this.#say(`best mix model outputs_cos:${result.bestOutputsCos.toFixed(6)}`);
    this.#say(`total time:${(performance.now() - began) / 1000}`);
  }
}

/** The layers that the compared ones depend on, themselves included. */
function upstreamOf(graph: Graph, compared: readonly ComparedLayer[]): ReadonlySet<string> {
  const wanted = new Set(compared.map(({ name }) => name));
  for (const op of [...graph.ops].reverse()) {
    if (!op.outputs.some((name) => name !== null && wanted.has(name))) continue;
    for (const name of op.inputs) if (name !== null) wanted.add(name);
  }
  return wanted;
}

/** The graph with a bias moved by the mean error per channel. */
function withBias(graph: Graph, op: OpOf<'top.Conv'>, difference: Float64Array, sampleCount: number): Graph {
  const name = op.inputs[2]!;
  const bias = graph.weights.get(name)!;
  const data = Float32Array.from(bias.data as Float32Array, (value, c) =>
    Math.fround(value + Math.fround(difference[c]! / sampleCount)),
  );
  return { ...graph, weights: new Map(graph.weights).set(name, { ...bias, data }) };
}

/** Adds (or subtracts) the mean of every channel of an N x C x ... tensor with `size` values per channel and image. */
function addMeans({ difference, size }: LayerSums, data: Float32Array, sign: 1 | -1): void {
  const channels = difference.length;
  const sums = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) sums[Math.floor(i / size) % channels]! += data[i]!;
  sums.forEach((sum, c) => {
    difference[c]! += sign * Math.fround(sum / (data.length / channels));
  });
}
