import { QError } from '@q/ir';
import { defaultWorkerUrl, spawnWorker } from '#worker-platform';
import { InlineMember, type Member, WorkerMember } from './member.ts';
import type { WorkerPort } from './protocol.ts';
import { ReplyQueue } from './reply-queue.ts';
import type { TaskFactory } from './task.ts';

export interface PoolOptions<Init, Message, Reply> {
  /** Workers to start. 0 does the work in this thread, with the same results. */
  readonly workers: number;
  /** Starts no more workers than there are samples. */
  readonly samples?: number;
  /** Address of the module that exports `createTask`; not needed when the worker script brings its task (`serveTask`). */
  readonly taskUrl?: URL | string;
  /** The task itself, for `workers: 0`. */
  readonly createTask?: TaskFactory<Init, Message, Reply>;
  /** Copied to every worker and given to `createTask`. */
  readonly init: Init;
  /** Worker script, instead of this package's own. */
  readonly workerUrl?: URL | string;
  /** Starts a worker, for pages whose bundler must see `new Worker(new URL(…))`; see `wrapWorker`. */
  readonly spawn?: (index: number) => WorkerPort;
}

/** The reply to one sample. */
export interface SampleReply<Reply> {
  /** Position of the sample in what was given to `map`. */
  readonly index: number;
  /** The worker that did it: what its task keeps of this sample can be asked for with `call`. */
  readonly worker: number;
  readonly reply: Reply;
}

/**
 * Starts workers and creates the task in each of them.
 *
 * @throws QError `runtime.pool.options`, `runtime.worker.crashed` (a script that does not load), or what `createTask` threw.
 */
export async function createPool<Init, Message, Reply>(
  options: PoolOptions<Init, Message, Reply>,
): Promise<Pool<Message, Reply>> {
  const members = options.workers === 0 ? [await inlineMember(options)] : await startWorkers(options);
  return new Pool(members);
}

/** Executors of one task: data-parallel over samples, nothing shared between them. */
export class Pool<Message, Reply> {
  readonly #members: readonly Member[];

  /** @internal Use `createPool`. */
  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /** Number of executors, at least 1. */
  get size(): number {
    return this.#members.length;
  }

  /** Sends a message to one worker. Messages to the same worker are answered in the order they were sent. */
  call(worker: number, message: Message, transfer: readonly Transferable[] = []): Promise<Reply> {
    const member = this.#members[worker];
    if (member === undefined) throw noWorker(worker, this.size);
    return member.call(message, transfer) as Promise<Reply>;
  }

  /** Sends the same message to every worker; replies are in the workers' order. */
  broadcast(message: Message): Promise<Reply[]> {
    return Promise.all(this.#members.map((_, worker) => this.call(worker, message)));
  }

  /**
   * Distributes samples over the workers, each to the least busy one, and delivers the replies in sample order. At most
   * two samples per worker are under way, and as many replies wait for their turn (so that a worker that is held up does
   * not hold up the others): `messages` may load samples as they are asked for.
   *
   * @throws what the task threw for a sample, when its turn comes; later samples are then not started.
   */
  async *map(messages: Iterable<Message> | AsyncIterable<Message>): AsyncGenerator<SampleReply<Reply>, void> {
    const source = Symbol.asyncIterator in messages ? messages[Symbol.asyncIterator]() : messages[Symbol.iterator]();
    const queue = new ReplyQueue<SampleReply<Reply>>();
    let index = 0;
    let isDone = false;
    try {
      for (;;) {
        while (!isDone && queue.unsettled < 2 * this.size && queue.length < 4 * this.size) {
          const next = await source.next();
          if (next.done === true) isDone = true;
          else queue.add(this.#assign(next.value, index++));
        }
        if (queue.length === 0) return;
        if (queue.isFirstSettled) yield await queue.take();
        else await queue.nextSettled();
      }
    } finally {
      if (!isDone) await source.return?.();
    }
  }

  /** Ends the workers; messages under way are rejected with `runtime.pool.disposed`. */
  async dispose(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.dispose()));
  }

  #assign(message: Message, index: number): Promise<SampleReply<Reply>> {
    const busy = this.#members.map(({ pending }) => pending);
    const worker = busy.indexOf(Math.min(...busy));
    return this.call(worker, message).then((reply) => ({ index, worker, reply }));
  }
}

function noWorker(worker: number, size: number): QError {
  return new QError(`The pool has no worker ${worker}.`, {
    code: 'runtime.pool.options',
    where: 'Pool.call',
    found: String(worker),
    expected: `0 to ${size - 1}`,
  });
}

async function inlineMember<Init, Message, Reply>(options: PoolOptions<Init, Message, Reply>): Promise<Member> {
  const { createTask } = options;
  if (createTask === undefined) throw optionError('workers: 0 needs createTask', 'the task itself as createTask');
  return new InlineMember((await createTask(structuredClone(options.init))) as never);
}

async function startWorkers<Init, Message, Reply>(options: PoolOptions<Init, Message, Reply>): Promise<Member[]> {
  const { workers, samples = workers, taskUrl, workerUrl, spawn, init } = options;
  if (!Number.isInteger(workers) || workers < 0) throw optionError(`${workers} workers`, 'a whole number >= 0');
  if (taskUrl === undefined && workerUrl === undefined && spawn === undefined) {
    throw optionError('no task', 'taskUrl, or a worker script that serves its own task');
  }
  const start = spawn ?? (() => spawnWorker(workerUrl ?? defaultWorkerUrl()));
  const count = Math.max(1, Math.min(workers, samples));
  const members = Array.from({ length: count }, (_, index) => new WorkerMember(index, start(index)));
  try {
    await Promise.all(members.map((member) => member.start(taskUrl === undefined ? undefined : String(taskUrl), init)));
  } catch (error) {
    await Promise.all(members.map((member) => member.dispose()));
    throw error;
  }
  return members;
}

function optionError(found: string, expected: string): QError {
  return new QError(`The pool cannot start: ${found}.`, { code: 'runtime.pool.options', found, expected });
}
