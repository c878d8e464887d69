import type { WorkerPort } from './protocol.ts';

/** What the pool needs of a page's `Worker`. */
export interface PageWorker {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void): void;
  addEventListener(type: 'messageerror', listener: () => void): void;
  terminate(): void;
}

/** A page's own `Worker` as the pool's end of the channel: `spawn: () => wrapWorker(new Worker(new URL(…)))`. */
export function wrapWorker(worker: PageWorker): WorkerPort {
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    onMessage: (listener) => worker.addEventListener('message', ({ data }) => listener(data as never)),
    onCrash(listener) {
      // A script that does not load gives an event without a message.
      worker.addEventListener('error', ({ message }) => listener(message || 'its script could not be loaded'));
      worker.addEventListener('messageerror', () => listener('a message could not be copied'));
    },
    keepAlive() {},
    async terminate() {
      worker.terminate();
    },
  };
}
