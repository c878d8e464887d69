import { QError } from '@q/ir';
import { preferredKernels } from '../preferred-kernels.ts';
import { fromErrorData, toErrorData } from './error-data.ts';
import type { Response, WorkerPort } from './protocol.ts';
import type { WorkerTask } from './task.ts';

/** One executor of a pool. */
export interface Member {
  /** Messages sent and not answered. */
  readonly pending: number;
  call(message: unknown, transfer: readonly Transferable[]): Promise<unknown>;
  dispose(): Promise<void>;
}

interface Waiting {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A member that runs in a worker. */
export class WorkerMember implements Member {
  readonly #index: number;
  readonly #port: WorkerPort;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #crash: QError | undefined;

  constructor(index: number, port: WorkerPort) {
    this.#index = index;
    this.#port = port;
    port.onMessage((response: Response) => this.#settle(response));
    port.onCrash((reason) => this.#fail(reason));
  }

  get pending(): number {
    return this.#waiting.size;
  }

  /** Creates the task in the worker. */
  start(taskUrl: string | undefined, init: unknown): Promise<unknown> {
    return this.#ask(0, () => this.#port.post({ kind: 'start', taskUrl, init, kernels: preferredKernels() }));
  }

  call(message: unknown, transfer: readonly Transferable[]): Promise<unknown> {
    const id = this.#nextId++;
    return this.#ask(id, () => this.#port.post({ kind: 'run', id, message }, transfer));
  }

  async dispose(): Promise<void> {
    this.#crash ??= new QError('The pool was disposed of.', { code: 'runtime.pool.disposed', where: this.#name });
    this.#rejectAll(this.#crash);
    await this.#port.terminate();
  }

  get #name(): string {
    return `worker ${this.#index}`;
  }

  #ask(id: number, send: () => void): Promise<unknown> {
    if (this.#crash !== undefined) return Promise.reject(this.#crash);
    return new Promise((resolve, reject) => {
      send();
      this.#waiting.set(id, { resolve, reject });
      this.#port.keepAlive(true);
    });
  }

  #settle(response: Response): void {
    const waiting = this.#waiting.get(response.id);
    this.#waiting.delete(response.id);
    if (this.#waiting.size === 0) this.#port.keepAlive(false);
    if (response.ok) waiting?.resolve(response.reply);
    else waiting?.reject(fromErrorData(response.error));
  }

  #fail(reason: string): void {
    this.#crash ??= new QError(`Worker ${this.#index} died: ${reason}.`, {
      code: 'runtime.worker.crashed',
      where: this.#name,
      found: reason,
      ...(/memory/i.test(reason) && { hint: 'use fewer workers, each of them holds the model' }),
    });
    this.#rejectAll(this.#crash);
  }

  #rejectAll(error: QError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** A member that runs in this thread, message by message. Messages and replies are copied as they would be elsewhere. */
export class InlineMember implements Member {
  readonly #task: WorkerTask;
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;

  constructor(task: WorkerTask) {
    this.#task = task;
  }

  get pending(): number {
    return this.#pending;
  }

  call(message: unknown, transfer: readonly Transferable[]): Promise<unknown> {
    const copy = structuredClone(message, { transfer: [...transfer] });
    this.#pending++;
    const reply = this.#last.then(() => this.#run(copy));
    this.#last = reply.catch(() => undefined);
    return reply;
  }

  async dispose(): Promise<void> {
    await this.#last;
    this.#task.dispose?.();
  }

  async #run(message: unknown): Promise<unknown> {
    try {
      return structuredClone(await this.#task.run(message));
    } catch (error) {
      throw fromErrorData(toErrorData(error));
    } finally {
      this.#pending--;
    }
  }
}
