import type { Graph } from '@q/ir';
import { createPool, type Feeds, type Pool, type WorkerPort } from '@q/runtime';
import type { NetworkEvaluator } from '../network-evaluator.ts';
import type { MeasureName } from '../sample-measure.ts';
import type { SearchSamples } from '../samples.ts';
import type { EvaluationCost } from '../suffix-evaluator.ts';
import { patchOf } from './network-patch.ts';
import type { SearchMessage, SearchReply, SearchTaskInit } from './search-task.ts';

export interface PooledScoring {
  readonly base: Graph;
  readonly reference: Graph;
  readonly samples: SearchSamples;
  readonly measure: MeasureName;
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

/** What a worker is to do, and where its answers belong. */
interface Share {
  readonly candidates: readonly number[];
  readonly samples: readonly number[];
}

/**
 * Scores in workers, each of which always gets the same samples, so that what it keeps of them stays useful; of fewer samples than
 * workers, each gets some of the candidates. Their number changes no score.
 */
export class PooledNetworkScores implements NetworkEvaluator {
  readonly #scoring: PooledScoring;
  readonly #pool: Pool<SearchMessage, SearchReply>;
  /** Samples that a worker has. */
  readonly #sent: readonly Set<number>[];
  readonly #costs: EvaluationCost[] = [];

  private constructor(scoring: PooledScoring, pool: Pool<SearchMessage, SearchReply>) {
    this.#scoring = scoring;
    this.#pool = pool;
    this.#sent = Array.from({ length: pool.size }, () => new Set());
  }

  static async open(scoring: PooledScoring): Promise<PooledNetworkScores> {
    const { base, reference, samples, measure, compared, frontierBytes, workers, spawn } = scoring;
    const sampleCount = samples.length;
    const setup = { base, reference: patchOf(base, reference), sampleCount };
    const init: SearchTaskInit = { ...setup, measure, compared, frontierBytes };
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
    const measured = await this.measures(candidates, samples);
    return measured.map((perSample) => Float64Array.from(perSample, ([score]) => score!));
  }

  async measures(candidates: readonly Graph[], samples?: readonly number[]): Promise<(readonly number[])[][]> {
    const wanted = samples ?? [...new Array(this.#scoring.samples.length).keys()];
    const patches = candidates.map((graph) => patchOf(this.#scoring.base, graph));
    const results = candidates.map((): (readonly number[])[] => []);
    const places = new Map(wanted.map((sample, at) => [sample, at]));
    await Promise.all(
      this.#shares(candidates.length, wanted).map(async (shares, worker) => {
        for (const [round, share] of shares.entries()) {
          this.#scoring.checkpoint?.();
          const reply = await this.#pool.call(worker, {
            // The rounds of a worker differ in their samples only.
            ...(round === 0 && { candidates: share.candidates.map((candidate) => patches[candidate]!) }),
            samples: share.samples,
            feeds: await this.#unsent(worker, share.samples),
          });
          this.#costs[worker] = reply.cost;
          reply.measures.forEach((perSample, index) => {
            const result = results[share.candidates[index]!]!;
            perSample.forEach((numbers, at) => {
              result[places.get(share.samples[at]!)!] = numbers;
            });
          });
        }
      }),
    );
    return results;
  }

  /** Work per worker, in rounds. Candidates that follow each other stay together: they differ from the base in neighbouring places. */
  #shares(candidates: number, samples: readonly number[]): Share[][] {
    const { size } = this.#pool;
    const all = [...new Array(candidates).keys()];
    return Array.from({ length: size }, (_, worker) => {
      if (samples.length < size && candidates >= 2 * size) {
        const own = all.slice(Math.ceil((candidates * worker) / size), Math.ceil((candidates * (worker + 1)) / size));
        return own.length === 0 ? [] : [{ candidates: own, samples }];
      }
      const own = samples.filter((sample) => sample % size === worker);
      const rounds = Math.ceil(own.length / ROUND);
      return Array.from({ length: rounds }, (__, at) => ({
        candidates: all,
        samples: own.slice(at * ROUND, (at + 1) * ROUND),
      }));
    });
  }

  async dispose(): Promise<void> {
    await this.#pool.dispose();
  }

  async #unsent(worker: number, samples: readonly number[]): Promise<Map<number, Feeds>> {
    const feeds = new Map<number, Feeds>();
    for (const sample of samples) {
      if (this.#sent[worker]!.has(sample)) continue;
      this.#sent[worker]!.add(sample);
      feeds.set(sample, await this.#scoring.samples.sample(sample));
    }
    return feeds;
  }
}
