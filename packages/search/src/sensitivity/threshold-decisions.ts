import type { Graph, Plan } from '@q/ir';
import { halfWidth, pairedDifference, pooledVariance } from './paired-comparison.ts';
import { withThresholds } from './plan-edits.ts';
import type { SampleOrder } from './sample-order.ts';
import { aloneInInt8, type TrialSpace } from './trial-space.ts';

/** A layer whose thresholds compete. */
export interface DecidableLayer {
  readonly layer: string;
  /** In the order of the methods: of equal losses the first counts. */
  readonly trials: readonly DecidableTrial[];
  /** Layers whose thresholds the casts in front of it use. */
  readonly producers: readonly string[];
  /** Is it to be decided? Those that are not may still be in front of others. */
  readonly isTried: boolean;
}

export interface DecidableTrial {
  readonly threshold: number;
  /** What was tried already, and on how many samples. */
  readonly network: Graph | undefined;
  readonly samples: number;
}

/** Samples on which thresholds are tried before the next look. */
const STEPS = [2, 4, 8];
/** Samples without which no threshold is decided: fewer say too little of how they scatter. */
const LEAST_SAMPLES = 4;
/** A difference that is less than this part of its interval after a look would need more samples than are worth it. */
const HOPE = 0.5;
/** Samples on which a decision is tried behind other thresholds of a producer. */
const FIRM_SAMPLES = 2;
/** Relative variance between thresholds of one layer, until so many pairs were seen. */
const USUAL = { variance: 0.0625, pairs: 6 };

interface Contender {
  readonly threshold: number;
  readonly network: Graph;
  /** Samples that it was tried on already. */
  readonly known: number;
  readonly scores: number[];
}

interface Decision {
  readonly threshold: number;
  /** By how much more each other threshold costs, in parts of their losses. */
  readonly gaps: ReadonlyMap<number, number>;
}

/**
 * Which thresholds cost least, where few samples show it. Layers come in the network's order, and a decided threshold is what
 * the layers behind it see, as in the search that tries everything; where a producer is undecided, the order must not hang
 * on which of its thresholds is taken.
 */
export class ThresholdDecisions {
  readonly #space: TrialSpace;
  readonly #order: SampleOrder;
  readonly #decided = new Map<string, number>();
  readonly #variances: number[] = [];
  /** Called with the number of runs before they are made. */
  readonly #account: (runs: number) => void;

  constructor(space: TrialSpace, order: SampleOrder, account: (runs: number) => void) {
    this.#space = space;
    this.#order = order;
    this.#account = account;
  }

