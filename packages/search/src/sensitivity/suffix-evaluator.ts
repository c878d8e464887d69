import type { Emit, Graph } from '@q/ir';
import { openWorkbench, type Variant, type Workbench, type WorkbenchOptions } from '@q/runtime';
import type { OutputTensors } from '../output-comparison.ts';
import { BaseValues } from './base-values.ts';
import type { NetworkScores } from './plan-scores.ts';
import { type SampleMeasure, scoreAlone } from './sample-measure.ts';
import { comparedNames, realsOf, type SampleScore, similarityScore } from './sample-score.ts';
import type { SearchSamples } from './samples.ts';

export interface SuffixEvaluation {
  /** A lowered network that all candidates have most operators in common with. */
  readonly base: Graph;
  readonly samples: SearchSamples;
  /** What candidates are compared with: a network, or its outputs per sample, from `referenceOutputs`. */
  readonly reference: Graph | readonly OutputTensors[];
  readonly score?: SampleScore;
  /** Instead of `score`, where more than one number is asked of a sample. */
  readonly measure?: SampleMeasure;
  /** Layers to compare instead of the outputs; all networks must have values of these names. */
  readonly compared?: readonly string[];
  /** Bytes of base values that may be kept from one call to the next, over all samples. Default 1.25 × those of one sample. */
  readonly frontierBytes?: number;
  readonly module?: WorkbenchOptions['module'];
  readonly emit?: Emit;
  /** Called before every sample; what it throws ends the evaluation. */
  readonly checkpoint?: () => void;
}

/** What evaluating candidates has cost so far, in operators executed and in memory. */
export interface EvaluationCost {
  /** Operators of the base. */
  readonly baseOperators: number;
  /** Operators of candidates. */
  readonly candidateOperators: number;
  /** What running every candidate as a whole would have executed. */
  readonly fullOperators: number;
  /** Bytes of the base's weights, in every form that kernels want. */
  readonly weightBytes: number;
  /** Bytes of the base's values of one sample. */
  readonly activationBytes: number;
  /** The most that weights, values and what is kept per sample have been together. */
  readonly peakBytes: number;
}

/** Parts of one sample's values that may be kept for later calls, and that candidates' own weights may take at a time. */
const FRONTIER = 1.25;
const OWN_WEIGHTS = 0.3;

/**
 * Scores candidates that differ from a base network in part: per sample the base's values are computed once, and of each
 * candidate only what follows its difference. Scores equal those of `evaluateInFull` bit for bit.
 *
 * Samples are the outer loop, so that one sample's values are in memory. What lies before the candidates' difference is
 * kept per sample as far as `frontierBytes` allows, for later calls: candidates that come in the order of the network's
 * layers cost little more than one pass over the base in all.
 */
export class SuffixEvaluator implements NetworkScores {
  readonly #setup: SuffixEvaluation;
  readonly #measure: SampleMeasure;
  readonly #bench: Workbench;
  readonly #base: BaseValues;
  readonly #reference: (OutputTensors | undefined)[];
  /** Of candidates that are the base itself. */
  readonly #ofBase: (readonly number[] | undefined)[] = [];
  /** The last candidates: they may be asked for on other samples next. */
  #prepared: readonly Variant[] = [];
  #candidateOperators = 0;
  #fullOperators = 0;
  #peakBytes = 0;

  private constructor(setup: SuffixEvaluation, bench: Workbench) {
    const { samples, score = similarityScore(), measure, reference, frontierBytes } = setup;
    this.#setup = setup;
    this.#measure = measure ?? scoreAlone(score);
    this.#bench = bench;
    this.#base = new BaseValues(bench, samples, frontierBytes ?? FRONTIER * bench.activationBytes);
    this.#reference = 'ops' in reference ? [] : [...reference];
  }

  static async open(setup: SuffixEvaluation): Promise<SuffixEvaluator> {
    const { module, emit } = setup;
    return new SuffixEvaluator(
      setup,
      await openWorkbench(setup.base, { ...(module && { module }), ...(emit && { emit }) }),
    );
  }

  get cost(): EvaluationCost {
    return {
      baseOperators: this.#base.executed,
      candidateOperators: this.#candidateOperators,
      fullOperators: this.#fullOperators,
      weightBytes: this.#bench.weightBytes,
      activationBytes: this.#bench.activationBytes,
      peakBytes: this.#peakBytes,
    };
  }

  /** Bytes held in memory for values, packed weights and what is kept per sample. */
  get bytes(): number {
    return this.#bench.bytes + this.#base.savedBytes;
  }

  /** Scores per sample named (all without), in the order of the candidates. The same graph given twice is run once. */
  async scores(candidates: readonly Graph[], samples?: readonly number[]): Promise<Float64Array[]> {
    const measured = await this.measures(candidates, samples);
    return measured.map((perSample) => Float64Array.from(perSample, ([score]) => score!));
  }

