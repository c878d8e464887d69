import type { Graph, Plan, Precision } from '@q/ir';
import { graphDigest } from '../sensitivity/candidate-effect.ts';
import { digestOfText } from '../sensitivity/digest.ts';
import { type NetworkEvaluator, openNetworks } from '../sensitivity/network-evaluator.ts';
import { withFloatOps } from '../sensitivity/plan-edits.ts';
import { noSamples } from '../sensitivity/run-sensitive-layer.ts';
import type { MeasureName } from '../sensitivity/sample-measure.ts';
import { meanOf } from '../sensitivity/sample-score.ts';
import { costliest, type RankedLayer } from '../sensitivity/search-event.ts';
import { searchFingerprint } from '../sensitivity/search-fingerprint.ts';
import type { SearchOptions } from '../sensitivity/search-options.ts';
import { floatPlan } from '../sensitivity/search-session.ts';
import { StopClock } from '../sensitivity/stop-clock.ts';
import type { EvaluationCost } from '../sensitivity/suffix-evaluator.ts';
import { NumberRecords } from './number-records.ts';

/** What the searches of 2026 start from. */
export interface NewerSearchOptions extends SearchOptions {
  /** Layers that stay float whatever is found: shape computations and known patterns (search.md 7), or those of `--pre_qtable`. */
  readonly fixedFloat?: readonly string[];
}

/** INT8 everywhere but in the fixed layers, and the float type of layers that are not. */
export function startOf({ target, processor, values, floatType, fixedFloat = [] }: NewerSearchOptions): {
  readonly plan: Plan;
  readonly floatType: Precision;
} {
  const type = floatType ?? target.floatType(processor);
  const int8: Plan = { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values };
  return { plan: withFloatOps(int8, fixedFloat, type, () => ({ code: 'default' })), floatType: type };
}

/** Of what was known. */
export const NO_COST: EvaluationCost = {
  ...{ baseOperators: 0, candidateOperators: 0, fullOperators: 0 },
  ...{ weightBytes: 0, activationBytes: 0, peakBytes: 0 },
};

interface TrialStart {
  readonly int8: Graph;
  readonly reference: Graph;
  readonly records: NumberRecords;
  readonly clock: StopClock;
  readonly measure: MeasureName;
}

/** Networks that are measured on one sample before their numbers are recorded: workers share them. More if there are more workers. */
const GROUP = 8;

/**
 * Networks of one search, measured against float, each once; with a journal once for all times. They are evaluated as differences from
 * a base, in workers if there are any, as long as there is something to evaluate.
 */
export class WholeTrials {
  readonly options: NewerSearchOptions;
  readonly floatType: Precision;
  /** INT8 everywhere but in the fixed layers. */
  readonly plan: Plan;
  readonly #start: TrialStart;
  #base: Graph;
  #evaluator: NetworkEvaluator | undefined;
  #runs = 0;

  private constructor(options: NewerSearchOptions, start: TrialStart) {
    const { plan, floatType } = startOf(options);
    this.options = options;
    this.floatType = floatType;
    this.plan = plan;
    this.#start = start;
    this.#base = start.int8;
  }

  /**
   * @param reference the network as it was trained, in the float type of the mixed layers, or in the processor's own
   * @param measure what is found of every network
   * @throws QError `search.samples-missing`, `search.journal-differs`; SearchStopped
   */
  static async open(
    options: NewerSearchOptions,
    reference: 'trained' | 'mixed type' | 'own type',
    measure: MeasureName = 'likeness',
  ): Promise<WholeTrials> {
    const { graph, samples, journal, onEvent } = options;
    if (samples.length === 0) throw noSamples();
    const clock = new StopClock(options);
    const network = reference === 'trained' ? graph : floatNetwork(options, reference);
    const int8 = options.target.lower(graph, startOf(options).plan, options.emit);
    const fingerprint = journal === undefined ? '' : await searchFingerprint(options, [network, int8]);
    const records = await NumberRecords.open(journal, fingerprint);
    if (records.resumed > 0) onEvent?.({ type: 'resumed', scores: records.resumed });
    return new WholeTrials(options, { int8, reference: network, records, clock, measure });
  }

  /** What evaluating has cost since the last base. */
  get cost(): EvaluationCost {
    return this.#evaluator?.cost ?? NO_COST;
  }

  /** @throws SearchStopped */
  readonly check = (): void => this.#start.clock.check();

