import { existsSync } from 'node:fs';
import type { Graph } from '@q/ir';
import { conv2d, winograd } from '@q/kernels-wasm/scalar';
import { afterEach, describe, expect, test } from 'vitest';
import type { Feeds } from '../../src/feeds.ts';
import { createPool, type InferenceInit, type Outputs, preferKernels, type SessionOptions } from '../../src/index.ts';
import { GraphBuilder, tensor } from '../graph-builder.ts';
import { session } from '../run-op.ts';

interface Layer {
  readonly n?: number;
  readonly ic?: number;
  readonly oc?: number;
  readonly size?: number;
  readonly stride?: number;
  readonly group?: number;
  readonly relu?: boolean;
}

/** Values whose sums round: thirds, in a fixed scramble. */
function thirds(shape: readonly number[]): ReturnType<typeof tensor> {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(
    shape,
    Array.from({ length: count }, (_, i) => (((i * 7919) % 1013) - 500) / 3000),
  );
}

interface Network {
  readonly graph: Graph;
  readonly x: Float32Array;
  readonly w: Float32Array;
  readonly bias: Float32Array;
  readonly shape: Parameters<typeof conv2d>[3];
}

function network({ n = 1, ic = 16, oc = 16, size = 12, stride = 1, group = 1, relu = false }: Layer): Network {
  const builder = new GraphBuilder();
  const [x, w, bias] = [thirds([n, ic, size, size]), thirds([oc, ic / group, 3, 3]), thirds([oc])];
  const inputs = [builder.input('x', x.shape), builder.weight('w', w), builder.weight('b', bias)];
  const geometry = { kernelShape: [3, 3], strides: [stride, stride], pads: [1, 1, 1, 1], dilations: [1, 1], group };
  const attributes = { ...geometry, doRelu: relu };
  builder.add({ type: 'top.Conv', name: 'y', inputs, attributes });
  const steps = { strideH: stride, strideW: stride, dilationH: 1, dilationW: 1, groups: group };
  const pads = { padTop: 1, padLeft: 1, padBottom: 1, padRight: 1 };
  const shape = { n, ic, ih: size, iw: size, oc, kh: 3, kw: 3, ...steps, ...pads };
  const data = (value: typeof x): Float32Array => value.data as Float32Array;
  return { graph: builder.graph(['y']), x: data(x), w: data(w), bias: data(bias), shape };
}

async function result({ graph, x }: Network, options: SessionOptions = {}): Promise<Float32Array> {
  const made = await session(graph, options);
  return made.run(new Map([['x', x]])).get('y') as Float32Array;
}

const direct = ({ x, w, bias, shape }: Network, lo?: number): Float32Array => conv2d(x, w, bias, shape, lo);

afterEach(() => preferKernels({}));

describe('Winograd', () => {
  test('is what a session computes that allows it, to the bit, and no other', async () => {
    const layer = network({});
    const expected = winograd(layer.x, layer.w, layer.bias, layer.shape);
    expect(await result(layer, { winograd: true })).toEqual(expected);
    expect(await result(layer)).toEqual(direct(layer));
    expect(await result(layer, { winograd: false })).toEqual(direct(layer));
    expect(expected).not.toEqual(direct(layer));
  });

  test('takes ReLU and the batch along; a sample does not depend on its neighbours', async () => {
    const layer = network({ n: 3, relu: true });
    const whole = await result(layer, { winograd: true });
    expect(whole).toEqual(winograd(layer.x, layer.w, layer.bias, layer.shape, 0));
    const alone = network({ relu: true });
    const [inLength, outLength] = [layer.x.length / 3, whole.length / 3];
    for (let n = 0; n < 3; n++) {
      const x = layer.x.slice(n * inLength, (n + 1) * inLength);
      expect(await result({ ...alone, x }, { winograd: true })).toEqual(
        whole.slice(n * outLength, (n + 1) * outLength),
      );
    }
  });

  const left: [string, Layer][] = [
    ['few input channels', { ic: 3 }],
    ['few output channels', { oc: 4 }],
    ['steps of two', { stride: 2 }],
    ['groups', { group: 2 }],
    ['maps of one tile', { size: 4 }],
  ];
  test.each(left)('leaves %s alone', async (_name, layer) => {
    const made = network(layer);
    expect(await result(made, { winograd: true })).toEqual(direct(made));
  });

  test('counts its filters in the memory of the session', async () => {
    const layer = network({});
    const [plain, transformed] = [await session(layer.graph), await session(layer.graph, { winograd: true })];
    // Up to the alignment of what lies beside them.
    const grown = transformed.weightBytes - plain.weightBytes - 4 * 16 * 16 * (36 - 9);
    expect(Math.abs(grown)).toBeLessThan(64);
  });

  test('can be preferred for all sessions that do not say otherwise', async () => {
    const layer = network({});
    preferKernels({ winograd: true });
    expect(await result(layer)).toEqual(winograd(layer.x, layer.w, layer.bias, layer.shape));
    expect(await result(layer, { winograd: false })).toEqual(direct(layer));
    preferKernels({});
    expect(await result(layer)).toEqual(direct(layer));
  });

  const taskUrl = new URL('../../dist/pool/inference-task.js', import.meta.url);
  const isBuilt = existsSync(taskUrl);
  if (!isBuilt) console.warn(`SKIPPED: ${taskUrl.pathname} is absent, build the package to test its workers`);
  test.runIf(isBuilt)('is preferred in the workers of a pool, too', async () => {
    const layer = network({});
    preferKernels({ winograd: true });
    const pool = await createPool<InferenceInit, Feeds, Outputs>({ workers: 1, taskUrl, init: { graph: layer.graph } });
    const outputs = await pool.call(0, new Map([['x', layer.x]]));
    await pool.dispose();
    expect(outputs.get('y')).toEqual(winograd(layer.x, layer.w, layer.bias, layer.shape));
  });
});
