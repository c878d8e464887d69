import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Port } from '../src/workers/port.ts';
import { serveCalibration } from '../src/workers/serve.ts';

/** A worker on this thread behind a real channel: messages are cloned as between threads. */
export function channelWorker(): Port {
  const { port1, port2 } = new MessageChannel();
  serveCalibration(asPort(port2));
  return asPort(port1);
}

function asPort(port: MessagePort): Port {
  return {
    post: (message) => port.postMessage(message),
    listen: (receive) => void port.on('message', receive),
    onFailure: () => {},
    close: () => port.close(),
  };
}
