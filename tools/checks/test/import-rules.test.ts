import { describe, expect, test } from 'vitest';
import { checkImports } from '../src/import-rules.mjs';
import { link, packageFiles, plant } from './fixture-tree.ts';

const workspace = 'workspace:*';
const table = {
  'kernels-wasm': { packages: [], thirdParty: [] },
  ir: { packages: [], thirdParty: ['protobufjs'] },
  runtime: { packages: ['ir', 'kernels-wasm'], thirdParty: [] },
  'backend-x': { packages: ['ir'], thirdParty: [], subpaths: ['runtime'] },
  cli: { packages: ['runtime', 'backend-x'], thirdParty: [] },
};
const onnxEntry = { './onnx': { '@q/source': './src/onnx/index.ts', default: './dist/onnx/index.js' } };
const sound = {
  ...packageFiles('kernels-wasm'),
  ...packageFiles('ir', { dependencies: { protobufjs: 'catalog:' }, exports: onnxEntry }),
  ...packageFiles('runtime', { dependencies: { '@q/ir': workspace, '@q/kernels-wasm': workspace } }),
  ...packageFiles('backend-x', { dependencies: { '@q/ir': workspace, '@q/runtime': workspace } }),
  ...packageFiles('cli', { dependencies: { '@q/runtime': workspace } }),
  'packages/ir/src/onnx/index.ts': "import { Reader } from 'protobufjs/minimal.js';\nexport const reader = Reader;\n",
  'packages/runtime/src/index.ts': "import { one } from '@q/ir';\nexport const two = one;\n",
  'packages/cli/src/index.ts': "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n",
  'node_modules/protobufjs/package.json': { name: 'protobufjs', version: '8.0.0' },
  'node_modules/protobufjs/minimal.js': 'export class Reader {}\n',
};

async function problems(tree: Record<string, string | object>): Promise<string[]> {
  const root = plant({ ...sound, ...tree });
  link(root, 'kernels-wasm', 'ir', 'runtime', 'backend-x', 'cli');
  return (await checkImports(root, table)).map(({ where, message }) => `${where}: ${message}`);
}

describe('import rules', () => {
  test('a sound tree has no problem', async () => {
    expect(await problems({})).toEqual([]);
  });

  test('a cycle at load time, over three files', async () => {
    const cycle = {
      'packages/ir/src/a.ts': "import { b } from './b.ts';\nexport const a = (): number => b();\n",
      'packages/ir/src/b.ts': "import { c } from './c.ts';\nexport const b = (): number => c();\n",
      'packages/ir/src/c.ts': "import { a } from './a.ts';\nexport const c = (): number => a();\n",
    };
    expect(await problems(cycle)).toEqual([
      'packages/ir/src/a.ts: is in an import cycle: packages/ir/src/a.ts, packages/ir/src/b.ts, packages/ir/src/c.ts',
    ]);
  });

  test('types that name each other are no cycle', async () => {
    const types = {
      'packages/ir/src/a.ts': "import type { B } from './b.ts';\nexport interface A { b?: B }\n",
      'packages/ir/src/b.ts': "import type { A } from './a.ts';\nexport interface B { a?: A }\n",
    };
    expect(await problems(types)).toEqual([]);
  });

  test('a test that uses a package it does not declare', async () => {
    const undeclared = {
      'packages/ir/test/run.test.ts': "import { two } from '@q/runtime';\nexport const three = two;\n",
    };
    expect(await problems(undeclared)).toEqual([
      'packages/ir/test/run.test.ts: imports @q/runtime, which is not in "dependencies" or "devDependencies" of packages/ir/package.json',
    ]);
  });

  test('another package by path', async () => {
    const reach = { 'packages/runtime/src/reach.ts': "export { one } from '../../ir/src/index.ts';\n" };
    expect(await problems(reach)).toEqual([
      'packages/runtime/src/reach.ts: reaches into packages/ir by path (../../ir/src/index.ts)',
    ]);
  });

  test('another package by an entry that it does not have', async () => {
    const reach = { 'packages/runtime/src/reach.ts': "export { one } from '@q/ir/src/index.ts';\n" };
    expect(await problems(reach)).toContain(
      'packages/runtime/src/reach.ts: imports @q/ir/src/index.ts, which is not an entry of @q/ir',
    );
  });

  test('an undeclared package', async () => {
    const undeclared = { 'packages/kernels-wasm/src/graph.ts': "export type { one } from '@q/ir';\n" };
    expect(await problems(undeclared)).toContain(
      'packages/kernels-wasm/src/graph.ts: imports @q/ir, which is not in "dependencies" of packages/kernels-wasm/package.json',
    );
  });

  test('an import that leads nowhere', async () => {
    expect(await problems({ 'packages/ir/src/lost.ts': "import './nowhere.ts';\n" })).toEqual([
      'packages/ir/src/lost.ts: imports ./nowhere.ts, which does not resolve',
    ]);
  });

  test('Node in code that pages run', async () => {
    const node = { 'packages/ir/src/read.ts': "export { readFileSync } from 'node:fs';\n" };
    expect(await problems(node)).toEqual(['packages/ir/src/read.ts: imports node:fs, which a page does not have']);
  });

  test('a dynamic import of Node counts', async () => {
    const node = { 'packages/ir/src/read.ts': "export const fs = (): unknown => import('node:fs');\n" };
    expect(await problems(node)).toEqual(['packages/ir/src/read.ts: imports node:fs, which a page does not have']);
  });

  test('the Node half of a file may, when a condition chooses it', async () => {
    const imports = { '#bytes': { '@q/source': { node: './src/bytes-node.ts', default: './src/bytes-web.ts' } } };
    const halves = {
      ...packageFiles('kernels-wasm', { manifest: { imports } }),
      'packages/kernels-wasm/src/load.ts': "export { bytes } from '#bytes';\n",
      'packages/kernels-wasm/src/bytes-node.ts': "export { readFileSync as bytes } from 'node:fs';\n",
      'packages/kernels-wasm/src/bytes-web.ts': 'export const bytes = fetch;\n',
    };
    expect(await problems(halves)).toEqual([]);
    const byPath = { ...halves, 'packages/kernels-wasm/src/load.ts': "export { bytes } from './bytes-node.ts';\n" };
    expect(await problems(byPath)).toEqual([
      'packages/kernels-wasm/src/load.ts: imports the Node half ./bytes-node.ts by path',
    ]);
  });

  test('protobufjs outside its folder, and reached by the main entry', async () => {
    const outside = { 'packages/ir/src/reader.ts': "export { Reader } from 'protobufjs/minimal.js';\n" };
    expect(await problems(outside)).toHaveLength(1);
    const reached = { 'packages/ir/src/index.ts': "export { reader as one } from './onnx/index.ts';\n" };
    expect(await problems(reached)).toEqual([
      'packages/ir/src/index.ts → packages/ir/src/onnx/index.ts: the main entry of @q/ir reaches protobufjs/minimal.js',
    ]);
  });

  test('what is for subpaths only, reached by the main entry', async () => {
    const pipeline = "import { two } from '@q/runtime';\nexport const three = two;\n";
    expect(await problems({ 'packages/backend-x/src/pipeline.ts': pipeline })).toEqual([]);
    const reached = {
      'packages/backend-x/src/pipeline.ts': pipeline,
      'packages/backend-x/src/index.ts': "export { three } from './pipeline.ts';\n",
    };
    expect(await problems(reached)).toEqual([
      'packages/backend-x/src/index.ts → packages/backend-x/src/pipeline.ts: the main entry of @q/backend-x reaches @q/runtime',
    ]);
  });
});