  /** The same with all numbers of the measure: per candidate, per sample. */
  async measures(
    candidates: readonly Graph[],
    samples: readonly number[] = [...new Array(this.#setup.samples.length).keys()],
  ): Promise<(readonly number[])[][]> {
    const unique = [...new Set(candidates)];
    const results = new Map(unique.map((graph) => [graph, [] as (readonly number[])[]]));
    for (let next = 0; next < unique.length; ) next = await this.#group(unique, next, { samples, results });
    for (const graph of candidates) this.#fullOperators += executedOperators(graph) * samples.length;
    return candidates.map((graph) => results.get(graph)!);
  }

  /** Evaluates candidates from `next` on, as many as may be prepared at a time. Answers the next one. */
  async #group(graphs: readonly Graph[], next: number, request: GroupRequest): Promise<number> {
    const variants = this.#prepare(graphs, next);
    await this.#run(variants, request);
    for (const { ops } of variants) this.#candidateOperators += ops.length * request.samples.length;
    return next + variants.length;
  }

  #prepare(graphs: readonly Graph[], from: number): readonly Variant[] {
    const known = this.#prepared;
    const isWhole = known.length === graphs.length - from || this.#isFull(known);
    if (isWhole && known.every(({ graph }, index) => graph === graphs[from + index])) return known;
    this.#release();
    const variants: Variant[] = [];
    this.#prepared = variants;
    for (let at = from; at < graphs.length && !this.#isFull(variants); at++) variants.push(this.#variant(graphs[at]!));
    return variants;
  }

  /** Do candidates take all the memory that their own weights may take? */
  #isFull(variants: readonly Variant[]): boolean {
    return ownWeights(variants) > OWN_WEIGHTS * this.#bench.activationBytes;
  }

  #release(): void {
    for (const variant of this.#prepared) variant.dispose();
    this.#prepared = [];
  }

  dispose(): void {
    this.#bench.dispose();
  }

  #variant(graph: Graph): Variant {
    const { compared } = this.#setup;
    return this.#bench.variant(graph, compared === undefined ? {} : { keep: compared });
  }

  async #run(variants: readonly Variant[], { samples, results }: GroupRequest): Promise<void> {
    const { reference: network } = this.#setup;
    const lacks = 'ops' in network && samples.some((sample) => this.#reference[sample] === undefined);
    const reference = lacks ? this.#variant(network) : undefined;
    try {
      this.#base.announce(reference === undefined ? variants : [reference, ...variants]);
      for (const [at, sample] of samples.entries()) {
        this.#setup.checkpoint?.();
        await this.#sample(sample, { reference, variants }, (variant, numbers) => {
          results.get(variant.graph)![at] = numbers;
        });
      }
    } finally {
      reference?.dispose();
    }
  }

  async #sample(
    sample: number,
    { reference, variants }: { readonly reference: Variant | undefined; readonly variants: readonly Variant[] },
    give: (variant: Variant, numbers: readonly number[]) => void,
  ): Promise<void> {
    const isReferenceKnown = this.#reference[sample] !== undefined;
    const isKnown = (variant: Variant): boolean => variant.ops.length === 0 && this.#ofBase[sample] !== undefined;
    const running = variants.filter((variant) => !isKnown(variant));
    if (running.length > 0 || !isReferenceKnown) await this.#base.visit(sample);
    if (!isReferenceKnown && reference !== undefined) {
      this.#reference[sample] = this.#outputsOf(reference).map(({ name, data }) => ({
        name,
        data: Float32Array.from(data),
      }));
    }
    for (const variant of running) {
      const numbers = this.#measure(this.#reference[sample]!, this.#outputsOf(variant), sample);
      if (variant.ops.length === 0) this.#ofBase[sample] = numbers;
      else give(variant, numbers);
    }
    for (const variant of variants) if (variant.ops.length === 0) give(variant, this.#ofBase[sample]!);
    this.#notePeak(variants);
  }

  #outputsOf(variant: Variant): OutputTensors {
    variant.run();
    return realsOf(comparedNames(variant.graph, this.#setup.compared), (name) => variant.slot(name));
  }

  #notePeak(variants: readonly Variant[]): void {
    this.#peakBytes = Math.max(this.#peakBytes, this.bytes + ownWeights(variants));
  }
}

interface GroupRequest {
  readonly samples: readonly number[];
  readonly results: ReadonlyMap<Graph, (readonly number[])[]>;
}

function ownWeights(variants: readonly Variant[]): number {
  return variants.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
}

function executedOperators(graph: Graph): number {
  return graph.ops.filter(({ type }) => type !== 'top.Input').length;
}