  /** Decides what can be, with `plan`'s thresholds in front of layers that have undecided ones. Answers thresholds by layer. */
  async decide(layers: readonly DecidableLayer[], plan: Plan): Promise<ReadonlyMap<string, number>> {
    const byName = new Map(layers.map((one) => [one.layer, one]));
    for (const one of layers) {
      if (!one.isTried) continue;
      const working = withThresholds(plan, this.#decided);
      const decision = await this.#cheapest(one, working);
      if (decision === undefined) continue;
      let isFirm = true;
      for (const producer of one.producers) {
        const other = byName.get(producer);
        if (other === undefined || this.#decided.has(producer)) continue;
        isFirm &&= await this.#isFirmBehind(other, one.layer, { decision, working });
      }
      if (isFirm) this.#decided.set(one.layer, decision.threshold);
    }
    return this.#decided;
  }

  /** The threshold that surely costs least. */
  async #cheapest({ layer, trials }: DecidableLayer, working: Plan): Promise<Decision | undefined> {
    let alive = this.#contenders(layer, trials, working);
    const gaps = new Map(trials.map(({ threshold }) => [threshold, 0]));
    if (alive.length === 1) return { threshold: alive[0]!.threshold, gaps };
    const known = Math.min(...alive.map((one) => one.known));
    for (const samples of this.#looks(known)) {
      await this.#extend(alive, samples);
      const best = this.#leastOf(alive);
      const others = alive.filter((one) => one !== best).map((one) => ({ one, ...this.#compare(one, best) }));
      for (const { one, gap } of others) gaps.set(one.threshold, gap);
      alive = [best, ...others.filter(({ sureness }) => sureness < 1).map(({ one }) => one)];
      if (alive.length === 1) return { threshold: best.threshold, gaps };
      if (others.some(({ sureness }) => sureness < HOPE)) return undefined;
    }
    return undefined;
  }

  #looks(known: number): number[] {
    const looks = STEPS.map((step) => Math.min(step, this.#order.length));
    return known > looks.at(-1)! ? [known] : [...new Set(looks)];
  }

  /** Of thresholds that make the same network the first stands for all. */
  #contenders(layer: string, trials: readonly DecidableTrial[], working: Plan): Contender[] {
    const { effects } = this.#space;
    const first = new Map<string, Contender>();
    for (const { threshold, network: tried, samples } of trials) {
      const network = aloneInInt8(this.#space, working, layer, threshold);
      const effect = effects.of(network);
      const known = tried !== undefined && effects.of(tried) === effect ? samples : 0;
      if (!first.has(effect)) first.set(effect, { threshold, network, known, scores: [] });
    }
    return [...first.values()];
  }

  #leastOf(contenders: readonly Contender[]): Contender {
    const loss = (one: Contender): number => this.#order.lossOf(one.scores);
    return contenders.reduce((least, one) => (loss(one) < loss(least) ? one : least));
  }

  /** By how much the other costs more, and that in halves of its confidence interval: 1 or more is sure. */
  #compare(other: Contender, best: Contender): { readonly gap: number; readonly sureness: number } {
    const { mean: gap, variance, samples } = pairedDifference(other.scores, best.scores);
    this.#variances.push(variance);
    const total = this.#order.length;
    if (samples === total) return { gap, sureness: 1 };
    const pooled = this.#variances.length < USUAL.pairs ? USUAL.variance : pooledVariance(this.#variances);
    const sureness = gap / halfWidth(samples, { own: variance, pooled }, total);
    return { gap, sureness: samples < LEAST_SAMPLES ? Math.min(sureness, HOPE) : sureness };
  }

  async #extend(contenders: readonly Contender[], to: number): Promise<void> {
    const from = contenders[0]!.scores.length;
    const samples = this.#order.slice(from, to);
    this.#account(samples.length * contenders.length);
    const found = await this.#space.networks.scores(
      contenders.map(({ network }) => network),
      samples,
    );
    contenders.forEach((one, at) => {
      one.scores.push(...found[at]!);
    });
  }

  /** Does another threshold of a producer move what a layer's thresholds cost by less than half of what decides between them? */
  async #isFirmBehind(
    producer: DecidableLayer,
    layer: string,
    { decision, working }: { readonly decision: Decision; readonly working: Plan },
  ): Promise<boolean> {
    const here = working.values.get(producer.layer)?.threshold;
    const others = producer.trials.map(({ threshold }) => threshold).filter((threshold) => threshold !== here);
    if (others.length === 0) return true;
    const plans = [working, ...others.map((one) => withThresholds(working, new Map([[producer.layer, one]])))];
    const losing = [...decision.gaps.keys()].filter((threshold) => threshold !== decision.threshold);
    const ordered = [decision.threshold, ...losing];
    const networks = plans.flatMap((plan) => ordered.map((one) => aloneInInt8(this.#space, plan, layer, one)));
    const samples = this.#order.slice(0, FIRM_SAMPLES);
    this.#account(samples.length * networks.length);
    const scores = await this.#space.networks.scores(networks, samples);
    const gap = (plan: number, at: number): number => {
      const [least, other] = [scores[plan * ordered.length]!, scores[plan * ordered.length + at]!];
      return pairedDifference([...other], [...least]).mean;
    };
    return others.every((_, plan) =>
      losing.every((threshold, at) => gap(plan + 1, at + 1) >= gap(0, at + 1) - decision.gaps.get(threshold)! / 2),
    );
  }
}
