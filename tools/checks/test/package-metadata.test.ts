import { describe, expect, test } from 'vitest';
import { checkPackageMetadata } from '../src/package-metadata.mjs';
import { packageFiles, plant } from './fixture-tree.ts';

const root = { 'package.json': { license: 'Apache-2.0', engines: { node: '>=20.19' } } };
const messages = (tree: object): string[] =>
  checkPackageMetadata(plant({ ...root, ...packageFiles('one'), ...tree })).map(({ message }) => message);

describe('package metadata', () => {
  test('a well-formed package has no problem', () => {
    expect(messages({})).toEqual([]);
  });

  test.each([
    [{ license: 'MIT' }, 'needs "license": "Apache-2.0"'],
    [{ engines: { node: '>=18' } }, 'needs "engines": { "node": ">=20.19" }'],
    [{ type: 'commonjs' }, 'needs "type": "module"'],
    [{ private: true }, 'is private; everything under packages/ is published'],
    [{ sideEffects: undefined }, 'needs "sideEffects", so that bundlers may drop what is unused'],
    [{ scripts: { build: 'tsc -b', test: 'vitest run' } }, 'needs the script "typecheck"'],
  ])('%j', (manifest, message) => {
    expect(messages(packageFiles('one', { manifest }))).toEqual([message]);
  });

  test('an entry whose types or source come too late', () => {
    const exports = {
      './late': { types: './dist/late.d.ts', default: './dist/late.js', '@q/source': './src/late.ts' },
    };
    expect(messages(packageFiles('one', { exports }))).toEqual([
      '"exports"["./late"] needs the condition "@q/source" first',
      '"exports"["./late"] needs the condition "default" last',
    ]);
  });

  test('a package without a README', () => {
    const { 'packages/two/README.md': _, ...files } = packageFiles('two');
    expect(messages(files)).toEqual(['needs README.md']);
  });
});
