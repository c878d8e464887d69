import type { Graph, Plan } from '@q/ir';
import { isSurelyLarger, meanLoss, pairedDifference, pooledVariance } from './paired-comparison.ts';
import { withThresholds } from './plan-edits.ts';
import { SampleOrder } from './sample-order.ts';
import type { LayerSensitivity } from './sensitive-layers.ts';
import { ThresholdDecisions } from './threshold-decisions.ts';
import { aloneInInt8, type TrialSpace } from './trial-space.ts';

/** A threshold of a layer, with its scores on samples 0, 1, …: none until it is opened. */
interface RaceTrial {
  readonly methods: readonly string[];
  /** Place of the first of these methods in the list: of equal losses the first counts. */
  readonly order: number;
  readonly threshold: number;
  scores: number[];
  network: Graph | undefined;
}

interface Contestant {
  readonly layer: string;
  readonly type: string;
  /** The first is evaluated first: the one that the base table has. */
  readonly trials: readonly RaceTrial[];
  /** It had to be decided, and its threshold is in the table that the others are tried with. */
  isAdopted: boolean;
}

/** Samples that every layer is tried on. */
const FIRST_SAMPLES = 1;
/** A layer that is still contested after so many may be moved over the boundary by what is not decided yet. */
const CONTESTED_SAMPLES = 2;
/** By how many samples trials go on from the second. */
const SAMPLE_STEP = 2;
/** Relative variance between layers, until samples tell. */
const USUAL_VARIANCE = 0.16;

/** The part of what finding the costliest layers took that deciding thresholds of others may take. */
const DECISION_SHARE = 0.25;
/** Samples that trying a threshold takes on average, those behind other producers included. */
const DECISION_COST = 4;

/** Samples that a threshold which must be decided is tried on at least. */
const DECISION_SAMPLES = 8;

/**
 * Times the shift by a producer's other threshold that a layer must be away from the boundary: by what the first samples
 * say, and by what `DECISION_SAMPLES` say. Layers on both sides may shift towards each other, hence 2.
 */
const COUPLING_MARGINS = [
  { samples: CONTESTED_SAMPLES, margin: 3 },
  { samples: DECISION_SAMPLES, margin: 2 },
] as const;

export interface RaceProgress {
  /** Runs of candidates on single samples, done and at most to be done, as the race stands. */
  readonly done: number;
  readonly total: number;
  readonly top: readonly { readonly layer: string; readonly loss: number; readonly samples: number }[];
}

/**
 * Finds the costliest layers without trying every layer on every sample: what samples show to be surely outside, or surely
 * inside, is not tried further. Losses are compared in pairs on the same samples (`isSurelyLarger`). Every layer starts with
 * the base table's threshold only, since the best of several can only be less; those that may belong to the costliest are
 * tried with all.
 *
 * A layer's threshold is decided when one surely costs less than the others; it is then what later layers see in front of
 * them. Where a contested layer's loss depends on the undecided threshold of a layer before it, that one is decided first.
 */
export class LayerRace {
  readonly #space: TrialSpace;
  readonly #report: ((progress: RaceProgress) => void) | undefined;
  readonly #contestants: readonly Contestant[];
  readonly #forced = new Set<Contestant>();
  /** Thresholds of layers that are decided. */
  #decided: ReadonlyMap<string, number> = new Map();
  /** Those that the last comparison with the boundary could not leave at the first samples. */
  #contested: ReadonlySet<RaceTrial> = new Set();
  /** Samples in the order in which they are tried. */
  readonly #order: SampleOrder;
  readonly #inputs: ReadonlyMap<string, readonly (string | null)[]>;
  #working: Plan;
  #done = 0;
  /** Runs so far, in runs of the whole network; nothing is to be settled or decided anew while it stays. */
  #spent = 0;
  /** What had been spent when counts were settled, and when thresholds were decided. */
  readonly #settledAt = new Map<number, number>();
  #decidedAt = -1;

