import type { Graph, Plan, Precision } from '@q/ir';
import { type NetworkEvaluator, openNetworks } from './network-evaluator.ts';
import type { NetworkScores } from './plan-scores.ts';
import { RecordedScores } from './recorded-scores.ts';
import { meanOf } from './sample-score.ts';
import { searchFingerprint } from './search-fingerprint.ts';
import type { SearchOptions } from './search-options.ts';
import { allFloatNetwork } from './sensitive-layers.ts';
import { type SearchStopped, StopClock } from './stop-clock.ts';
import type { EvaluationCost } from './suffix-evaluator.ts';
import type { TrialSpace } from './trial-space.ts';

/** What the searches over single layers share: networks, scores of them, and when to stop. */
export class SearchSession {
  readonly options: SearchOptions;
  /** INT8 for every layer, with the thresholds that the search starts from. */
  readonly plan: Plan;
  readonly floatType: Precision;
  readonly layers: readonly string[];
  readonly scores: RecordedScores;
  readonly #evaluator: NetworkEvaluator;
  /** Why a whole network could not be scored. */
  stopped: SearchStopped['reason'] | undefined;

  private constructor(start: SearchStart, floatType: Precision, scores: RecordedScores, evaluator: NetworkEvaluator) {
    this.options = start.options;
    this.plan = start.plan;
    this.layers = start.layers;
    this.floatType = floatType;
    this.scores = scores;
    this.#evaluator = evaluator;
  }

  static async open(start: SearchStart): Promise<SearchSession> {
    const { options, plan, layers } = start;
    const { target, processor, graph, samples, journal, onEvent } = options;
    const floatType = options.floatType ?? target.floatType(processor);
    const base = allFloatNetwork(target, { graph, plan, floatType, layers });
    const reference = target.lower(graph, floatPlan(options));
    const clock = new StopClock(options);
    const fingerprint = journal === undefined ? undefined : await searchFingerprint(options, [base, reference]);
    onEvent?.({ type: 'network', kind: 'float' });
    const networks = await openNetworks(options, { base, reference, checkpoint: clock.check });
    try {
      const sampleCount = samples.length;
      const scores = await RecordedScores.open({ networks, base, sampleCount, journal, fingerprint });
      if (scores.resumed > 0) onEvent?.({ type: 'resumed', scores: scores.resumed });
      return new SearchSession(start, floatType, scores, networks);
    } catch (error) {
      await networks.dispose();
      throw error;
    }
  }

  get cost(): EvaluationCost {
    return this.#evaluator.cost;
  }

  /** Everything that trying layers takes. */
  space(methods: TrialSpace['methods']): TrialSpace {
    const { target, graph, samples } = this.options;
    const { plan, floatType, layers, scores } = this;
    const effects = { of: (network: Graph): string => scores.effectOf(network) };
    const networks: NetworkScores = scores;
    return { target, graph, plan, floatType, layers, methods, networks, effects, sampleCount: samples.length };
  }

  /** Mean score of a whole network. */
  async meanScore(network: Graph): Promise<number> {
    return meanOf((await this.scores.scores([network]))[0]!);
  }

  async dispose(): Promise<void> {
    await this.#evaluator.dispose();
  }
}

export interface SearchStart {
  readonly options: SearchOptions;
  readonly plan: Plan;
  /** Layers that are tried, in the network's order. */
  readonly layers: readonly string[];
}

/** The network in the processor's own float type (search.md 2), whatever float type is searched with. */
export function floatPlan({ target, processor }: Pick<SearchOptions, 'target' | 'processor'>): Plan {
  const precision = target.floatType(processor);
  return { processor, precision, asymmetric: false, ops: new Map(), values: new Map() };
}
