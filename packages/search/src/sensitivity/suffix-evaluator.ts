import type { Emit, Graph } from '@q/ir';
import { openWorkbench, type Variant, type Workbench, type WorkbenchOptions } from '@q/runtime';
import { BaseWalk, type WalkPlan } from './base-walk.ts';
import { Frontier } from './frontier.ts';
import type { FullEvaluation } from './full-evaluation.ts';
import { comparedNames, realsOf, type SampleScore, similarityScore } from './sample-score.ts';

export interface SuffixEvaluation extends FullEvaluation {
  /** A lowered network that all candidates have most operators in common with. */
  readonly base: Graph;
  /** Bytes of base values that may be kept from one call to the next, over all samples. Default 256 MiB. */
  readonly frontierBytes?: number;
  readonly module?: WorkbenchOptions['module'];
  readonly emit?: Emit;
}

/** What evaluating candidates has cost so far, in operators executed. */
export interface EvaluationCost {
  /** Operators of the base. */
  readonly baseOperators: number;
  /** Operators of candidates. */
  readonly candidateOperators: number;
  /** What running every candidate as a whole would have executed. */
  readonly fullOperators: number;
}

const DEFAULT_FRONTIER = 256 * 2 ** 20;

/**
 * Scores candidates that differ from a base network in part: per sample the base's values are computed once, and of each
 * candidate only what follows its difference. Scores equal those of `evaluateInFull` bit for bit.
 *
 * Values at the last difference are kept per sample. Candidates that come in the order of the network's layers therefore
 * cost one pass over the base in all; in another order the base is computed again from where it was kept.
 */
export class SuffixEvaluator {
  readonly #setup: SuffixEvaluation;
  readonly #score: SampleScore;
  readonly #bench: Workbench;
  readonly #walk: BaseWalk;
  readonly #frontier: Frontier;
  #cut = 0;
  /** Scores of candidates that are the base itself. */
  #baseScores: Float64Array | undefined;
  #baseOperators = 0;
  #candidateOperators = 0;
  #fullOperators = 0;

  private constructor(setup: SuffixEvaluation, bench: Workbench) {
    this.#setup = setup;
    this.#score = setup.score ?? similarityScore();
    this.#bench = bench;
    this.#walk = new BaseWalk(setup.base, (name) => bench.isConstant(name));
    this.#frontier = new Frontier(setup.frontierBytes ?? DEFAULT_FRONTIER);
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
      baseOperators: this.#baseOperators,
      candidateOperators: this.#candidateOperators,
      fullOperators: this.#fullOperators,
    };
  }

  /** Bytes held in memory for values, packed weights and what is kept per sample. */
  get bytes(): number {
    return this.#bench.bytes + this.#frontier.bytes;
  }

  /** Scores per sample, in the order of the candidates. The same graph given twice is run once. */
  async scores(candidates: readonly Graph[]): Promise<Float64Array[]> {
    const results = new Map<Graph, Float64Array>();
    const variants = [...new Set(candidates)].flatMap((graph) => this.#prepare(graph, results));
    try {
      if (variants.length > 0) await this.#run(variants, results);
    } catch (error) {
      this.#baseScores = undefined;
      throw error;
    } finally {
      for (const variant of variants) variant.dispose();
    }
    this.#count(variants, candidates);
    return candidates.map((graph) => results.get(graph)!);
  }

  /** Makes room for a candidate's scores, and its variant unless the scores are known: those of the base itself. */
  #prepare(graph: Graph, results: Map<Graph, Float64Array>): Variant[] {
    const { samples, compared } = this.#setup;
    const variant = this.#bench.variant(graph, compared === undefined ? {} : { keep: compared });
    const isBase = variant.ops.length === 0;
    if (isBase && this.#baseScores !== undefined) {
      variant.dispose();
      results.set(graph, this.#baseScores);
      return [];
    }
    const scores = new Float64Array(samples.length);
    results.set(graph, scores);
    if (isBase) this.#baseScores = scores;
    return [variant];
  }

  async #run(variants: readonly Variant[], results: ReadonlyMap<Graph, Float64Array>): Promise<void> {
    const { samples, reference, compared } = this.#setup;
    const visit = this.#planVisit(variants);
    for (let sample = 0; sample < samples.length; sample++) {
      await visit(sample);
      for (const variant of variants) {
        variant.run();
        const names = comparedNames(variant.graph, compared);
        const found = realsOf(names, (name) => variant.slot(name));
        results.get(variant.graph)![sample] = this.#score(reference[sample]!, found);
      }
    }
  }

  dispose(): void {
    this.#bench.dispose();
  }

  /** How to make the base's values that the variants read, sample by sample. */
  #planVisit(variants: readonly Variant[]): (sample: number) => Promise<void> {
    const reads = new Set(variants.flatMap((variant) => [...variant.reads]));
    const isAnyChanged = variants.some(({ ops }) => ops.length > 0);
    // Candidates that are the base itself say nothing about where the next ones will differ.
    if (isAnyChanged) this.#cut = this.#walk.latestCut(reads);
    const kept = [...new Set([...this.#walk.aliveAt(this.#cut), ...(isAnyChanged ? reads : [])])];
    const wanted = new Set([...reads, ...kept]);
    const plans = new Map<string, WalkPlan>();
    return async (sample) => {
      const saved = this.#frontier.of(sample);
      const key = [...saved.keys()].join('\n');
      const plan = plans.get(key) ?? this.#walk.planFor(wanted, new Set(saved.keys()));
      plans.set(key, plan);
      if (plan.needsInputs) this.#bench.load(await this.#setup.samples.sample(sample));
      this.#bench.load(saved);
      for (const at of plan.operators) this.#bench.compute(at);
      this.#baseOperators += plan.operators.length;
      this.#frontier.save(sample, kept, this.#bench);
    };
  }

  #count(variants: readonly Variant[], candidates: readonly Graph[]): void {
    const { length } = this.#setup.samples;
    const executed = (graph: Graph): number => graph.ops.filter(({ type }) => type !== 'top.Input').length;
    for (const { ops } of variants) this.#candidateOperators += ops.length * length;
    for (const graph of candidates) this.#fullOperators += executed(graph) * length;
  }
}
