import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isQError } from '@q/ir';
import { expect, test } from 'vitest';
import { GraphBuilder, ramp, tensor } from './graph-builder.ts';
import { session } from './run-op.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A convolution and a normalization: a packed filter, a bias as it is, and statistics that are read on the host. */
function network() {
  const builder = new GraphBuilder();
  builder.input('x', [1, 2, 4, 4]);
  builder.weight('w', ramp([3, 2, 3, 3]));
  builder.weight('b', tensor([3], [1, 2, 3]));
  builder.add({
    type: 'top.Conv',
    name: 'conv',
    inputs: ['x', 'w', 'b'],
    attributes: { kernelShape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], group: 1, dilations: [1, 1] },
  });
  // Part of a larger buffer, as in a file that was read whole.
  const file = new Float32Array(1000).fill(0.5);
  builder.weight('mean', { shape: [3], data: file.subarray(0, 3) });
  builder.weight('variance', { shape: [3], data: file.subarray(3, 6) });
  builder.add({ type: 'top.BatchNorm', name: 'y', inputs: ['conv', 'mean', 'variance', null, null] });
  return builder.graph(['y']);
}

const feeds = new Map([['x', ramp([1, 2, 4, 4]).data]]);

/** A session whose graph only it can hold, with weak references to the buffers that the weights came in. */
async function openAndDrop() {
  const graph = network();
  const made = await session(graph);
  const buffers = [...graph.weights].map(([name, { data }]) => ({ name, buffer: new WeakRef(data.buffer) }));
  return { made, graph: new WeakRef(graph), buffers };
}

/** Names of the buffers that are still there after several collections. */
async function survivors(buffers: Awaited<ReturnType<typeof openAndDrop>>['buffers']): Promise<string[]> {
  const held = () => buffers.filter(({ buffer }) => buffer.deref() !== undefined).map(({ name }) => name);
  for (let turn = 0; turn < 50 && held().length > 0; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collect();
  }
  return held();
}

test('a session holds neither the graph nor the buffers that its weights came in', async () => {
  const { made, graph, buffers } = await openAndDrop();
  expect(await survivors(buffers)).toEqual([]);
  expect(graph.deref()).toBeUndefined();
  const whole = await session(network());
  expect(made.run(feeds)).toEqual(whole.run(feeds));
});

test('single operators work without the buffers, on the session and in benches of their own', async () => {
  const { made, buffers } = await openAndDrop();
  await survivors(buffers);
  const conv = made.runOp('conv', feeds);
  expect(made.runOp('y', conv)).toEqual(made.run(feeds));
  const zero = made.openOp('conv', { weights: new Map([['w', new Float32Array(54)]]) });
  zero.run(feeds);
  expect([...new Set(zero.results().get('conv'))]).toEqual([1, 2, 3]);
});

test('data that lie in memory as they are can be read, packed ones are refused by name', async () => {
  const { graph } = (await openAndDrop()).made;
  expect(graph.weights.get('b')!.data).toEqual(Float32Array.of(1, 2, 3));
  expect(graph.weights.get('mean')!.data).toEqual(Float32Array.of(0.5, 0.5, 0.5));
  expect(graph.weights.get('w')!.type.shape).toEqual([3, 2, 3, 3]);
  expect(codeOf(() => graph.weights.get('w')!.data)).toBe('runtime.weight.released');
});

function codeOf(read: () => unknown): string | undefined {
  try {
    read();
  } catch (error) {
    if (isQError(error)) return error.code;
    throw error;
  }
  return undefined;
}
