import { serveCalibration } from './serve.ts';

// The body of a dedicated worker in a browser. The DOM library types `self` as a window, whose postMessage differs.
const scope = globalThis as unknown as {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
  close(): void;
};
serveCalibration({
  post: (message) => scope.postMessage(message),
  listen: (receive) => scope.addEventListener('message', (event) => receive(event.data)),
  onFailure: () => {},
  close: () => scope.close(),
});
