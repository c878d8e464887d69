import type { Graph } from '@q/ir';
import type { Feeds } from '@q/runtime';
import type { OutputTensors } from '../output-comparison.ts';
import { runMixed } from './mixed-run.ts';
import { comparedNames, realsOf, type SampleScore, similarityScore } from './sample-score.ts';
import { inputsOfSamples, SteppedNetwork } from './stepped-network.ts';

/** An operator of the walk, and in which networks it is executed. */
export interface QtableStep {
  readonly name: string;
  readonly int8: boolean;
  readonly float: boolean;
  /** How near are the two? */
  readonly isJudged: boolean;
}

/** A network with some layers in float, run from given values on. */
export interface QtableTrial {
  readonly mixed: Graph;
  /** Values at which the run begins, by name, and whether the float network's data are taken. */
  readonly crossing: ReadonlyMap<string, 'float' | 'int8'>;
  /** Layers whose codes are replaced by those behind their casts in the mixed network. */
  readonly requantized: readonly string[];
}

/**
 * What the walk of `runQtable` asks of its samples; answers are per sample, in their order. Samples do not know each other, so
 * that any number of these may have some each.
 */
export interface QtableSamples {
  /** Scores of the INT8 network as a whole. */
  int8Scores(): Promise<Float64Array>;
  /** Executes an operator. Answers likenesses (search.md 1.1) where it is judged. @throws MissingActivation */
  visit(step: QtableStep): Promise<Float64Array>;
  /** Scores a mixed network. @throws MissingActivation */
  tryFloat(trial: QtableTrial): Promise<Float64Array>;
  /** Forgets values; later steps make them again. */
  release(values: { readonly int8: readonly string[]; readonly float: readonly string[] }): Promise<void>;
  dispose(): Promise<void>;
}

export interface QtableNetworks {
  readonly int8: Graph;
  readonly float: Graph;
  readonly samples: { readonly length: number; sample(index: number): Feeds | Promise<Feeds> };
  readonly score?: SampleScore | undefined;
  readonly compared?: readonly string[] | undefined;
  /** Called before every sample of a whole run; what it throws ends it. */
  readonly checkpoint?: (() => void) | undefined;
}

/** Memory for what the float network computes before the walk asks for it, all samples of a thread together. */
const KEPT_BYTES = 2 ** 28;

/** Samples that are run in this thread. */
export class LocalQtableSamples implements QtableSamples {
  readonly #networks: QtableNetworks;
  readonly #score: SampleScore;
  #reference: readonly OutputTensors[] | undefined;
  #stepped: { readonly int8: SteppedNetwork; readonly float: SteppedNetwork } | undefined;

  constructor(networks: QtableNetworks) {
    this.#networks = networks;
    this.#score = networks.score ?? similarityScore();
  }

  async int8Scores(): Promise<Float64Array> {
    const { int8 } = await this.#steppedNetworks();
    const { samples } = this.#networks;
    // The walk comes next: it takes what the float network computed here.
    const reference = await this.#referenceOutputs(KEPT_BYTES / samples.length);
    const scores = new Float64Array(samples.length);
    await this.#runWhole(int8, 0, (sample, outputs) => {
      scores[sample] = this.#score(reference[sample]!, outputs, sample);
    });
    return scores;
  }

  async visit({ name, isJudged, ...executed }: QtableStep): Promise<Float64Array> {
    const { int8, float } = await this.#steppedNetworks();
    if (executed.int8) int8.step(name);
    if (executed.float) float.step(name);
    return Float64Array.from({ length: isJudged ? this.#networks.samples.length : 0 }, (_, sample) =>
      int8.likeness(sample, name, float),
    );
  }

  async tryFloat({ mixed, crossing, requantized }: QtableTrial): Promise<Float64Array> {
    const { samples, compared, checkpoint } = this.#networks;
    const { int8, float } = await this.#steppedNetworks();
    const reference = await this.#referenceOutputs();
    const scores = new Float64Array(samples.length);
    const run = { mixed, int8, float, crossing, requantized, compared };
    runMixed(run, samples.length, (sample, { outputs, codes }) => {
      checkpoint?.();
      scores[sample] = this.#score(reference[sample]!, outputs, sample);
      for (const layer of requantized) int8.replace(sample, layer, codes.get(layer) ?? null);
    });
    return scores;
  }

  async release(values: { readonly int8: readonly string[]; readonly float: readonly string[] }): Promise<void> {
    for (const name of values.int8) this.#stepped?.int8.release(name);
    for (const name of values.float) this.#stepped?.float.release(name);
  }

  async dispose(): Promise<void> {
    this.#stepped?.int8.dispose();
    this.#stepped?.float.dispose();
  }

  async #referenceOutputs(keptBytes = 0): Promise<readonly OutputTensors[]> {
    if (this.#reference !== undefined) return this.#reference;
    const { float } = await this.#steppedNetworks();
    const outputs: OutputTensors[] = [];
    await this.#runWhole(float, keptBytes, (_sample, reals) => {
      outputs.push(reals.map(({ name, data }) => ({ name, data: Float32Array.from(data) })));
    });
    this.#reference = outputs;
    return outputs;
  }

  /** Runs a network on every sample, as `evaluateInFull` does, where it is prepared already; `visit` must copy what it keeps. */
  async #runWhole(
    network: SteppedNetwork,
    keptBytes: number,
    visit: (sample: number, outputs: OutputTensors) => void,
  ): Promise<void> {
    const { samples, compared, checkpoint } = this.#networks;
    const names = comparedNames(network.graph, compared);
    for (let sample = 0; sample < samples.length; sample++) {
      checkpoint?.();
      network.runWhole(sample, await samples.sample(sample), keptBytes);
      visit(
        sample,
        realsOf(names, (name) => network.workbench.slot(name)),
      );
    }
  }

  async #steppedNetworks() {
    if (this.#stepped !== undefined) return this.#stepped;
    const inputs = await inputsOfSamples(this.#networks.samples);
    const int8 = await SteppedNetwork.open(this.#networks.int8, inputs);
    this.#stepped = { int8, float: await SteppedNetwork.open(this.#networks.float, inputs) };
    return this.#stepped;
  }
}
