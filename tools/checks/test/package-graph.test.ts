import { describe, expect, test } from 'vitest';
import { allowedPackages, checkPackageGraph } from '../src/package-graph.mjs';
import { packageFiles, plant } from './fixture-tree.ts';

const table = {
  low: { packages: [], thirdParty: ['fflate'] },
  middle: { packages: ['low'], thirdParty: [] },
  high: { packages: ['middle'], thirdParty: [] },
};
const workspace = 'workspace:*';
const sound = {
  ...packageFiles('low', { dependencies: { fflate: 'catalog:' } }),
  ...packageFiles('middle', { dependencies: { '@q/low': workspace } }),
  ...packageFiles('high', { dependencies: { '@q/middle': workspace, '@q/low': workspace } }),
};
const messages = (tree: object, rows: Record<string, { packages: string[]; thirdParty: string[] }> = table): string[] =>
  checkPackageGraph(plant({ ...sound, ...tree }), rows).map(({ where, message }) => `${where}: ${message}`);

describe('package graph', () => {
  test('a tree that follows the table has no problem', () => {
    expect(messages({})).toEqual([]);
  });

  test('what a package is built on may be used through it', () => {
    expect([...allowedPackages('high', table)]).toEqual(['middle', 'low']);
  });

  test('an edge against the flow', () => {
    expect(messages(packageFiles('low', { dependencies: { '@q/high': workspace, fflate: 'catalog:' } }))).toEqual([
      'packages/low/package.json: must not depend on @q/high; it may depend on fflate',
      '@q/high: is in a cycle: @q/high → @q/middle → @q/low → @q/high',
    ]);
  });

  test('a cycle through development dependencies', () => {
    expect(
      messages(
        packageFiles('low', { dependencies: { fflate: 'catalog:' }, devDependencies: { '@q/middle': workspace } }),
      ),
    ).toEqual(['@q/middle: is in a cycle: @q/middle → @q/low → @q/middle']);
  });

  test('a third-party package that was not chosen', () => {
    expect(messages(packageFiles('middle', { dependencies: { '@q/low': workspace, lodash: 'catalog:' } }))).toEqual([
      'packages/middle/package.json: must not depend on lodash; it may depend on @q/low',
    ]);
  });

  test('peer and optional dependencies count', () => {
    const manifest = { peerDependencies: { sharp: 'catalog:' }, optionalDependencies: { lmdb: 'catalog:' } };
    expect(messages(packageFiles('low', { dependencies: { fflate: 'catalog:' }, manifest }))).toHaveLength(2);
  });

  test('a range of its own instead of the workspace or the catalog', () => {
    expect(messages(packageFiles('low', { dependencies: { fflate: '^0.8.0' } }))).toEqual([
      'packages/low/package.json: asks for fflate as "^0.8.0", not as "catalog:…"',
    ]);
  });

  test('a third-party package that is allowed and not used', () => {
    expect(messages(packageFiles('low'))).toEqual([
      'tools/checks/src/package-graph-table.mjs: allows low to depend on fflate, which it does not: take it out',
    ]);
  });

  test('nothing depends on the command line, not even a test', () => {
    expect(messages(packageFiles('low', { devDependencies: { '@q/cli': workspace } }))).toContain(
      'packages/low/package.json: must not depend on @q/cli, not even in tests',
    );
  });

  test('a package outside the table, and a row without a package', () => {
    const rows = { low: table.low, middle: table.middle, gone: table.high };
    expect(messages({}, rows)).toEqual([
      'packages/high: is not in the package graph',
      'packages/gone: is in the package graph but not in the tree',
    ]);
  });

  test('references that say something else than the dependencies', () => {
    const spoiled = packageFiles('middle', { dependencies: { '@q/low': workspace }, references: [] });
    expect(messages(spoiled)).toEqual([
      'packages/middle/tsconfig.json: references [] but package.json depends on [../low]',
    ]);
    const tests = { 'packages/high/test/tsconfig.json': { references: [{ path: '..' }] } };
    expect(messages(tests)).toEqual([
      'packages/high/test/tsconfig.json: references [..] but package.json depends on [.., ../../low, ../../middle]',
    ]);
  });
});
