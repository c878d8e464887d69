import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { checkKernelBinary } from '../src/kernel-binary.mjs';
import { plant } from './fixture-tree.ts';

const asc = join(
  fileURLToPath(import.meta.url),
  '..',
  '..',
  '..',
  '..',
  'packages',
  'kernels-wasm',
  'node_modules',
  '.bin',
  'asc',
);
const config = {
  entries: ['assembly/index.ts'],
  options: { runtime: 'stub', exportRuntime: false, bindings: [] },
  targets: { release: { optimizeLevel: 3, noAssert: true, enable: ['simd', 'relaxed-simd'] } },
};

async function problems(index: string, tree: Record<string, string> = {}): Promise<string[]> {
  const root = plant({ 'asconfig.json': config, 'assembly/index.ts': index, ...tree });
  return (await checkKernelBinary(root, asc)).map(({ where, message }) => `${where}: ${message}`);
}

describe('kernel binary', () => {
  test('arithmetic of its own', async () => {
    const add = 'export function add(a: f32, b: f32): f32 { return a + b; }\n';
    expect(await problems('export { add } from "./add/add";\n', { 'assembly/add/add.ts': add })).toEqual([]);
  });

  test("the host's Math", async () => {
    expect(await problems('export function sine(x: f64): f64 { return JSMath.sin(x); }\n')).toEqual([
      'assembly/index.ts:1: asks the host for something (JSMath)',
      'kernels.wasm: imports the function env.Math.sin; the module must import nothing',
    ]);
  });

  test('a function that the host declares', async () => {
    const found = await problems('declare function log(x: f32): void;\nexport function f(x: f32): void { log(x); }\n');
    expect(found).toEqual([
      'assembly/index.ts:1: asks the host for something (declare function)',
      'kernels.wasm: imports the function index.log; the module must import nothing',
    ]);
  });

  test('relaxed SIMD in the default binary', async () => {
    const relaxed = `export function f(p: usize): void {
  v128.store(p, f32x4.relaxed_madd(v128.load(p), v128.load(p, 16), v128.load(p, 32)));
}
`;
    expect(await problems(relaxed)).toEqual([
      'kernels.wasm: holds f32x4.relaxed_madd, whose result differs between machines',
    ]);
  });

  test('a file that is no part of the binary, and one that does not compile', async () => {
    expect(
      await problems('export const one: i32 = 1;\n', { 'assembly/left-over.ts': 'export const two: i32 = 2;\n' }),
    ).toEqual(['assembly/left-over.ts: is not reached from assembly/index.ts']);
    expect(await problems('export function f(): i32 { return "text"; }\n')).toEqual(['assembly: does not compile']);
  });
});
