import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { checkPageTypes } from '../src/page-types.mjs';
import { packageFiles, plant } from './fixture-tree.ts';

const root = join(fileURLToPath(import.meta.url), '..', '..', '..', '..');

function problems(tree: Record<string, string>): string[] {
  const base = {
    compilerOptions: {
      target: 'ES2022',
      lib: ['ES2023', 'DOM'],
      strict: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
    },
  };
  const imports = { '#bytes': { '@q/source': { node: './src/bytes-node.ts', default: './src/bytes-web.ts' } } };
  const files = {
    ...packageFiles('one', { manifest: { imports } }),
    'packages/one/src/bytes-node.ts':
      '/// <reference types="node" />\nexport const bytes = (): Uint8Array => Buffer.from(\'x\');\n',
    'packages/one/src/bytes-web.ts': 'export const bytes = (): Uint8Array => new Uint8Array(1);\n',
  };
  const planted = plant({ 'tsconfig.base.json': base, ...files, ...tree });
  symlinkSync(join(root, 'node_modules'), join(planted, 'node_modules'));
  return checkPageTypes(planted, []).map(({ where, message }) => `${where}: ${message}`);
}

test('a page sees the browser half only', () => {
  expect(problems({ 'packages/one/src/index.ts': "export { bytes } from '#bytes';\n" })).toEqual([]);
});

test('a global of Node is an error, even where a Node half has one', () => {
  const found = problems({
    'packages/one/src/index.ts': "export { bytes } from '#bytes';\nexport const home = process.env.HOME;\n",
  });
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(/^packages\/one\/src\/index\.ts:2: Cannot find name 'process'/);
});

test('the Node half pulled in by path', () => {
  const found = problems({ 'packages/one/src/index.ts': "export { bytes } from './bytes-node.ts';\n" });
  expect(found).toEqual(['packages: a page entry pulls in the types of Node']);
});
