/// <reference types="node" />
import { parentPort, type TransferListItem, Worker } from 'node:worker_threads';
import type { Port, WorkerPort } from './protocol.ts';

/** True in tests of this workspace, which run TypeScript sources. Node's workers cannot: they use what was built. */
const isSource = import.meta.url.endsWith('.ts');

/** The worker script of this package. */
export function defaultWorkerUrl(): URL {
  return new URL(isSource ? '../../dist/pool/worker-entry.js' : './worker-entry.js', import.meta.url);
}

export function spawnWorker(url: URL | string): WorkerPort {
  // The flags of a test process make imports resolve to sources, and workers would inherit them.
  const options = isSource ? { execArgv: [] } : {};
  const worker = new Worker(typeof url === 'string' ? new URL(url) : url, options);
  let isEnding = false;
  let reason: string | undefined;
  worker.unref();
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer as TransferListItem[]),
    onMessage: (listener) => void worker.on('message', listener as (message: unknown) => void),
    onCrash(listener) {
      worker.on('error', (error: Error) => {
        reason = error.message;
      });
      worker.on('messageerror', (error: Error) => listener(error.message));
      worker.on('exit', (code) => {
        if (!isEnding) listener(reason ?? `it exited with code ${code}`);
      });
    },
    keepAlive: (isBusy) => (isBusy ? worker.ref() : worker.unref()),
    async terminate() {
      isEnding = true;
      await worker.terminate();
    },
  };
}

/** The pool's end, seen from inside a worker. */
export function workerSelf(): Port {
  if (parentPort === null) throw new Error('This module runs in a worker thread');
  const port = parentPort;
  return {
    post: (message, transfer = []) => port.postMessage(message, transfer as TransferListItem[]),
    onMessage: (listener) => void port.on('message', listener as (message: unknown) => void),
  };
}
