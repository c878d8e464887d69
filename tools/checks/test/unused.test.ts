import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkUnused } from '../src/unused.mjs';
import { plant } from './fixture-tree.ts';

test('a file, an export, a type and a dependency that nothing uses', async () => {
  const root = plant({
    'knip.json': { workspaces: { 'packages/*': { project: ['src/**/*.ts'] } } },
    'package.json': { name: 'planted', private: true, workspaces: ['packages/*'] },
    'packages/one/package.json': {
      name: '@q/one',
      type: 'module',
      exports: { '.': { '@q/source': './src/index.ts', default: './dist/index.js' } },
      dependencies: { fflate: '*' },
    },
    'packages/one/src/index.ts': "import { used } from './inner.ts';\nexport const one = used;\n",
    'packages/one/src/inner.ts':
      'export const used = 1;\nexport const left = 2;\nexport interface Over { n: number }\n',
    'packages/one/src/forgotten.ts': 'export const forgotten = 3;\n',
  });
  const found = (await checkUnused(root, join(root, 'knip.json'))).map(({ where, message }) => `${where}: ${message}`);
  expect(found.sort()).toEqual([
    'packages/one/package.json:11: fflate is a dependency that nothing imports',
    'packages/one/src/forgotten.ts: is used by nothing',
    'packages/one/src/inner.ts:2: left is exported and imported by nothing',
    'packages/one/src/inner.ts:3: Over is an exported type that nothing imports',
  ]);
});
