import { existsSync } from 'node:fs';
import { isQError } from '@q/ir';
import { compileKernels } from '@q/kernels-wasm';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createPool,
  createSession,
  type InferenceInit,
  type PageWorker,
  Pool,
  type TaskFactory,
  wrapWorker,
} from '../src/index.ts';
import { createTask as createInferenceTask } from '../src/pool/inference-task.ts';
import { serve } from '../src/pool/serve.ts';
import { GraphBuilder, ramp } from './graph-builder.ts';

const entry = new URL('../dist/pool/worker-entry.js', import.meta.url);
const isBuilt = existsSync(entry);
if (!isBuilt) console.warn(`SKIPPED: ${entry.pathname} is absent, build the package to test its workers`);

interface Message {
  readonly value: number;
  readonly delayMs?: number;
  readonly action?: 'crash' | 'fail' | 'throw';
}
interface Reply {
  readonly value: number;
  readonly seen: number;
}

const taskUrl = new URL('./tasks/arithmetic.mjs', import.meta.url);
const pools: Pool<never, unknown>[] = [];

async function arithmetic(
  workers: number,
  init: object = { offset: 100 },
  samples?: number,
): Promise<Pool<Message, Reply>> {
  const createTask =
    workers === 0 ? ((await import(taskUrl.href)).createTask as TaskFactory<object, Message, Reply>) : undefined;
  const pool = await createPool<object, Message, Reply>({
    workers,
    init,
    taskUrl,
    ...(createTask && { createTask }),
    ...(samples !== undefined && { samples }),
  });
  pools.push(pool as Pool<never, unknown>);
  return pool;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.dispose()));
});

async function collect(pool: Pool<Message, Reply>, messages: Iterable<Message>) {
  const replies: { index: number; worker: number; value: number }[] = [];
  for await (const { index, worker, reply } of pool.map(messages)) replies.push({ index, worker, value: reply.value });
  return replies;
}

const failure = async (run: Promise<unknown>): Promise<Error> =>
  run.then(
    () => new Error('no failure'),
    (error: Error) => error,
  );

describe.each([0, 1, 3])('%i workers', (workers) => {
  const inWorkers = workers > 0 ? test.skipIf(!isBuilt) : test;

  inWorkers('replies come in sample order, however long each takes', async () => {
    const pool = await arithmetic(workers);
    const messages = [30, 1, 20, 2, 10, 3, 1].map((delayMs, value) => ({ value, delayMs }));
    const replies = await collect(pool, messages);
    expect(replies.map(({ index, value }) => [index, value])).toEqual(messages.map((_, i) => [i, i + 100]));
    expect(pool.size).toBe(Math.max(1, workers));
  });

  inWorkers('no samples, and a source that loads them late', async () => {
    const pool = await arithmetic(workers);
    expect(await collect(pool, [])).toEqual([]);
    let [loaded, most, done] = [0, 0, 0];
    async function* source(): AsyncGenerator<Message> {
      for (let value = 0; value < 20; value++) {
        loaded++;
        most = Math.max(most, loaded - done);
        yield { value };
      }
    }
    for await (const { index, reply } of pool.map(source())) {
      expect(reply.value).toBe(100 + index);
      done++;
    }
    expect(done).toBe(20);
    expect(most).toBeLessThanOrEqual(4 * pool.size + 1);
  });

  inWorkers('a failing sample ends the run with its own error; the pool goes on', async () => {
    const pool = await arithmetic(workers);
    const error = await failure(collect(pool, [{ value: 1 }, { value: 2, action: 'fail' }, { value: 3 }]));
    expect(isQError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'test.bad', where: 'sample 2', message: 'bad sample' });
    expect(await failure(pool.call(0, { value: 1, action: 'throw' }))).toMatchObject({ message: 'plain failure' });
    expect((await collect(pool, [{ value: 5 }]))[0]!.value).toBe(105);
  });

  inWorkers('a task that cannot be created is reported', async () => {
    expect(await failure(arithmetic(workers, { failAtStart: true }))).toMatchObject({ message: 'no task today' });
  });
});

/** A member that answers when it is told to. */
function memberInHand() {
  const waiting: (() => void)[] = [];
  return {
    get pending() {
      return waiting.length;
    },
    call: (message: unknown) => new Promise<unknown>((resolve) => void waiting.push(() => resolve(message))),
    answer: () => waiting.shift()?.(),
    dispose: async () => {},
  };
}