  constructor(space: TrialSpace, report?: (progress: RaceProgress) => void) {
    this.#space = space;
    this.#report = report;
    this.#working = space.plan;
    this.#order = new SampleOrder(space.sampleCount);
    this.#inputs = new Map(space.graph.ops.map((op) => [op.name, op.inputs]));
    const types = new Map(space.graph.ops.map((op) => [op.name, op.type]));
    this.#contestants = space.layers.map((layer) => ({
      layer,
      type: types.get(layer) ?? 'unknown',
      trials: trialsOf(space, layer),
      isAdopted: false,
    }));
  }

  /** Thresholds of the base table, and those that were decided. */
  get plan(): Plan {
    return withThresholds(this.#space.plan, this.#decided);
  }

  /** Tries every layer, so that `layers` can be ranked, without being sure of any place. */
  async sketch(): Promise<void> {
    await this.#extend(this.#contestants.map(({ trials }) => trials[0]!).filter(({ scores }) => scores.length === 0));
  }

  /** Evaluates until the `count` costliest layers are known: they come first in `layers` when that is ranked. */
  async settle(count: number): Promise<void> {
    if (this.#settledAt.get(count) === this.#spent) return;
    do await this.#settle(count);
    while (await this.#isCoupled(count));
    this.#settledAt.set(count, this.#spent);
  }

  async #settle(count: number): Promise<void> {
    await this.sketch();
    for (let open = await this.#openTrials(count); open.length > 0; open = await this.#openTrials(count)) {
      await this.#extend(open);
    }
  }

  /** Decides thresholds that few samples decide. */
  async decide(): Promise<void> {
    if (this.#decidedAt === this.#spent) return;
    const account = (runs: number): void => {
      this.#done += runs;
      this.#tell();
    };
    const isTried = this.#worthDeciding();
    const layers = this.#contestants.map((contestant) => ({
      layer: contestant.layer,
      producers: this.#producers(contestant).map(({ layer }) => layer),
      trials: contestant.trials
        .toSorted((a, b) => a.order - b.order)
        .map(({ threshold, network, scores }) => ({ threshold, network, samples: scores.length })),
      isTried: isTried.has(contestant),
    }));
    this.#decided = await new ThresholdDecisions(this.#space, this.#order, account).decide(layers, this.#working);
    this.#decidedAt = this.#spent;
  }

  /** Layers all of whose thresholds were tried, and as many of the last, which cost least, as a part of the work so far pays for. */
  #worthDeciding(): ReadonlySet<Contestant> {
    const chosen = new Set<Contestant>();
    let rest = DECISION_SHARE * this.#spent;
    for (const contestant of this.#contestants.toReversed()) {
      const { trials } = contestant;
      const isKnown = trials.length === 1 || trials.every(({ scores }) => scores.length > CONTESTED_SAMPLES);
      if (!isKnown) rest -= this.#partBehind(contestant) * trials.length * DECISION_COST;
      if (isKnown || rest > 0) chosen.add(contestant);
    }
    return chosen;
  }

  /** The part of the network that a trial of a layer executes, by operators. */
  #partBehind({ layer }: Contestant): number {
    const { ops } = this.#space.graph;
    return 1 - ops.findIndex(({ name }) => name === layer) / ops.length;
  }

  /** What is known of every layer, in the network's order. */
  get layers(): LayerSensitivity[] {
    return this.#contestants
      .filter(({ trials }) => trials[0]!.scores.length > 0)
      .map((contestant) => {
        const tried = contestant.trials.filter(({ scores }) => scores.length > 0);
        const trials = tried.flatMap(({ methods, threshold, scores }) =>
          methods.map((method) => ({ method, threshold, loss: this.#order.lossOf(scores), samples: scores.length })),
        );
        const best = trials.reduce((least, trial) => (trial.loss < least.loss ? trial : least));
        const { layer, type } = contestant;
        return { layer, type, trials, best, isDecided: this.#decided.has(layer) };
      });
  }

  /** Decides what can be decided, and answers the trials that need more samples. */
  async #openTrials(count: number): Promise<RaceTrial[]> {
    for (;;) {
      const ranking = this.#ranking();
      const unopened = [...ranking.slice(0, count), ...this.#forced].flatMap(({ trials }) =>
        trials.filter(({ scores }) => scores.length === 0),
      );
      if (unopened.length > 0) await this.#extend(unopened);
      else if (!(await this.#adoptForced())) break;
    }
    const ranking = this.#ranking();
    const pooled = this.#pooledVariance(ranking, count);
    const open = new Set<RaceTrial>();
    const close = new Set<RaceTrial>();
    for (const inside of ranking.slice(0, count)) {
      for (const outside of ranking.slice(count)) this.#compare(inside, outside, pooled, open);
    }
    for (const trial of open) if (trial.scores.length > CONTESTED_SAMPLES) close.add(trial);
    this.#contested = new Set([...this.#contested, ...close]);
    for (const { trials, isAdopted } of this.#forced) if (!isAdopted) for (const trial of trials) open.add(trial);
    const total = this.#space.sampleCount;
    const unfinished = [...open].filter(({ scores }) => scores.length < total);
    const least = Math.min(...unfinished.map(({ scores }) => scores.length));
    return unfinished.filter(({ scores }) => scores.length === least);
  }

  /** A layer is inside when it costs more than one outside with each of its thresholds. */
  #compare(inside: Contestant, outside: Contestant, pooled: number, open: Set<RaceTrial>): void {
    const below = bestOf(outside);
    for (const trial of inside.trials) {
      if (isSurelyLarger(trial.scores, below.scores, pooled, this.#space.sampleCount)) continue;
      open.add(trial);
      open.add(below);
    }
  }

  #tried(): Contestant[] {
    return this.#contestants.filter(({ trials }) => trials[0]!.scores.length > 0);
  }

  #ranking(): Contestant[] {
    const tried = this.#tried();
    const loss = new Map(tried.map((contestant) => [contestant, this.#order.lossOf(bestOf(contestant).scores)]));
    return tried.sort((a, b) => loss.get(b)! - loss.get(a)!);
  }

  /** Variance of relative differences between neighbours in rank, where decisions are made. */
  #pooledVariance(ranking: readonly Contestant[], count: number): number {
    const near = ranking.slice(0, 4 * count).map((contestant) => bestOf(contestant).scores);
    const told = near.filter(({ length }) => length > 1);
    if (told.length < Math.min(count, near.length)) return USUAL_VARIANCE;
    return pooledVariance(told.slice(1).map((scores, index) => pairedDifference(told[index]!, scores).residual));
  }

  #tableHas(layer: string, threshold: number): boolean {
    return this.#working.values.get(layer)?.threshold === threshold;
  }

  /** Is it sure which of a layer's thresholds costs least? */
  #isSure({ trials }: Contestant, pooled: number): boolean {
    if (trials.some(({ scores }) => scores.length === 0)) return false;
    const best = bestOf({ trials });
    return trials.every((trial) => isLess(best, trial, pooled, this.#space.sampleCount));
  }

  /** Puts thresholds that were to be decided, and are, into the table. Answers whether that made losses unknown. */
  async #adoptForced(): Promise<boolean> {
    const pooled = this.#pooledVariance(this.#ranking(), this.#contestants.length);
    for (const contestant of this.#forced) {
      if (contestant.isAdopted || !this.#isSure(contestant, pooled)) continue;
      contestant.isAdopted = true;
      const { threshold } = bestOf(contestant);
      if (this.#tableHas(contestant.layer, threshold)) continue;
      this.#working = withThresholds(this.#working, new Map([[contestant.layer, threshold]]));
      if (await this.#forgetChanged(contestant)) return true;
    }
    return false;
  }

  /** Evaluates anew what a decided threshold changed, on as many samples as before. */
  async #forgetChanged(decided: Contestant): Promise<boolean> {
    const { effects } = this.#space;
    const changed: { readonly trial: RaceTrial; readonly samples: number }[] = [];
    for (const contestant of this.#contestants) {
      if (contestant === decided) continue;
      for (const trial of contestant.trials) {
        if (trial.network === undefined) continue;
        const network = aloneInInt8(this.#space, this.#working, contestant.layer, trial.threshold);
        if (effects.of(network) === effects.of(trial.network)) continue;
        changed.push({ trial, samples: trial.scores.length });
        contestant.isAdopted = false;
        trial.network = network;
        trial.scores = [];
      }
    }
    for (const samples of new Set(changed.map((one) => one.samples))) {
      const trials = changed.filter((one) => one.samples === samples).map(({ trial }) => trial);
      await this.#extend(trials, samples);
    }
    return changed.length > 0;
  }

  /** Does a decision hang on a threshold that is not decided? Then that one has to be. */
  async #isCoupled(count: number): Promise<boolean> {
    const ranking = this.#ranking();
    const [inside, outside] = [ranking.slice(0, count), ranking.slice(count)];
    const limits = { inside: outside.at(0), outside: inside.at(-1) };
    let isAny = false;
    for (const [position, contestant] of ranking.entries()) {
      const isContested = this.#contested.has(bestOf(contestant));
      const limit = position < count ? limits.inside : limits.outside;
      if (!isContested || limit === undefined) continue;
      const margin = Math.abs(pairedDifference(bestOf(contestant).scores, bestOf(limit).scores).mean);
      for (const producer of this.#openProducers(contestant)) {
        if (!(await this.#isMovedBy(producer, contestant, { margin, isInside: position < count }))) continue;
        this.#forced.add(producer);
        isAny = true;
      }
    }
    return isAny;
  }

  /** May another threshold of a producer take a layer over the boundary? */
  async #isMovedBy(
    producer: Contestant,
    contestant: Contestant,
    { margin, isInside }: { readonly margin: number; readonly isInside: boolean },
  ): Promise<boolean> {
    for (const { samples, margin: times } of COUPLING_MARGINS) {
      const shifts = await this.#shifts(contestant, producer, samples);
      const towards = Math.max(0, ...shifts.map((shift) => (isInside ? -shift : shift)));
      if (times * towards <= margin) return false;
    }
    return true;
  }

  /** Layers before it whose threshold in the table may not be the one that will be decided. */
  #openProducers(contestant: Contestant): Contestant[] {
    return this.#producers(contestant).filter((other) => !this.#forced.has(other) && other.trials.length > 1);
  }

  #producers({ layer }: Contestant): Contestant[] {
    const inputs = this.#inputs.get(layer) ?? [];
    return this.#contestants.filter((other) => inputs.includes(other.layer));
  }

  /** By what part a layer's loss grows with each of a producer's other thresholds, on so many of the samples it was tried on. */
  async #shifts(contestant: Contestant, producer: Contestant, count: number): Promise<number[]> {
    const best = bestOf(contestant);
    const behind = await this.#behind(producer, contestant, best, count);
    return behind.map((scores) => pairedDifference(scores, best.scores).mean);
  }

  /** A trial's scores behind each of a producer's other thresholds, on so many of the samples it was tried on. */
  async #behind(producer: Contestant, { layer }: Contestant, trial: RaceTrial, count: number): Promise<number[][]> {
    const others = producer.trials.filter(({ threshold }) => !this.#tableHas(producer.layer, threshold));
    const networks = others.map(({ threshold }) => {
      const plan = withThresholds(this.#working, new Map([[producer.layer, threshold]]));
      return aloneInInt8(this.#space, plan, layer, trial.threshold);
    });
    const samples = this.#order.slice(0, Math.min(count, trial.scores.length));
    const scores = await this.#space.networks.scores(networks, samples);
    return scores.map((found) => [...found]);
  }

  /** Tries on more samples; all given trials have been tried on as many. */
  async #extend(trials: readonly RaceTrial[], to?: number): Promise<void> {
    if (trials.length === 0) return;
    const { sampleCount, networks } = this.#space;
    const from = trials[0]!.scores.length;
    const end = Math.min(sampleCount, to ?? (from < CONTESTED_SAMPLES ? from + FIRST_SAMPLES : from + SAMPLE_STEP));
    const samples = this.#order.slice(from, end);
    const graphs = trials.map((trial) => this.#networkOf(trial));
    const scores = await networks.scores(graphs, samples);
    trials.forEach((trial, index) => {
      trial.scores.push(...scores[index]!);
    });
    this.#done += trials.length * samples.length;
    for (const trial of trials) this.#spent += samples.length * this.#partBehind(this.#ownerOf(trial));
    this.#tell();
  }

  #networkOf(trial: RaceTrial): Graph {
    trial.network ??= aloneInInt8(this.#space, this.#working, this.#ownerOf(trial).layer, trial.threshold);
    return trial.network;
  }

  #ownerOf(trial: RaceTrial): Contestant {
    return this.#contestants.find(({ trials }) => trials.includes(trial))!;
  }

  #tell(): void {
    if (this.#report === undefined) return;
    const known = this.#contestants.filter(({ trials }) => trials[0]!.scores.length > 0);
    const top = known
      .map((contestant) => ({ contestant, best: bestOf(contestant) }))
      .map(({ contestant: { layer }, best }) => ({ layer, loss: meanLoss(best.scores), samples: best.scores.length }))
      .sort((a, b) => b.loss - a.loss)
      .slice(0, 5);
    const unfinished = this.#contestants.flatMap(({ trials }) =>
      trials.filter(({ scores }) => scores.length > FIRST_SAMPLES || scores.length === 0),
    );
    const rest = unfinished.reduce((sum, { scores }) => sum + this.#space.sampleCount - scores.length, 0);
    this.#report({ done: this.#done, total: this.#done + rest, top });
  }
}

/** The opened threshold that costs least so far; of equal ones the first method's. */
function bestOf({ trials }: Pick<Contestant, 'trials'>): RaceTrial {
  const opened = trials.filter(({ scores }) => scores.length > 0);
  return opened
    .toSorted((a, b) => a.order - b.order)
    .reduce((least, trial) => (meanLoss(trial.scores) < meanLoss(least.scores) ? trial : least));
}

function isLess(best: RaceTrial, other: RaceTrial, pooled: number, total: number): boolean {
  if (best === other) return true;
  const tried = Math.min(best.scores.length, other.scores.length);
  return tried >= Math.min(DECISION_SAMPLES, total) && isSurelyLarger(other.scores, best.scores, pooled, total);
}

function trialsOf({ plan, methods }: TrialSpace, layer: string): RaceTrial[] {
  const byThreshold = new Map<number, string[]>();
  for (const { method, thresholds } of methods) {
    const threshold = thresholds.get(layer)!;
    byThreshold.set(threshold, [...(byThreshold.get(threshold) ?? []), method]);
  }
  const base = plan.values.get(layer)?.threshold;
  return [...byThreshold]
    .map(
      ([threshold, names], order): RaceTrial => ({ methods: names, order, threshold, scores: [], network: undefined }),
    )
    .sort((a, b) => Number(b.threshold === base) - Number(a.threshold === base));
}
