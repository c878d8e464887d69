import { workerSelf } from '#worker-platform';
import { serve } from './serve.ts';
import type { TaskFactory } from './task.ts';

export type { TaskFactory, WorkerTask } from './task.ts';

/**
 * Makes the current worker serve a task that its script imports itself. For bundled pages, where a module cannot be named
 * by its address at run time:
 *
 * ```ts
 * // my-worker.ts, started with new Worker(new URL('./my-worker.ts', import.meta.url), { type: 'module' })
 * import { serveTask } from '@q/runtime/worker';
 * import { createTask } from './my-task.ts';
 * serveTask(createTask);
 * ```
 */
export function serveTask<Init, Message, Reply>(factory: TaskFactory<Init, Message, Reply>): void {
  serve(workerSelf(), factory as TaskFactory);
}