test('a worker that is held up does not hold up the others', async () => {
  const [slow, quick] = [memberInHand(), memberInHand()];
  const pool = new Pool<number, number>([slow, quick]);
  async function* source(): AsyncGenerator<number> {
    for (let value = 0; value < 12; value++) {
      // Were sample 0 waited for first, the eighth would never be asked for.
      if (value === 7) for (let pending = slow.pending; pending > 0; pending--) slow.answer();
      yield value;
      setTimeout(() => quick.answer(), 0);
      if (value >= 7) setTimeout(() => slow.answer(), 0);
    }
  }
  const replies: { value: number; worker: number }[] = [];
  for await (const { worker, reply } of pool.map(source())) {
    replies.push({ value: reply, worker });
    quick.answer();
    slow.answer();
  }
  expect(replies.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(replies.slice(0, 7).filter(({ worker }) => worker === 0)).toHaveLength(2);
});

describe.skipIf(!isBuilt)('workers', () => {
  test('more workers than samples: only as many are started', async () => {
    const pool = await arithmetic(4, { offset: 1 }, 2);
    expect(pool.size).toBe(2);
    expect((await collect(pool, [{ value: 1 }, { value: 2 }])).map(({ value }) => value)).toEqual([2, 3]);
  });

  test('idle workers do not disturb', async () => {
    const pool = await arithmetic(3);
    expect((await collect(pool, [{ value: 1 }])).map(({ value }) => value)).toEqual([101]);
  });

  test('every worker keeps its own state, and can be asked alone or all together', async () => {
    const pool = await arithmetic(2);
    await pool.call(1, { value: 0 });
    await pool.call(1, { value: 0 });
    expect((await pool.broadcast({ value: 7 })).map(({ seen }) => seen)).toEqual([1, 3]);
    expect(() => pool.call(2, { value: 0 })).toThrow(
      expect.objectContaining({ code: 'runtime.pool.options', found: '2', expected: '0 to 1' }),
    );
  });

  test('a dying worker rejects what it had and what comes after', async () => {
    const pool = await arithmetic(2);
    const error = await failure(collect(pool, [{ value: 1 }, { value: 2, action: 'crash' }, { value: 3 }]));
    expect(error).toMatchObject({ code: 'runtime.worker.crashed', where: 'worker 1', found: 'it exited with code 3' });
    expect(await failure(pool.call(1, { value: 1 }))).toMatchObject({ code: 'runtime.worker.crashed' });
    expect((await pool.call(0, { value: 1 })).value).toBe(101);
  });

  test('a missing script, a missing task, no task at all', async () => {
    const missing = { workers: 1, init: {}, taskUrl };
    expect(
      await failure(createPool({ ...missing, workerUrl: new URL('./absent.mjs', import.meta.url) })),
    ).toMatchObject({
      code: 'runtime.worker.crashed',
    });
    expect(await failure(createPool({ ...missing, taskUrl: new URL('./absent.mjs', import.meta.url) }))).toMatchObject({
      message: expect.stringContaining('absent.mjs'),
    });
    expect(await failure(createPool({ workers: 1, init: {} }))).toMatchObject({ code: 'runtime.pool.options' });
    expect(await failure(createPool({ workers: 1.5, init: {}, taskUrl }))).toMatchObject({
      code: 'runtime.pool.options',
    });
  });

  test('disposing rejects what is under way', async () => {
    const pool = await arithmetic(1);
    const waiting = failure(pool.call(0, { value: 1, delayMs: 10_000 }));
    await pool.dispose();
    expect(await waiting).toMatchObject({ code: 'runtime.pool.disposed' });
  });
});

/** A page's worker, played by a message channel and the worker's own half in this thread. */
function pageWorker(
  factory: TaskFactory<object, Message, Reply>,
): PageWorker & { readonly crash: (message?: string) => void } {
  const { port1, port2 } = new MessageChannel();
  const inside = {
    post: (message: unknown) => port2.postMessage(message),
    onMessage: (listener: (message: never) => void) => {
      port2.onmessage = ({ data }) => listener(data as never);
    },
  };
  serve(inside, factory as TaskFactory);
  const listeners = new Map<string, (event: never) => void>();
  port1.onmessage = ({ data }) => listeners.get('message')?.({ data } as never);
  return {
    postMessage: (message) => port1.postMessage(message),
    addEventListener: (type: string, listener: (event: never) => void) => void listeners.set(type, listener),
    terminate: () => port1.close(),
    crash: (message) => listeners.get('error')?.({ message } as never),
  };
}

describe('workers that the page starts itself', () => {
  test('serve their own task; a script that fails is reported', async () => {
    const { createTask } = (await import(taskUrl.href)) as { createTask: TaskFactory<object, Message, Reply> };
    const workers = [pageWorker(createTask), pageWorker(createTask)];
    const spawn = (index: number) => wrapWorker(workers[index]!);
    const pool = await createPool<object, Message, Reply>({ workers: 2, init: { offset: 10 }, spawn });
    pools.push(pool as Pool<never, unknown>);
    const replies = await collect(
      pool,
      [1, 2, 3, 4, 5].map((value) => ({ value })),
    );
    expect(replies.map(({ value }) => value)).toEqual([11, 12, 13, 14, 15]);
    expect(await failure(pool.call(1, { value: 0, action: 'fail' }))).toMatchObject({ code: 'test.bad' });
    const waiting = failure(pool.call(1, { value: 0, delayMs: 50 }));
    workers[1]!.crash();
    expect(await waiting).toMatchObject({ code: 'runtime.worker.crashed', found: 'its script could not be loaded' });
  });
});

describe('inference', () => {
  const builder = new GraphBuilder();
  builder.input('x', [1, 2, 6, 6]);
  builder.weight('w', ramp([4, 2, 3, 3], 0.01));
  const attributes = { kernelShape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] };
  builder.add({ type: 'top.Conv', name: 'conv', inputs: ['x', 'w', null], attributes });
  builder.add({ type: 'top.Tanh', name: 'y', inputs: ['conv'] });
  const graph = builder.graph(['y']);
  const samples = Array.from(
    { length: 5 },
    (_, i) => new Map([['x', Float32Array.from(ramp([1, 2, 6, 6], 0.1 * (i + 1)).data)]]),
  );

  test.each([0, ...(isBuilt ? [1, 2] : [])])('gives the same bits with %i workers', async (workers) => {
    const module = await compileKernels();
    const init: InferenceInit = { graph, module };
    const url = new URL('../dist/pool/inference-task.js', import.meta.url);
    const pool = await createPool({ workers, taskUrl: url, createTask: createInferenceTask, init });
    pools.push(pool as unknown as Pool<never, unknown>);
    const alone = await createSession(graph, { module });
    for await (const { index, reply } of pool.map(samples)) {
      expect(reply.get('y')).toEqual(alone.run(samples[index]!).get('y'));
    }
  });
});
