import type { Graph } from '@q/ir';
import { type KernelExports, type Kernels, loadKernels } from '@q/kernels-wasm';
import { describe, expect, test } from 'vitest';
import { createSession, type SessionOptions } from '../src/index.ts';
import { GraphBuilder, type OpRequest, ramp } from './graph-builder.ts';

const square = { kernelShape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1] };

/** Operators that can pass their result on, on an input of 1x8x6x7. */
const PRODUCERS = {
  convolution: { type: 'top.Conv', weight: [5, 8, 3, 3], attributes: { ...square, group: 1 } },
  depthwise: { type: 'top.Conv', weight: [8, 1, 3, 3], attributes: { ...square, group: 8 } },
  transposed: { type: 'top.Deconv', weight: [5, 8, 3, 3], attributes: { ...square, group: 1 } },
  product: { type: 'top.MatMul', weight: [7, 9], attributes: {} },
} as const;

const FUNCTIONS: readonly Pick<OpRequest, 'type' | 'attributes'>[] = [
  { type: 'top.SiLU' },
  { type: 'top.LeakyRelu', attributes: { alpha: 0.1 } },
  { type: 'top.HardSwish' },
  { type: 'top.Sigmoid', attributes: { log: false } },
  { type: 'top.GELU' },
];

interface Chain {
  readonly producer: keyof typeof PRODUCERS;
  readonly next: Pick<OpRequest, 'type' | 'attributes'>;
  /** Another operator reads the value between the two. */
  readonly branch?: boolean;
}

/** x → `made` → `passed` → y = 2·passed (+ made). */
function chain({ producer, next, branch = false }: Chain): Graph {
  const builder = new GraphBuilder();
  builder.input('x', [1, 8, 6, 7]);
  const { type, weight, attributes } = PRODUCERS[producer];
  builder.weight('w', ramp(weight, 0.01));
  builder.add({ type, name: 'made', inputs: ['x', 'w', null], attributes });
  builder.add({ ...next, name: 'passed', inputs: ['made'] });
  if (branch) builder.add({ type: 'top.Add', name: 'y', inputs: ['passed', 'made'] });
  else builder.add({ type: 'top.MulConst', name: 'y', inputs: ['passed'], attributes: { constVal: 2 } });
  return builder.graph(['y']);
}

const feeds = new Map([['x', ramp([1, 8, 6, 7], 0.02).data]]);

/** Kernels that note which of them were called. */
async function watched(): Promise<{ kernels: Kernels; called: string[] }> {
  const kernels = await loadKernels();
  const called: string[] = [];
  const entries = Object.entries(kernels.exports).map(([name, member]: [string, unknown]) => {
    if (typeof member !== 'function') return [name, member];
    const note = (...values: number[]): unknown => {
      called.push(name);
      return member(...values);
    };
    return [name, note];
  });
  const exports = Object.fromEntries(entries) as KernelExports;
  return { kernels: { ...kernels, exports }, called };
}

async function open(graph: Graph, options: SessionOptions = {}) {
  const { kernels, called } = await watched();
  const session = await createSession(graph, { kernels, ...options });
  called.length = 0;
  return { session, called };
}

const isFused = (called: readonly string[]): boolean =>
  called.some((name) => name.endsWith('_unary') && name !== 'f32_unary');

describe('an operator and the function that alone reads its result', () => {
  const pairs = Object.keys(PRODUCERS).flatMap((producer) =>
    FUNCTIONS.map((next) => [producer, next.type, next] as const),
  );

  test.each(pairs)('%s and %s are one call, with the bits of two', async (producer, _type, next) => {
    const { session, called } = await open(chain({ producer: producer as Chain['producer'], next }));
    const fused = session.run(feeds);
    expect(isFused(called)).toBe(true);
    expect(called).not.toContain('f32_unary');
    called.length = 0;
    const seen: string[] = [];
    const watchedRun = session.run(feeds, (value) => seen.push(value));
    expect(isFused(called)).toBe(false);
    expect(seen).toEqual(['x', 'made', 'passed', 'y']);
    expect(fused).toEqual(watchedRun);
  });

  const silu = { producer: 'convolution', next: { type: 'top.SiLU' } } as const;

  test('an observer sees what lies between the two', async () => {
    const plain = await open(chain(silu), { retain: 'all' });
    plain.session.run(feeds);
    const { session } = await open(chain(silu));
    const seen = new Map<string, Float32Array>();
    session.run(feeds, (value, pointer, length) => {
      seen.set(value, new Float32Array(session.kernels.memory.buffer, pointer, length).slice());
    });
    expect(seen.get('made')).toEqual(plain.session.read('made'));
    expect(seen.get('passed')).toEqual(plain.session.read('passed'));
  });

  test.each<[string, Graph, SessionOptions]>([
    ['a value that is retained by name', chain(silu), { retain: ['made'] }],
    ['all values retained', chain(silu), { retain: 'all' }],
    ['a second reader', chain({ ...silu, branch: true }), {}],
    ['a network output', { ...chain(silu), outputs: ['y', 'made'] }, {}],
  ])('stay two for %s', async (_name, graph, options) => {
    const { session, called } = await open(graph, options);
    const outputs = session.run(feeds);
    expect(isFused(called)).toBe(false);
    const reference = await open(graph, { retain: 'all' });
    expect(outputs).toEqual(reference.session.run(feeds));
  });

  test('a run from the middle computes the value between the two', async () => {
    const { session } = await open(chain(silu));
    const whole = session.run(feeds);
    expect(session.runFrom('made', feeds)).toEqual(whole);
    const made = session.runOp('made', feeds);
    expect(session.runFrom('passed', made)).toEqual(whole);
  });
});
