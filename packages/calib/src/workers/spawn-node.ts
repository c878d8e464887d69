/// <reference types="node" />
import { Worker } from 'node:worker_threads';
import type { Port } from './port.ts';

/** Starts a calibration worker: a thread of this process. */
export function spawnWorker(): Port {
  // Not the options of this process: a test runner's export conditions would send the thread to TypeScript sources.
  const worker = new Worker(threadUrl(), { execArgv: [] });
  return {
    post: (message) => worker.postMessage(message),
    listen: (receive) => void worker.on('message', receive),
    onFailure: (failed) => {
      worker.on('error', (error: unknown) => failed(error instanceof Error ? error.message : String(error)));
      worker.on('exit', (status) => failed(`exit status ${status}`));
    },
    close: () => void worker.terminate(),
  };
}

/** Threads run compiled files: when this module runs from `src`, as in tests, the thread comes from `dist`. */
function threadUrl(): URL {
  const fromSource = import.meta.url.endsWith('.ts');
  return new URL(fromSource ? '../../dist/workers/thread-node.js' : './thread-node.js', import.meta.url);
}
