import type { Graph } from '@q/ir';
import type { Feeds } from '@q/runtime';
import type { OutputTensors } from '../output-comparison.ts';
import { pairSums, vendorSimilarity } from '../similarity.ts';
import { evaluateInFull, type FullEvaluation, referenceOutputs } from './full-evaluation.ts';
import { runMixed } from './mixed-run.ts';
import { type SampleScore, similarityScore } from './sample-score.ts';
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
    const { int8, samples, compared, checkpoint } = this.#networks;
    const reference = await this.#referenceOutputs();
    const evaluation: FullEvaluation = { samples, reference, score: this.#score };
    return evaluateInFull(int8, { ...evaluation, ...(compared && { compared }), ...(checkpoint && { checkpoint }) });
  }

  async visit({ name, isJudged, ...executed }: QtableStep): Promise<Float64Array> {
    const { int8, float } = await this.#steppedNetworks();
    if (executed.int8) int8.step(name);
    if (executed.float) float.step(name);
    return Float64Array.from({ length: isJudged ? this.#networks.samples.length : 0 }, (_, sample) =>
      vendorSimilarity(pairSums(int8.reals(sample, name), float.reals(sample, name))),
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

  async #referenceOutputs(): Promise<readonly OutputTensors[]> {
    const { float, samples, compared, checkpoint } = this.#networks;
    this.#reference ??= await referenceOutputs(float, samples, compared, checkpoint);
    return this.#reference;
  }

  async #steppedNetworks() {
    if (this.#stepped !== undefined) return this.#stepped;
    const inputs = await inputsOfSamples(this.#networks.samples);
    const int8 = await SteppedNetwork.open(this.#networks.int8, inputs);
    this.#stepped = { int8, float: await SteppedNetwork.open(this.#networks.float, inputs) };
    return this.#stepped;
  }
}
