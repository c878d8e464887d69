import type { Graph } from '@q/ir';
import { describe, expect, test } from 'vitest';
import { createSession, openWorkbench } from '../src/index.ts';
import { GraphBuilder, ramp, tensor } from './graph-builder.ts';

/** x → conv → (left: relu → reshape), (right: conv) → sum → y, with chosen constants. */
function network({ bias = 0.5, slope = 0.25, factor = 2 } = {}): Graph {
  const builder = new GraphBuilder();
  const window = { kernelShape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] };
  builder.input('x', [1, 2, 2, 3]);
  builder.weight('w', ramp([2, 2, 1, 1]));
  builder.weight('b', tensor([2], [bias, -1]));
  builder.weight('v', ramp([2, 2, 1, 1], 0.5));
  builder.add({ type: 'top.Conv', name: 'conv', inputs: ['x', 'w', 'b'], attributes: window });
  builder.add({ type: 'top.LeakyRelu', name: 'left', inputs: ['conv'], attributes: { alpha: slope } });
  builder.add({ type: 'top.Reshape', name: 'view', inputs: ['left', null], attributes: { shape: [1, 2, 2, 3] } });
  builder.add({ type: 'top.Conv', name: 'right', inputs: ['conv', 'v', null], attributes: window });
  builder.add({ type: 'top.Add', name: 'sum', inputs: ['view', 'right'] });
  builder.add({ type: 'top.MulConst', name: 'y', inputs: ['sum'], attributes: { constVal: factor } });
  return builder.graph(['y']);
}

const feeds = (seed: number) =>
  new Map([['x', Float32Array.from({ length: 12 }, (_, i) => Math.sin(i * 1.7 + seed) * 3)]]);

async function computedBase(graph: Graph, seed: number) {
  const bench = await openWorkbench(graph);
  bench.load(feeds(seed));
  for (const at of graph.ops.keys()) bench.compute(at);
  return bench;
}

async function outputsOf(graph: Graph, seed: number) {
  return (await createSession(graph)).run(feeds(seed)).get('y');
}

describe('variants', () => {
  test.each([
    ['nothing', {}, []],
    ['the last operator', { factor: -3 }, ['y']],
    ['one branch', { slope: 0.75 }, ['left', 'view', 'sum', 'y']],
    ['a weight at the front', { bias: 7 }, ['conv', 'left', 'view', 'right', 'sum', 'y']],
  ] as const)('execute what differs: %s', async (_what, change, executed) => {
    const bench = await computedBase(network(), 1);
    const variant = bench.variant(network(change));
    expect(variant.ops.map(({ name }) => name)).toEqual(executed);
    variant.run();
    expect(variant.read('y')).toEqual(await outputsOf(network(change), 1));
    bench.dispose();
  });

  test('take turns without disturbing each other or the base, whatever sample the base holds', async () => {
    const changes = [{ slope: 0.75 }, { bias: 7 }, { factor: 5, slope: -1 }];
    const base = network();
    const bench = await openWorkbench(base);
    const variants = changes.map((change) => bench.variant(network(change)));
    for (const seed of [1, 2, 3]) {
      bench.load(feeds(seed));
      for (const at of base.ops.keys()) bench.compute(at);
      for (const [index, variant] of variants.entries()) {
        variant.run();
        expect(variant.read('y')).toEqual(await outputsOf(network(changes[index]), seed));
      }
      expect(bench.read('y')).toEqual(await outputsOf(base, seed));
    }
    bench.dispose();
  });

  test('read values that the caller gives, and compute what follows them', async () => {
    const bench = await computedBase(network(), 1);
    const variant = bench.variant(network({ factor: 3 }), { given: ['view', 'right'], keep: ['sum'] });
    expect(variant.ops.map(({ name }) => name)).toEqual(['sum', 'y']);
    variant.load(
      new Map([
        ['view', new Float32Array(12).fill(2)],
        ['right', new Float32Array(12).fill(0.5)],
      ]),
    );
    variant.run();
    expect(Array.from(variant.read('sum') as Float32Array)).toEqual(new Array(12).fill(2.5));
    expect(Array.from(variant.read('y') as Float32Array)).toEqual(new Array(12).fill(7.5));
    bench.dispose();
  });

  test('name what they read from the base', async () => {
    const bench = await openWorkbench(network());
    expect([...bench.variant(network({ slope: 0.75 })).reads].sort()).toEqual(['conv', 'right']);
    expect(() => bench.variant(network(), { given: ['nowhere'] })).toThrowError(
      expect.objectContaining({ code: 'runtime.value.unknown' }),
    );
    bench.dispose();
  });

  test('give their memory back', async () => {
    const bench = await openWorkbench(network());
    const first = bench.variant(network({ bias: 7 }), { given: ['x'] });
    first.dispose();
    const before = bench.kernels.memory.buffer.byteLength;
    for (let i = 0; i < 200; i++) bench.variant(network({ bias: i }), { given: ['x'] }).dispose();
    expect(bench.kernels.memory.buffer.byteLength).toBe(before);
    bench.dispose();
  });
});

test('values that are loaded survive the execution of earlier operators', async () => {
  const builder = new GraphBuilder();
  const window = { kernelShape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1] };
  builder.input('x', [1, 4, 6, 6]);
  builder.weight('w', ramp([4, 4, 3, 3], 0.1));
  builder.add({ type: 'top.Conv', name: 'first', inputs: ['x', 'w', null], attributes: window });
  builder.add({ type: 'top.Conv', name: 'second', inputs: ['first', 'w', null], attributes: window });
  builder.add({ type: 'top.MulConst', name: 'y', inputs: ['second'], attributes: { constVal: 2 } });
  const graph = builder.graph(['y']);
  const bench = await openWorkbench(graph);
  bench.load(new Map([['x', Float32Array.from({ length: 144 }, (_, i) => Math.sin(i))]]));
  const y = Float32Array.from({ length: 144 }, (_, i) => i);
  bench.load(new Map([['y', y]]));
  for (const at of [1, 2]) bench.compute(at);
  expect(bench.read('y')).toEqual(y);
  bench.dispose();
});
