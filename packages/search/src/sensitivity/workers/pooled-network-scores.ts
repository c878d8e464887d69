import type { Graph } from '@q/ir';
import { createPool, type Feeds, type Pool, type WorkerPort } from '@q/runtime';
import type { NetworkScores } from '../plan-scores.ts';
import type { SearchSamples } from '../samples.ts';
import type { EvaluationCost } from '../suffix-evaluator.ts';
import { patchOf } from './network-patch.ts';
import type { SearchMessage, SearchReply, SearchTaskInit } from './search-task.ts';

export interface PooledScoring {
  readonly base: Graph;
  readonly reference: Graph;
  readonly samples: SearchSamples;
  readonly compared?: readonly string[] | undefined;
  readonly frontierBytes?: number | undefined;
  /** Called before work is given out; what it throws ends the evaluation. */
  readonly checkpoint?: () => void;
  readonly workers: number;
  readonly spawn?: ((index: number) => WorkerPort) | undefined;
}

/** Workers cannot run TypeScript: from `src`, as in tests, they take the compiled task. */
const TASK = import.meta.url.endsWith('.ts') ? '../../../dist/sensitivity/workers/search-task.js' : './search-task.js';

/** Where the task that workers of searches run is. */
export function searchTaskUrl(): URL {
  return new URL(TASK, import.meta.url);
}

/** Samples that are given out before the conditions for stopping are looked at again, per worker. */
const ROUND = 4;

/**
 * Scores in workers, each of which always gets the same samples, so that what it keeps of them stays useful. Their number
 * changes no score.
 */
export class PooledNetworkScores implements NetworkScores {
  readonly #scoring: PooledScoring;
  readonly #pool: Pool<SearchMessage, SearchReply>;
  readonly #sent = new Set<number>();
  readonly #costs: EvaluationCost[] = [];

  private constructor(scoring: PooledScoring, pool: Pool<SearchMessage, SearchReply>) {
    this.#scoring = scoring;
    this.#pool = pool;
  }

  static async open(scoring: PooledScoring): Promise<PooledNetworkScores> {
    const { base, reference, samples, compared, frontierBytes, workers, spawn } = scoring;
    const sampleCount = samples.length;
    const init: SearchTaskInit = { base, reference: patchOf(base, reference), sampleCount, compared, frontierBytes };
    const how = spawn === undefined ? { taskUrl: searchTaskUrl() } : { spawn };
    const pool = await createPool<SearchTaskInit, SearchMessage, SearchReply>({
      workers,
      samples: sampleCount,
      init,
      ...how,
    });
    return new PooledNetworkScores(scoring, pool);
  }

  /** Operators of all workers together; memory of the one that needed most. */
  get cost(): EvaluationCost {
    const sum = (of: (cost: EvaluationCost) => number): number => this.#costs.reduce((all, cost) => all + of(cost), 0);
    const most = (of: (cost: EvaluationCost) => number): number => Math.max(0, ...this.#costs.map(of));
    return {
      baseOperators: sum((cost) => cost.baseOperators),
      candidateOperators: sum((cost) => cost.candidateOperators),
      fullOperators: sum((cost) => cost.fullOperators),
      weightBytes: most((cost) => cost.weightBytes),
      activationBytes: most((cost) => cost.activationBytes),
      peakBytes: most((cost) => cost.peakBytes),
    };
  }

  async scores(candidates: readonly Graph[], samples?: readonly number[]): Promise<Float64Array[]> {
    const wanted = samples ?? [...new Array(this.#scoring.samples.length).keys()];
    const patches = candidates.map((graph) => patchOf(this.#scoring.base, graph));
    const results = candidates.map(() => new Float64Array(wanted.length));
    await Promise.all(
      Array.from({ length: this.#pool.size }, async (_, worker) => {
        const own = wanted.filter((sample) => sample % this.#pool.size === worker);
        for (let next = 0; next < own.length; next += ROUND) {
          this.#scoring.checkpoint?.();
          const part = own.slice(next, next + ROUND);
          const reply = await this.#pool.call(worker, {
            candidates: patches,
            samples: part,
            feeds: await this.#unsent(part),
          });
          this.#costs[worker] = reply.cost;
          reply.scores.forEach((scores, candidate) => {
            part.forEach((sample, index) => {
              results[candidate]![wanted.indexOf(sample)] = scores[index]!;
            });
          });
        }
      }),
    );
    return results;
  }

  async dispose(): Promise<void> {
    await this.#pool.dispose();
  }

  async #unsent(samples: readonly number[]): Promise<Map<number, Feeds>> {
    const feeds = new Map<number, Feeds>();
    for (const sample of samples) {
      if (this.#sent.has(sample)) continue;
      this.#sent.add(sample);
      feeds.set(sample, await this.#scoring.samples.sample(sample));
    }
    return feeds;
  }
}
