import { isQError, type Plan, type Precision } from '@q/ir';
import { withFloatOps } from '../sensitivity/plan-edits.ts';
import type { LayerCosine, QtableEnd } from '../sensitivity/run-qtable.ts';
import { SearchStopped, untilStopped } from '../sensitivity/stop-clock.ts';
import { LayerLikenesses } from './layer-likenesses.ts';
import { PASSED_OVER } from './passed-over-types.ts';
import { type NewerSearchOptions, startOf, WholeTrials } from './whole-trials.ts';

export interface MixSearchOptions extends NewerSearchOptions {
  /** Layers less like float than this become float. Default 0.99. */
  readonly minLayerCos?: number;
  /** At most this many layers, and a quarter of all. Default 5. */
  readonly maxFloatLayers?: number;
}

export type MixSearchOutcome =
  | { readonly kind: 'sufficient'; readonly int8Score: number }
  | {
      readonly kind: 'searched';
      readonly int8Score: number;
      /** Of the last network that was tried; 0 when none was. */
      readonly mixedScore: number;
      /** In the network's order. */
      readonly layers: readonly LayerCosine[];
      readonly floatLayers: readonly string[];
      readonly floatType: Precision;
      readonly end: QtableEnd;
      /** More float layers than this ended the walk. */
      readonly most: number;
      readonly plan: Plan;
      /** Why not everything was searched; `int8Score` is no number when it was not found by then. */
      readonly stopped?: SearchStopped['reason'];
    };

const PART = 4;

/**
 * `--search mix_search` of TPU-MLIR since 2026 (search.md 6): walks over the layers; one that is too far from float becomes float
 * with all layers since the last that was judged, and what follows is judged in the network that this gives. Mixed networks
 * are run as a whole.
 */
export async function mixSearch(options: MixSearchOptions): Promise<MixSearchOutcome> {
  const { graph, expectedCos = 0.99, maxFloatLayers = 5, onEvent } = options;
  const { plan, floatType } = startOf(options);
  const most = Math.min(Math.floor(graph.ops.length / PART), maxFloatLayers);
  let [int8Score, walk]: [number, MixWalk | undefined] = [Number.NaN, undefined];
  const end = await untilStopped(async () => {
    const trials = await WholeTrials.open(options, 'mixed type');
    try {
      int8Score = await trials.score(trials.plan);
      onEvent?.({ type: 'int8-score', score: int8Score });
      if (int8Score > expectedCos) return 'sufficient';
      walk = new MixWalk(trials, options, { int8Score, most });
      const reason = await walk.run();
      walk.tell(graph.ops.length);
      return reason;
    } finally {
      await walk?.dispose();
      await trials.dispose();
    }
  });
  if (end === 'sufficient') return { kind: 'sufficient', int8Score };
  const { floatLayers, layers, mixedScore } = (walk as MixWalk | undefined) ?? {
    floatLayers: [],
    layers: [],
    mixedScore: 0,
  };
  const mixed = withFloatOps(plan, floatLayers, floatType, () => ({ code: 'default' }));
  const found = { int8Score, mixedScore, layers, floatLayers, floatType, most, plan: mixed };
  if (!(end instanceof SearchStopped)) return { kind: 'searched', ...found, end };
  onEvent?.({ type: 'stopped', reason: end.reason });
  return { kind: 'searched', ...found, end: 'stopped', stopped: end.reason };
}

class MixWalk {
  readonly #trials: WholeTrials;
  readonly #options: MixSearchOptions;
  readonly #limits: { readonly int8Score: number; readonly most: number };
  readonly #names: readonly string[];
  readonly #likenesses: LayerLikenesses;
  readonly layers: LayerCosine[] = [];
  floatLayers: string[] = [];
  mixedScore = 0;
  /** Position of the last layer that was judged or passed over. */
  #marker = -1;

  constructor(trials: WholeTrials, options: MixSearchOptions, limits: { int8Score: number; most: number }) {
    this.#trials = trials;
    this.#options = options;
    this.#limits = limits;
    this.#names = options.graph.ops.map(({ name }) => name);
    this.#likenesses = new LayerLikenesses(options, trials.lower(trials.plan), trials.check);
  }

  async run(): Promise<QtableEnd> {
    const { graph, minLayerCos = 0.99, fixedFloat = [] } = this.#options;
    const fixed = new Set(fixedFloat);
    let similarities = await this.#similarities();
    for (const [at, op] of graph.ops.entries()) {
      const cosine = similarities.get(op.name);
      const isJudged = !PASSED_OVER.has(op.type) && !fixed.has(op.name) && cosine !== undefined;
      if (isJudged && !this.floatLayers.includes(op.name)) {
        this.layers.push({ layer: op.name, cosine });
        if (cosine < minLayerCos) {
          const step = await this.#putIntoFloat(at);
          if (step === 'reached' || step === 'too-many') return step;
          if (step === 'taken') similarities = await this.#similarities();
        }
      }
      this.#marker = at;
      this.tell(at + 1);
    }
    return 'walked';
  }

  /** Says how many layers are behind. */
  tell(done: number): void {
    const { graph, samples } = this.#options;
    const losses = this.layers.map(({ layer, cosine }) => ({ layer, loss: 1 - cosine, samples: samples.length }));
    this.#trials.tell('mix search', { done, total: graph.ops.length }, losses);
  }

  /** Everything behind the marker up to a layer; taken back when the network is worse than INT8 then, or cannot be lowered. */
  async #putIntoFloat(at: number): Promise<'reached' | 'too-many' | 'taken' | 'back'> {
    const { expectedCos = 0.99 } = this.#options;
    const before = this.floatLayers;
    const floatLayers = [...before, ...this.#names.slice(this.#marker + 1, at + 1)];
    try {
      this.mixedScore = await this.#trials.score(this.#trials.withFloat(this.#trials.plan, floatLayers));
    } catch (error) {
      if (!isQError(error) || !error.code.startsWith('lower.')) throw error;
      return 'back';
    }
    this.floatLayers = floatLayers;
    if (this.mixedScore > expectedCos) return 'reached';
    if (this.floatLayers.length > this.#limits.most) return 'too-many';
    if (this.mixedScore >= this.#limits.int8Score) return 'taken';
    this.floatLayers = before;
    return 'back';
  }

  /** Likeness of every layer that the mixed network has, averaged over samples. */
  async #similarities(): Promise<Map<string, number>> {
    const { graph } = this.#options;
    const mixed = this.#trials.lower(this.#trials.withFloat(this.#trials.plan, this.floatLayers));
    const names = graph.ops.map(({ name }) => name).filter((name) => mixed.values.has(name) && graph.values.has(name));
    const means = await this.#trials.recorded('likeness of layers', mixed, () => this.#likenesses.of(mixed, names));
    return new Map(names.map((name, at) => [name, means[at]!]));
  }

  /** Ends the threads, if there are any. */
  async dispose(): Promise<void> {
    await this.#likenesses.dispose();
  }
}
