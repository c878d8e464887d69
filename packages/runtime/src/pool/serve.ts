import { preferKernels } from '../preferred-kernels.ts';
import { toErrorData } from './error-data.ts';
import type { Port, Request } from './protocol.ts';
import type { TaskFactory, WorkerTask } from './task.ts';

/**
 * The worker's side: creates the task on `start` (from `factory`, or from the module that the pool names) and runs messages
 * one after the other.
 */
export function serve(port: Port, factory?: TaskFactory): void {
  let task: Promise<WorkerTask> | undefined;
  let last: Promise<void> = Promise.resolve();
  port.onMessage((request: Request) => {
    if (request.kind === 'start') {
      preferKernels(request.kernels);
      task = createTask(request, factory);
      last = answer(port, 0, async () => void (await task));
    } else {
      last = last.then(() => answer(port, request.id, async () => runTask(await task!, request.message)));
    }
  });
}

interface Answer {
  readonly reply: unknown;
  readonly transfer: readonly Transferable[];
}

async function createTask({ taskUrl, init }: Request & { kind: 'start' }, factory?: TaskFactory): Promise<WorkerTask> {
  if (factory !== undefined) return factory(init);
  const module = (await import(/* @vite-ignore */ taskUrl!)) as { createTask?: TaskFactory };
  if (typeof module.createTask !== 'function') throw new TypeError(`${taskUrl} exports no function createTask`);
  return module.createTask(init);
}

async function runTask(task: WorkerTask, message: unknown): Promise<Answer> {
  const reply = await task.run(message);
  return { reply, transfer: task.transfer?.(reply) ?? [] };
}

async function answer(port: Port, id: number, work: () => Promise<Answer | undefined>): Promise<void> {
  try {
    const result = await work();
    port.post({ id, ok: true, reply: result?.reply }, result?.transfer);
  } catch (error) {
    port.post({ id, ok: false, error: toErrorData(error) });
  }
}
