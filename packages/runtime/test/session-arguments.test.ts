import { loadKernels } from '@q/kernels-wasm';
import { afterEach, describe, expect, it } from 'vitest';
import { createSession, isKernelVariant, kernelVariant, preferKernels } from '../src/index.ts';
import { GraphBuilder } from './graph-builder.ts';

function network(shape: readonly number[] = [1, 4]) {
  const builder = new GraphBuilder();
  builder.input('x', [...shape]);
  builder.add({ type: 'top.Relu', name: 'y', inputs: ['x'] });
  return builder.graph(['y']);
}

/** What callers without types may hand over. */
const given = (value: unknown): never => value as never;

describe('createSession refuses with a code', () => {
  it.each([
    ['nothing', undefined],
    ['a path', 'net.mlir'],
    ['a promise', Promise.resolve(network())],
    ['maps as objects', { ...network(), values: {} }],
    ['operators that are none', { ...network(), ops: [null] }],
  ])('as graph: %s', async (_, graph) => {
    await expect(createSession(given(graph))).rejects.toMatchObject({
      code: 'runtime.session.arguments',
      where: 'graph',
    });
  });

  it('as kernels: what is no instance', async () => {
    const { exports } = await loadKernels();
    for (const kernels of [null, 'fast', {}, exports, loadKernels()]) {
      await expect(createSession(network(), { kernels: given(kernels) })).rejects.toMatchObject({
        ...{ code: 'runtime.session.arguments', where: 'kernels' },
      });
    }
    await expect(createSession(network(), given(null))).rejects.toMatchObject({ where: 'options' });
  });

  it('a plan that no memory holds', async () => {
    for (const shape of [[2 ** 30], [2 ** 26, 2 ** 25], [2 ** 40, 2 ** 40]]) {
      await expect(createSession(network(shape)), String(shape)).rejects.toMatchObject({
        code: 'kernels.memory.limit',
      });
    }
  });
});

describe('the variant of the kernels', () => {
  afterEach(() => preferKernels({}));

  it('follows what sessions take', async () => {
    for (const [preference, variant] of [
      [{}, 'default'],
      [{ binary: 'default', winograd: false }, 'default'],
      [{ winograd: true }, 'winograd'],
      [{ binary: 'fast' }, 'fast'],
      [{ binary: 'fast', winograd: true }, 'fast'],
      [{ binary: 'fast', winograd: false }, 'fast-direct'],
    ] as const) {
      preferKernels(preference);
      expect(kernelVariant()).toBe(variant);
      expect(isKernelVariant(variant)).toBe(true);
    }
    for (const word of ['quick', '', undefined]) expect(isKernelVariant(word)).toBe(false);
  });
});
