/// <reference types="node" />
import { parentPort } from 'node:worker_threads';
import { serveCalibration } from './serve.ts';

// The body of a worker thread in Node.
const parent = parentPort!;
serveCalibration({
  post: (message) => parent.postMessage(message),
  listen: (receive) => parent.on('message', receive),
  onFailure: () => {},
  close: () => parent.close(),
});
