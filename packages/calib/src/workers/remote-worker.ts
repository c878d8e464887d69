import { QError } from '@q/ir';
import { fromPlainError } from './plain-error.ts';
import type { Port } from './port.ts';
import type { Answer, AnswerMessage, Ask, CallName } from './protocol.ts';

interface Pending {
  resolve(answer: unknown): void;
  reject(error: QError): void;
}

/** A worker as its coordinator sees it. */
export class RemoteWorker {
  readonly #port: Port;
  readonly #pending = new Map<number, Pending>();
  #calls = 0;
  #failure: QError | undefined;

  constructor(port: Port) {
    this.#port = port;
    port.listen((message) => this.#settle(message as AnswerMessage));
    port.onFailure((reason) => this.#fail(reason));
  }

  call<C extends CallName>(call: C, ask: Ask<C>): Promise<Answer<C>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = this.#calls++;
    return new Promise<Answer<C>>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      this.#port.post({ id, call, ask });
    });
  }

  close(): void {
    this.#port.close();
  }

  #settle({ id, answer, error }: AnswerMessage): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.resolve(answer);
    else pending?.reject(fromPlainError(error));
  }

  #fail(reason: string): void {
    this.#failure = new QError(`A calibration worker stopped: ${reason}.`, {
      code: 'calib.worker',
      found: reason,
      hint: 'run with fewer workers if memory is short',
    });
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }
}
