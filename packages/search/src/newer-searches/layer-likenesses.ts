import type { Graph } from '@q/ir';
import { createPool, type Feeds, type Pool } from '@q/runtime';
import { LayerLikeness } from '../sensitivity/layer-likeness.ts';
import type { LikenessMessage, LikenessTaskInit } from '../sensitivity/workers/likeness-task.ts';
import { patchOf } from '../sensitivity/workers/network-patch.ts';
import { searchTaskUrl } from '../sensitivity/workers/pooled-network-scores.ts';
import type { NewerSearchOptions } from './whole-trials.ts';

/** What workers answer for: as many samples at a time. */
const ROUND = 4;

type Answer = readonly Float64Array[];

/** Likeness to float of the layers of networks, averaged over samples; workers share the samples, their number changes nothing. */
export class LayerLikenesses {
  readonly #options: NewerSearchOptions;
  readonly #check: () => void;
  /** What networks are sent to workers as patches of. */
  readonly #base: Graph;
  #pool: Pool<LikenessMessage, Answer> | undefined;

  constructor(options: NewerSearchOptions, base: Graph, check: () => void) {
    this.#options = options;
    this.#base = base;
    this.#check = check;
  }

  /** Per name, of values that the network and its float original both have. @throws SearchStopped */
  async of(network: Graph, names: readonly string[]): Promise<number[]> {
    const { samples, workers = 1 } = this.#options;
    const perSample =
      workers > 1 && samples.length > 1 ? await this.#inWorkers(network, names) : await this.#here(network, names);
    // Summed in the order of the samples.
    return names.map((_, at) => perSample.reduce((sum, likeness) => sum + likeness[at]!, 0) / samples.length);
  }

  async dispose(): Promise<void> {
    await this.#pool?.dispose();
  }

  async #here(network: Graph, names: readonly string[]): Promise<Answer> {
    const { graph, samples } = this.#options;
    const likeness = await LayerLikeness.open(graph, network, names);
    const found: Float64Array[] = [];
    try {
      for (let index = 0; index < samples.length; index++) {
        this.#check();
        found.push(likeness.of(await samples.sample(index)));
      }
    } finally {
      likeness.dispose();
    }
    return found;
  }

  async #inWorkers(network: Graph, names: readonly string[]): Promise<Answer> {
    const { samples } = this.#options;
    this.#pool ??= await this.#openPool();
    const pool = this.#pool;
    const patch = patchOf(this.#base, network);
    const found: Float64Array[] = [];
    const inWorker = async (worker: number): Promise<void> => {
      for (let first = worker; first < samples.length; first += pool.size * ROUND) {
        this.#check();
        const own = Array.from({ length: ROUND }, (_, at) => first + at * pool.size).filter(
          (at) => at < samples.length,
        );
        const feeds: Feeds[] = [];
        for (const sample of own) feeds.push(await samples.sample(sample));
        const answers = await pool.call(worker, { network: patch, names, feeds });
        answers.forEach((answer, at) => {
          found[own[at]!] = answer;
        });
      }
    };
    await Promise.all(Array.from({ length: pool.size }, (_, worker) => inWorker(worker)));
    return found;
  }

  #openPool(): Promise<Pool<LikenessMessage, Answer>> {
    const { graph, samples, workers = 1, spawnWorker: spawn } = this.#options;
    return createPool<LikenessTaskInit, LikenessMessage, Answer>({
      ...{ workers, samples: samples.length, init: { float: graph, quantized: this.#base } },
      ...(spawn === undefined ? { taskUrl: searchTaskUrl() } : { spawn }),
    });
  }
}
