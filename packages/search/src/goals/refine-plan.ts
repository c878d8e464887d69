import { type Graph, macsOf, type Plan } from '@q/ir';
import { withThresholds } from '../sensitivity/plan-edits.ts';
import type { LayerSensitivity } from '../sensitivity/sensitive-layers.ts';
import { SearchStopped, untilStopped } from '../sensitivity/stop-clock.ts';
import type { MeasuredFloatSet } from './find-float-sets.ts';
import type { FloatSetTrials } from './float-set-trials.ts';

export interface RefinementRequest {
  readonly graph: Graph;
  readonly trials: FloatSetTrials;
  /** Of a sensitivity run, the costliest layer first; thresholds are taken from its trials. */
  readonly ranking: readonly LayerSensitivity[];
  /** With the thresholds to begin with. */
  readonly plan: Plan;
  /** In float to begin with. */
  readonly floatLayers: readonly string[];
  /** Float layers at most; as many as there are to begin with by default. */
  readonly limit?: number;
}

export interface RefinedPlan {
  /** With the thresholds that were found. */
  readonly plan: Plan;
  readonly set: MeasuredFloatSet;
  /** What the plan measured to begin with. */
  readonly before: number;
  /** Networks that were measured. */
  readonly tried: number;
  /** Why it may not be as good as it gets. */
  readonly stopped?: SearchStopped['reason'];
}

/** Among the costliest layers, float layers are exchanged and thresholds are changed in pairs: so many for each float layer. */
const COSTLY = 4;
/** And never fewer than these. */
const MIN_COSTLY = 16;

interface Point {
  readonly plan: Plan;
  readonly floatLayers: readonly string[];
  readonly value: number;
  readonly score: number;
}

/**
 * Thresholds and float layers one by one, each on the whole network, as long as the measure rises: a sensitivity run tries
 * layers alone, and errors of several layers add up otherwise, or make up for each other. First thresholds, the costliest layer
 * first; then float layers, of which one more is taken as far as `limit` allows, and one given up for another; then thresholds of
 * a costly layer together with those of one that reads it; and again, until nothing helps. What comes out cannot be bettered by
 * one of these changes.
 *
 * @throws QError of lowering and of the measure
 */
export async function refinePlan(request: RefinementRequest): Promise<RefinedPlan> {
  const refinement = new Refinement(request);
  const end = await untilStopped(() => refinement.run());
  return { ...refinement.result(), ...(end instanceof SearchStopped && { stopped: end.reason }) };
}

class Refinement {
  readonly #request: RefinementRequest;
  readonly #limit: number;
  #best: Point;
  #before = Number.NaN;
  #tried = 0;

  constructor(request: RefinementRequest) {
    const { plan, floatLayers, limit } = request;
    this.#request = request;
    this.#limit = limit ?? floatLayers.length;
    this.#best = { plan, floatLayers, value: Number.NEGATIVE_INFINITY, score: Number.NaN };
  }

  async run(): Promise<void> {
    await this.#improves(this.#best);
    this.#before = this.#best.value;
    while (
      (await this.#changesThresholds()) ||
      (await this.#changesFloatLayers()) ||
      (await this.#changesNeighbours())
    ) {}
  }

  result(): Omit<RefinedPlan, 'stopped'> {
    const { graph } = this.#request;
    const { plan, floatLayers, value, score } = this.#best;
    const picked = new Set(floatLayers);
    const floatMacs = graph.ops.reduce((sum, op) => sum + (picked.has(op.name) ? macsOf(graph, op) : 0), 0);
    const set = { count: floatLayers.length, floatLayers, floatMacs, value, score };
    return { plan, set, before: this.#before, tried: this.#tried };
  }

  /** Keeps what is better than the best so far. */
  async #improves({ plan, floatLayers }: Pick<Point, 'plan' | 'floatLayers'>): Promise<boolean> {
    const { value, score } = await this.#request.trials.trial(plan, floatLayers);
    this.#tried++;
    if (!(value > this.#best.value)) return false;
    this.#best = { plan, floatLayers, value, score };
    return true;
  }

  async #changesThresholds(): Promise<boolean> {
    let isBetter = false;
    for (const { layer } of this.#request.ranking) {
      for (const threshold of this.#otherThresholds(layer)) {
        if (await this.#improves(this.#withThresholds([[layer, threshold]]))) isBetter = true;
      }
    }
    return isBetter;
  }

  /** Scales that follow from each other, such as those of a Conv and of what only moves its values, change together. */
  async #changesNeighbours(): Promise<boolean> {
    let isBetter = false;
    for (const layer of this.#costly()) {
      for (const reader of this.#readersOf(layer)) {
        for (const own of this.#otherThresholds(layer)) {
          for (const its of this.#otherThresholds(reader)) {
            const pair = [[layer, own] as const, [reader, its] as const];
            if (await this.#improves(this.#withThresholds(pair))) isBetter = true;
          }
        }
      }
    }
    return isBetter;
  }

  #costly(): string[] {
    const count = Math.max(COSTLY * this.#limit, MIN_COSTLY);
    return this.#request.ranking.slice(0, count).map(({ layer }) => layer);
  }

  #withThresholds(thresholds: readonly (readonly [layer: string, threshold: number])[]) {
    const { plan, floatLayers } = this.#best;
    return { plan: withThresholds(plan, new Map(thresholds)), floatLayers };
  }

  /** Thresholds that were tried alone, but the one that the layer has. */
  #otherThresholds(layer: string): number[] {
    const own = this.#best.plan.values.get(layer)?.threshold;
    const trials = this.#request.ranking.find((ranked) => ranked.layer === layer)?.trials ?? [];
    return [...new Set(trials.map(({ threshold }) => threshold))].filter((threshold) => threshold !== own);
  }

  #readersOf(layer: string): string[] {
    const { graph } = this.#request;
    const outputs = graph.ops.find(({ name }) => name === layer)?.outputs ?? [];
    return graph.ops.filter(({ inputs }) => inputs.some((input) => outputs.includes(input))).map(({ name }) => name);
  }

  async #changesFloatLayers(): Promise<boolean> {
    if (this.#limit === 0) return false;
    const { plan, floatLayers } = this.#best;
    const others = this.#costly().filter((layer) => !floatLayers.includes(layer));
    const room = this.#limit - floatLayers.length;
    let isBetter = false;
    // All are compared with the same set, so that the best of these changes is kept.
    for (const layer of room > 0 ? others : []) {
      if (await this.#improves({ plan, floatLayers: [...floatLayers, layer] })) isBetter = true;
    }
    for (const given of floatLayers) {
      const rest = floatLayers.filter((layer) => layer !== given);
      for (const layer of others) {
        if (await this.#improves({ plan, floatLayers: [...rest, layer] })) isBetter = true;
      }
    }
    return isBetter;
  }
}
