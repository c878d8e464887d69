import { existsSync } from 'node:fs';
import { importOnnx, inspectOnnx, readTensorProto } from '@q/ir/onnx';
import { loadKernels } from '@q/kernels-wasm';
import { describe, expect, test } from 'vitest';
import { createSession } from '../src/index.ts';
import { shared } from './shared-data.ts';

interface Case {
  readonly name: string;
  readonly reason?: string;
}
interface Results {
  readonly passed: readonly Case[];
  readonly failed: readonly Case[];
  readonly outOfScope: readonly Case[];
}
interface Runner {
  runDirectory(directory: string, environment: unknown): Promise<Results>;
}

const directory = shared === undefined ? undefined : `${shared}/data/onnx-node-tests`;
const isHere = directory !== undefined && existsSync(directory);
if (!isHere) console.warn('SKIPPED: no ONNX operator cases here, so conformance is not measured');

describe.skipIf(!isHere)('ONNX operator conformance', () => {
  test('at least 98 % of the cases in scope pass, at most 15 % are out of scope', async () => {
    // The runner is a plain script of the workspace, not of this package: found at run time.
    const script = new URL('../../../tools/conformance/run-directory.mjs', import.meta.url).href;
    const { runDirectory } = (await import(script)) as Runner;
    const kernels = await loadKernels();
    const environment = { importOnnx, inspectOnnx, readTensorProto, createSession, kernels };
    const { passed, failed, outOfScope } = await runDirectory(directory!, environment);
    const total = passed.length + failed.length + outOfScope.length;
    expect(total).toBeGreaterThanOrEqual(500);
    expect(outOfScope.length / total).toBeLessThanOrEqual(0.15);
    expect(
      failed.length / (passed.length + failed.length),
      failed.map(({ name, reason }) => `${name}: ${reason}`).join('\n'),
    ).toBeLessThanOrEqual(0.02);
    expect(outOfScope.every(({ reason }) => reason !== undefined && reason !== '')).toBe(true);
  }, 120_000);
});
