import type { Port } from './port.ts';

/** Starts a calibration worker: a dedicated worker of this page. Bundlers recognise this form of `new Worker`. */
export function spawnWorker(): Port {
  const worker = new Worker(new URL('./thread-web.js', import.meta.url), { type: 'module' });
  return {
    post: (message) => worker.postMessage(message),
    listen: (receive) => worker.addEventListener('message', (event) => receive(event.data)),
    onFailure: (failed) =>
      worker.addEventListener('error', (event) => failed(event.message || 'it could not be started')),
    close: () => worker.terminate(),
  };
}