  /** What the next networks have most operators in common with: the INT8 network at first. */
  async evaluateFrom(base: Graph): Promise<void> {
    await this.dispose();
    this.#base = base;
  }

  /** Numbers that `what` says of a network: those that are known, or what `find` answers. @throws SearchStopped */
  async recorded(what: string, network: Graph, find: () => Promise<readonly number[]>): Promise<readonly number[]> {
    this.check();
    return this.#start.records.of(nameOf(what, network), find);
  }

  withFloat(plan: Plan, layers: Iterable<string>): Plan {
    return withFloatOps(plan, layers, this.floatType, () => ({ code: 'default' }));
  }

  lower(plan: Plan): Graph {
    if (plan === this.plan) return this.#start.int8;
    return this.options.target.lower(this.options.graph, plan, this.options.emit);
  }

  /** Whole runs on single samples so far, those that were known included. */
  get runs(): number {
    return this.#runs;
  }

  /** Score of a plan: the mean over samples. */
  async score(plan: Plan): Promise<number> {
    return meanOf(Float64Array.from(await this.measure(plan), ([score]) => score!));
  }

  /** Numbers of the measure for a plan, per sample (the first one alone, or all). @throws SearchStopped */
  async measure(plan: Plan, on: 'all' | 'first' = 'all'): Promise<readonly (readonly number[])[]> {
    const [numbers] = await this.#measure([this.lower(plan)], on);
    return numbers!;
  }

  /** The same of many plans, with what they are for, in its order. @throws SearchStopped */
  async *measures<T>(
    trials: readonly T[],
    planOf: (trial: T) => Plan,
    on: 'all' | 'first' = 'all',
  ): AsyncGenerator<readonly [trial: T, numbers: readonly (readonly number[])[]]> {
    const size = on === 'all' ? 1 : Math.max(GROUP, 2 * (this.options.workers ?? 1));
    for (let next = 0; next < trials.length; next += size) {
      const group = trials.slice(next, next + size);
      const found = await this.#measure(
        group.map((trial) => this.lower(planOf(trial))),
        on,
      );
      for (const [at, trial] of group.entries()) yield [trial, found[at]!];
    }
  }

  async #measure(networks: readonly Graph[], on: 'all' | 'first'): Promise<(readonly number[])[][]> {
    this.check();
    const { records, measure } = this.#start;
    const names = networks.map((network) => nameOf(`${measure} of ${on}`, network));
    const isUnknown = (name: string, at: number): boolean => !records.has(name) && names.indexOf(name) === at;
    const unknown = networks.filter((_, at) => isUnknown(names[at]!, at));
    if (unknown.length > 0) {
      this.#evaluator ??= await this.#openEvaluator();
      const found = await this.#evaluator.measures(unknown, on === 'all' ? undefined : [0]);
      for (const [at, name] of names.filter(isUnknown).entries()) await records.keep(name, found[at]!.flat());
    }
    this.#runs += names.length * (on === 'all' ? this.options.samples.length : 1);
    const width = measure === 'likeness-and-signal' ? 2 : 1;
    return names.map((name) => inParts(records.known(name)!, width));
  }

  /** Tells how far a search is, and its costliest layers so far. */
  tell(task: string, work: { readonly done: number; readonly total: number }, layers: readonly RankedLayer[]): void {
    const { emit, onEvent } = this.options;
    const top = costliest(layers);
    emit?.({ type: 'progress', task, ...work, label: top[0]?.layer ?? '' });
    onEvent?.({ type: 'work', ...work, top });
  }

  /** Ends the threads, if there are any. */
  async dispose(): Promise<void> {
    const evaluator = this.#evaluator;
    this.#evaluator = undefined;
    await evaluator?.dispose();
  }

  #openEvaluator(): Promise<NetworkEvaluator> {
    const { reference, measure } = this.#start;
    return openNetworks(this.options, { base: this.#base, reference, measure, checkpoint: this.check });
  }
}

function nameOf(what: string, network: Graph): string {
  return digestOfText(JSON.stringify([what, graphDigest(network)]));
}

function inParts(numbers: readonly number[], width: number): number[][] {
  return Array.from({ length: numbers.length / width }, (_, at) => numbers.slice(at * width, (at + 1) * width));
}

function floatNetwork(options: NewerSearchOptions, type: 'mixed type' | 'own type'): Graph {
  const { target, graph, floatType } = options;
  const own = floatPlan(options);
  return target.lower(graph, { ...own, precision: (type === 'mixed type' ? floatType : undefined) ?? own.precision });
}
