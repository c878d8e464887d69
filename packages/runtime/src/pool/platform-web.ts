import type { Port, WorkerPort } from './protocol.ts';
import { wrapWorker } from './wrap-worker.ts';

/** The worker script of this package, as it lies beside this file. Bundled pages pass `spawn` instead (README). */
export function defaultWorkerUrl(): URL {
  return new URL('./worker-entry.js', import.meta.url);
}

export function spawnWorker(url: URL | string): WorkerPort {
  return wrapWorker(new Worker(url, { type: 'module' }));
}

/** What a worker's global scope offers of `Worker`'s interface. */
interface WorkerScope {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}

/** The pool's end, seen from inside a worker. */
export function workerSelf(): Port {
  const scope = globalThis as unknown as WorkerScope;
  return {
    post: (message, transfer = []) => scope.postMessage(message, [...transfer]),
    onMessage: (listener) => scope.addEventListener('message', ({ data }) => listener(data as never)),
  };
}
