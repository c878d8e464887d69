import type { Graph, Plan, Precision } from '@q/ir';
import { createSession } from '@q/runtime';
import type { OutputTensors } from '../output-comparison.ts';
import { graphDigest } from '../sensitivity/candidate-effect.ts';
import { digestOfText } from '../sensitivity/digest.ts';
import { referenceOutputs } from '../sensitivity/full-evaluation.ts';
import { withFloatOps } from '../sensitivity/plan-edits.ts';
import { noSamples } from '../sensitivity/run-sensitive-layer.ts';
import { comparedNames, realsOf } from '../sensitivity/sample-score.ts';
import { contentOf, lineOf } from '../sensitivity/score-journal.ts';
import type { SearchJournal } from '../sensitivity/search-journal.ts';
import type { SearchOptions } from '../sensitivity/search-options.ts';
import { floatPlan } from '../sensitivity/search-session.ts';
import { StopClock } from '../sensitivity/stop-clock.ts';
import { type FloatSetMeasure, scoreMeasure } from './float-set-measure.ts';

export interface FloatSetTrialOptions
  extends Pick<
    SearchOptions,
    'target' | 'processor' | 'graph' | 'samples' | 'floatType' | 'score' | 'compared' | 'signal' | 'budgetMilliseconds'
  > {
  /** Names what `measure` and `score` depend on besides the outputs, such as the texts of modules: keeps records apart. */
  readonly recipe?: string;
  /** What goals are about; the score of the search when it is absent. */
  readonly measure?: FloatSetMeasure;
  /** Called with every float set that was measured. */
  readonly onTrial?: (trial: FloatSetTrial) => void;
}

/** A network that was measured as a whole. */
export interface FloatSetTrial {
  readonly floatLayers: readonly string[];
  readonly value: number;
  /** What the search itself scores. */
  readonly score: number;
}

interface GoalRecord {
  readonly goal: string;
  /** Value and score; JSON has no infinities: those are words. */
  readonly found: readonly (number | string)[];
}

/**
 * Measures float sets as whole networks against float, one image in memory at a time, each network once; on a journal, once
 * for all times. The reference is the network in the processor's own float type, as that of the searches.
 */
export class FloatSetTrials {
  readonly #options: FloatSetTrialOptions;
  readonly #measure: FloatSetMeasure;
  readonly #reference: readonly OutputTensors[];
  readonly #clock: StopClock;
  #journal: SearchJournal | undefined;
  readonly #known = new Map<string, { readonly value: number; readonly score: number }>();

  private constructor(options: FloatSetTrialOptions, reference: readonly OutputTensors[], clock: StopClock) {
    this.#options = options;
    this.#measure = options.measure ?? scoreMeasure(options.score);
    this.#reference = reference;
    this.#clock = clock;
  }

  /**
   * Finds again what an interrupted search measured, and records what is measured from now on. To be called when the search
   * itself has found the journal to be its own.
   *
   * @returns how many float sets were found
   */
  recordIn(journal: SearchJournal): number {
    this.#journal = journal;
    const records = journal.lines.flatMap((line) => contentOf(line) ?? []).filter(isGoalRecord);
    for (const record of records) this.#keep(record);
    return records.length;
  }

  /** @throws QError `search.samples-missing` */
  static async open(options: FloatSetTrialOptions): Promise<FloatSetTrials> {
    const { target, graph, samples, compared } = options;
    if (samples.length === 0) throw noSamples();
    const clock = new StopClock(options);
    const network = target.lower(graph, floatPlan(options));
    return new FloatSetTrials(options, await referenceOutputs(network, samples, compared), clock);
  }

  /**
   * The plan with these layers in float.
   *
   * @throws QError of lowering and of the measure; SearchStopped
   */
  async trial(plan: Plan, floatLayers: readonly string[]): Promise<FloatSetTrial> {
    const { target, processor, graph, onTrial } = this.#options;
    const floatType: Precision = this.#options.floatType ?? target.floatType(processor);
    const network = target.lower(
      graph,
      withFloatOps(plan, floatLayers, floatType, () => ({ code: 'default' })),
    );
    const goal = this.#nameOf(network);
    if (!this.#known.has(goal)) {
      const { value, score } = await this.#run(network);
      const record = { goal, found: [value, score].map(textOfInfinity) };
      await this.#journal?.append([lineOf(record)]);
      this.#keep(record);
    }
    const trial = { floatLayers, ...this.#known.get(goal)! };
    onTrial?.(trial);
    return trial;
  }

  async #run(network: Graph): Promise<{ readonly value: number; readonly score: number }> {
    const { samples, score, compared } = this.#options;
    const names = comparedNames(network, compared);
    const [measure, scores] = [this.#measure.start(), scoreMeasure(score).start()];
    const session = await createSession(network, { retain: names, nonFinite: 'allow' });
    try {
      for (let index = 0; index < samples.length; index++) {
        this.#clock.check();
        session.run(await samples.sample(index));
        const found = realsOf(names, (name) => session.slot(name));
        scores.add(this.#reference[index]!, found, index);
        measure.add(this.#reference[index]!, found, index);
      }
    } finally {
      session.dispose();
    }
    return { value: measure.value(), score: scores.value() };
  }

  /** All that a value depends on; the journal's first line has the samples. */
  #nameOf(network: Graph): string {
    const { recipe = '', compared = [] } = this.#options;
    return digestOfText(JSON.stringify([graphDigest(network), this.#measure.name, recipe, compared]));
  }

  #keep({ goal, found }: GoalRecord): void {
    this.#known.set(goal, { value: Number(found[0]), score: Number(found[1]) });
  }
}

function textOfInfinity(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function isGoalRecord(content: unknown): content is GoalRecord {
  return typeof content === 'object' && content !== null && 'goal' in content && 'found' in content;
}
