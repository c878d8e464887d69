import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Graph, TypedArray } from '@q/ir';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSession } from '../src/index.ts';
import { GraphBuilder, ramp } from './graph-builder.ts';
import { codes } from './quantized/lowered.ts';

/** What a run may leave on the JavaScript heap: the map that it answers, one copied output, and what measuring takes. */
const PER_RUN = 1024;
/** What every operator more may add. */
const PER_OPERATOR = 4;

let collect: () => void;

beforeAll(() => {
  setFlagsFromString('--expose-gc');
  collect = runInNewContext('gc') as () => void;
});

/**
 * Bytes that a run allocates on the heap: the least of many batches, each too short to be collected on the way. Code that is
 * not optimized yet leaves iterators and boxed numbers behind; what remains then is in every batch.
 */
async function bytesPerRun(graph: Graph, feeds: ReadonlyMap<string, TypedArray>): Promise<number> {
  const session = await createSession(graph);
  const batch = (runs: number): number => {
    collect();
    const before = getHeapStatistics().used_heap_size;
    for (let i = 0; i < runs; i++) session.run(feeds);
    return (getHeapStatistics().used_heap_size - before) / runs;
  };
  for (let i = 0; i < 300; i++) session.run(feeds);
  const batches = Array.from({ length: 40 }, () => batch(50)).filter((bytes) => bytes > 0);
  session.dispose();
  return Math.min(...batches);
}

const IMAGE = [1, 4, 8, 8];
const [relu, window] = [
  { doRelu: false, reluLimit: -1 },
  { kernelShape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] },
];

/** `blocks` times convolution, activation, pooling, a broadcast product and a softmax. */
function floatGraph(blocks: number): Graph {
  const graph = new GraphBuilder();
  graph.input('x', IMAGE);
  graph.weight('w', ramp([4, 4, 3, 3], 0.01));
  graph.weight('s', ramp([1, 4, 1, 1]));
  let at = 'x';
  for (let i = 0; i < blocks; i++) {
    at = graph.add({ type: 'top.Conv', inputs: [at, 'w', null], attributes: window });
    at = graph.add({ type: 'top.SiLU', inputs: [at] });
    at = graph.add({ type: 'top.MaxPool', inputs: [at], attributes: window });
    at = graph.add({ type: 'top.Mul', inputs: [at, 's'] });
    at = graph.add({ type: 'top.Softmax', inputs: [at], attributes: { axis: 1 } });
  }
  return graph.graph([at]);
}

/** The same on codes, with a cast of the 16-bit types in between. */
function codeGraph(blocks: number): Graph {
  const graph = new GraphBuilder();
  const image = codes(IMAGE, 'i8', 0.01);
  graph.input('x', IMAGE, 'i8');
  graph.weight('w', { shape: [4, 4, 3, 3], data: Int8Array.from({ length: 144 }, (_, i) => i - 70) }, 'i8');
  graph.weight('s', { shape: [1, 4, 1, 1], data: Int8Array.of(90, -40, 3, 7) }, 'i8');
  const half = { shape: IMAGE, dtype: 'f16' as const };
  let at = 'x';
  for (let i = 0; i < blocks; i++) {
    const add = (type: string, inputs: (string | null)[], attributes: object, result = image): void => {
      at = graph.add({ type: type as 'tpu.Mul', inputs, attributes: { ...attributes }, types: [result] });
    };
    const scaled = { multiplier: [90], rshift: [16], quantMode: 'MultiplierShift', ...relu };
    add('tpu.Conv2D', [at, 'w', null], { ...window, dilations: [1, 1], group: 1, ...scaled });
    add('tpu.Pool2D', [at], { ...window, poolMode: 'Max', ...relu });
    add('tpu.Mul', [at, 's'], { multiplier: 90, rshift: 13, quantMode: 'MultiplierShift', ...relu });
    add('tpu.Add', [at, 's'], { multipliers: [90, 70], rshifts: [7, 8], ...relu });
    add('tpu.Cast', [at], {}, half as never);
    add('tpu.Active', [at], { mode: 'SIGMOID' }, half as never);
    add('tpu.Cast', [at], {});
  }
  return graph.graph([at]);
}

describe.each([
  ['float', floatGraph, new Float32Array(256).fill(0.5)],
  ['INT8', codeGraph, new Int8Array(256).fill(50)],
] as const)('a run of a %s network', (_name, build, data) => {
  const feeds = new Map<string, TypedArray>([['x', data]]);

  it('allocates what it answers, and nothing per operator', async () => {
    const [short, long] = [await bytesPerRun(build(1), feeds), await bytesPerRun(build(9), feeds)];
    expect(short).toBeLessThan(PER_RUN);
    const more = build(9).ops.length - build(1).ops.length;
    expect((long - short) / more).toBeLessThan(PER_OPERATOR);
  });
});
