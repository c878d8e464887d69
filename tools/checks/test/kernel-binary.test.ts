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

async function problems(index: string, tree: Record<string, unknown> = {}): Promise<string[]> {
  const root = plant({ 'asconfig.json': config, 'assembly/index.ts': index, ...tree });
  return (await checkKernelBinary(root, { asc })).map(({ where, message }) => `${where}: ${message}`);
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

  test('relaxed SIMD of other kinds in the fast binary', async () => {
    const targets = { ...config.targets, fast: config.targets.release };
    const code = (instruction: string) => `export function f(p: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) v128.store(p, ${instruction});
}
`;
    const release = { ...config.targets.release, enable: ['simd'] };
    const found = async (instruction: string) =>
      problems(code(instruction), { 'asconfig.json': { ...config, targets: { ...targets, release } } });
    expect(await found('f32x4.relaxed_madd(v128.load(p), v128.load(p, 16), v128.load(p, 32))')).toEqual([]);
    expect(await found('i32x4.relaxed_trunc_f32x4_s(v128.load(p))')).toEqual([
      'kernels-fast.wasm: holds i32x4.relaxed_trunc_f32x4_s; of relaxed SIMD only f32x4.relaxed_madd is within its budget',
    ]);
  });

  test('exports and the rows of ABI.md', async () => {
    const index = 'export function add(a: f32, b: f32): f32 { return a + b; }\nexport function add_pack(): void {}\n';
    const row = (name: string) => `| \`${name}\` | shapes |\n`;
    expect(await problems(index, { 'ABI.md': `${row('add')}${row('memory')}` })).toEqual([]);
    expect(await problems(index, { 'ABI.md': `${row('memory')}${row('gone')}` })).toEqual([
      'ABI.md: says nothing of the export add',
      'ABI.md: describes gone, which the binary does not export',
    ]);
  });

  test('a binary that outgrew its budget', async () => {
    const bytes = Array.from({ length: 193_000 }, (_, i) => (i % 250) + 1).join(',');
    const index = `const table = memory.data<u8>([${bytes}]);\nexport function f(): usize { return table; }\n`;
    expect((await problems(index)).join()).toMatch(/kernels.wasm: takes \d+ bytes, and 192000 are its budget/);
  });
});
