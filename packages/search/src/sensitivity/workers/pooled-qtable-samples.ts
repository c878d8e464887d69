import type { Graph } from '@q/ir';
import { createPool, type Pool, type WorkerPort } from '@q/runtime';
import type { QtableSamples, QtableStep, QtableTrial } from '../qtable-samples.ts';
import type { SearchSamples } from '../samples.ts';
import { inputsOfSamples, MissingActivation } from '../stepped-network.ts';
import { patchOf } from './network-patch.ts';
import { searchTaskUrl } from './pooled-network-scores.ts';
import type { QtableMessage, QtableReply, QtableTaskInit } from './qtable-task.ts';

export interface PooledWalk {
  readonly int8: Graph;
  readonly float: Graph;
  readonly samples: SearchSamples;
  readonly compared: readonly string[] | undefined;
  /** Called before work is given out; what it throws ends the walk. */
  readonly checkpoint: () => void;
  readonly workers: number;
  readonly spawn: ((index: number) => WorkerPort) | undefined;
}

/** Samples in workers, each of which has every so-manieth. Their number changes no answer. */
export class PooledQtableSamples implements QtableSamples {
  readonly #walk: PooledWalk;
  readonly #pool: Pool<QtableMessage, QtableReply>;

  private constructor(walk: PooledWalk, pool: Pool<QtableMessage, QtableReply>) {
    this.#walk = walk;
    this.#pool = pool;
  }

  static async open(walk: PooledWalk): Promise<PooledQtableSamples> {
    const { int8, float, samples, compared, workers, spawn } = walk;
    const inputs = await inputsOfSamples(samples);
    const pool = await createPool<QtableTaskInit, QtableMessage, QtableReply>({
      ...{ workers, samples: samples.length, init: { int8, float, compared } },
      ...(spawn === undefined ? { taskUrl: searchTaskUrl() } : { spawn }),
    });
    const opened = new PooledQtableSamples(walk, pool);
    await opened.#call((worker) => ({ kind: 'samples', feeds: inputs.filter((_, at) => at % pool.size === worker) }));
    return opened;
  }

  async int8Scores(): Promise<Float64Array> {
    return this.#ask(() => ({ kind: 'int8' }));
  }

  async visit(step: QtableStep): Promise<Float64Array> {
    return this.#ask(() => ({ kind: 'visit', step }));
  }

  async tryFloat({ mixed, ...trial }: QtableTrial): Promise<Float64Array> {
    const patch = patchOf(this.#walk.int8, mixed);
    return this.#ask(() => ({ kind: 'try', trial, mixed: patch }));
  }

  async release(values: { readonly int8: readonly string[]; readonly float: readonly string[] }): Promise<void> {
    await this.#call(() => ({ kind: 'release', ...values }));
  }

  async dispose(): Promise<void> {
    await this.#pool.dispose();
  }

  /** Answers of all workers, put together in the order of the samples; empty where they have none. */
  async #ask(messageOf: (worker: number) => QtableMessage): Promise<Float64Array> {
    this.#walk.checkpoint();
    const { size } = this.#pool;
    const replies = await this.#call(messageOf);
    const missing = replies.find((reply) => reply.missing !== undefined)?.missing;
    if (missing !== undefined) throw new MissingActivation(missing);
    const length = replies.reduce((sum, { values }) => sum + values.length, 0);
    return Float64Array.from({ length }, (_, at) => replies[at % size]!.values[Math.floor(at / size)]!);
  }

  async #call(messageOf: (worker: number) => QtableMessage): Promise<QtableReply[]> {
    const workers = Array.from({ length: this.#pool.size }, (_, worker) => worker);
    return Promise.all(workers.map((worker) => this.#pool.call(worker, messageOf(worker))));
  }
}
