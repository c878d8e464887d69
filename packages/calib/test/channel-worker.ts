import { MessageChannel } from 'node:worker_threads';
import { isQError } from '@q/ir';
import type { WorkerPort, WorkerTask } from '@q/runtime';
import {
  type CalibrationInit,
  type CalibrationMessage,
  type CalibrationReply,
  createTask,
} from '../src/workers/calibration-task.ts';

type Request = { kind: 'start'; init: CalibrationInit } | { kind: 'run'; id: number; message: CalibrationMessage };

/** A worker on this thread behind a real channel, so that sources are tested as they are: messages are cloned. */
export function channelWorker(): WorkerPort {
  return pausingWorker(async () => {});
}

/** The same, waiting before every reply. */
export function pausingWorker(pause: () => Promise<void>): WorkerPort {
  const { port1, port2 } = new MessageChannel();
  let task: WorkerTask<CalibrationMessage, CalibrationReply> | undefined;
  let last = Promise.resolve();
  port2.on('message', (request: Request) => {
    const id = request.kind === 'start' ? 0 : request.id;
    last = last.then(async () => {
      try {
        if (request.kind === 'start') task = await createTask(request.init);
        const reply = request.kind === 'run' ? await task!.run(request.message) : undefined;
        await pause();
        port2.postMessage({ id, ok: true, reply });
      } catch (error) {
        const issues = isQError(error) ? error.issues : undefined;
        port2.postMessage({ id, ok: false, error: { message: (error as Error).message, issues } });
      }
    });
  });
  return {
    post: (message) => port1.postMessage(message),
    onMessage: (listener) => void port1.on('message', listener as (message: unknown) => void),
    onCrash() {},
    keepAlive() {},
    async terminate() {
      port1.close();
    },
  };
}
