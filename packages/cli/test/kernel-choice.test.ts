import { preferKernels, preferredKernels } from '@q/runtime';
import { afterEach, expect, it, vi } from 'vitest';
import { chooseKernels } from '../src/kernel-choice.ts';
import { runHere } from './run-here.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  preferKernels({});
});

it.each([
  ['winograd', { winograd: true }],
  ['fast', { binary: 'fast' }],
  ['default', {}],
])('Q_KERNELS=%s chooses the kernels of all sessions', async (word, kernels) => {
  preferKernels({ winograd: false });
  await chooseKernels(word);
  expect(preferredKernels()).toEqual(kernels);
});

it('leaves the choice alone where nothing is said', async () => {
  await chooseKernels(undefined);
  await chooseKernels('');
  expect(preferredKernels()).toEqual({});
});

it('is read before a command runs, and refuses what there is not', async () => {
  vi.stubEnv('Q_KERNELS', 'quick');
  const { status, stderr } = await runHere('inspect', 'nothing.onnx');
  expect(status).toBe(1);
  expect(stderr).toContain('Q_KERNELS is "quick"');
  expect(stderr).toContain('default, winograd, fast');
});
