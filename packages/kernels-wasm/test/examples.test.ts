import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const here = fileURLToPath(new URL('..', import.meta.url));

interface Stretch {
  readonly memory: WebAssembly.Memory;
  heapBase(): number;
  stretch(x: number, n: number): number;
}

it('an AssemblyScript program takes kernels from the sources', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'q-stretch-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'node_modules/@q'), { recursive: true });
  symlinkSync(here, join(folder, 'node_modules/@q/kernels-wasm'), 'junction');
  copyFileSync(join(here, 'examples/assembly-script/stretch.ts'), join(folder, 'stretch.ts'));
  const options = ['--enable', 'simd', '--runtime', 'stub', '-O2', '-o', 'stretch.wasm'];
  execFileSync(join(here, 'node_modules/.bin/asc'), ['stretch.ts', ...options], { cwd: folder, stdio: 'pipe' });

  const { instance } = await WebAssembly.instantiate(readFileSync(join(folder, 'stretch.wasm')), {});
  const { memory, heapBase, stretch } = instance.exports as unknown as Stretch;
  const x = (heapBase() + 15) & ~15;
  const values = new Float32Array(memory.buffer, x, 6);
  values.set([3, -1, 7, 5, 1, 3]);
  expect(stretch(x, 6)).toBe(1);
  expect([...values]).toEqual([0.5, 0, 1, 0.75, 0.25, 0.5]);
  values.set([3, Number.NaN, 7, 5, 1, 3]);
  expect(stretch(x, 6)).toBe(0);
  expect(stretch(x, 1)).toBe(0);
});
