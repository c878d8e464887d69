import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../src/browser.mjs';
import { Tarballs } from '../src/pack.mjs';
import { checkPublishable } from '../src/publishable.mjs';
import { checkPublishedShape } from '../src/published-shape.mjs';
import { runCommand } from '../src/run-command.mjs';
import { packageFiles, plant, type Tree } from './fixture-tree.ts';

const pnpm = join(fileURLToPath(import.meta.url), '..', '..', '..', '..', 'node_modules', '.bin', 'pnpm');

const dist = (text: string): Tree => ({
  'packages/low/dist/index.js': 'export const one = 1;\n',
  'packages/low/dist/index.d.ts': 'export declare const one = 1;\n',
  'packages/high/dist/index.js': text,
  'packages/high/dist/index.d.ts': 'export declare const two: number;\n',
});
const sound: Tree = {
  'package.json': { name: 'planted', private: true },
  'pnpm-workspace.yaml': 'packages: [packages/*]\n',
  ...packageFiles('low'),
  ...packageFiles('high', { dependencies: { '@q/low': 'workspace:*' } }),
  ...dist("import { one } from '@q/low';\nexport const two = one + 1;\n"),
  'probes/low.mjs':
    "import { one } from '@q/low';\nexport default async () => { if (one !== 1) throw new Error('not one'); };\n",
  'probes/high.mjs':
    "import { two } from '@q/high';\nexport default async () => { if (two !== 2) throw new Error('not two'); };\n",
};

/** A workspace with its packages linked, nothing fetched. */
async function workspace(tree: Tree): Promise<{ root: string; tarballs: Tarballs }> {
  const root = plant({ ...sound, ...tree });
  const { status, output } = await runCommand(pnpm, ['install', '--offline', '--ignore-scripts'], { cwd: root });
  expect(status, output).toBe(0);
  const tarballs = new Tarballs(root);
  onTestFinished(() => tarballs.dispose());
  return { root, tarballs };
}

async function alone(tree: Tree): Promise<string[]> {
  const { root, tarballs } = await workspace(tree);
  const found = await checkPublishable({ root, tarballs, log: () => {}, probes: join(root, 'probes'), nodeOnly: [] });
  return found.map(({ where, message }) => `${where}: ${message}`);
}

async function shape(tree: Tree): Promise<string[]> {
  const { root, tarballs } = await workspace(tree);
  return (await checkPublishedShape(root, tarballs)).map(({ where, message }) => `${where}: ${message}`);
}

describe('publishable alone', () => {
  test('two sound packages', async () => {
    expect(await alone({})).toEqual([]);
  });

  test('code that the tarball leaves out', async () => {
    expect(await alone(packageFiles('low', { manifest: { files: ['src'] } }))).toEqual([
      'packages/high: fails in Node when installed alone',
      'packages/high: does not bundle for a page',
      'packages/low: fails in Node when installed alone',
      'packages/low: does not bundle for a page',
    ]);
  });

  test('a dependency that only the workspace has', async () => {
    expect(await alone({ ...packageFiles('high', { devDependencies: { '@q/low': 'workspace:*' } }) })).toEqual([
      'packages/high: fails in Node when installed alone',
      'packages/high: does not bundle for a page',
    ]);
  });

  test('Node in a bundle for a page', async () => {
    const reads =
      "import { readFileSync } from 'node:fs';\nimport { one } from '@q/low';\nexport const two = readFileSync ? one + 1 : 0;\n";
    expect(await alone(dist(reads))).toEqual(['packages/high: does not bundle for a page']);
  });

  test('a package that answers wrong', async () => {
    const wrong = 'export default async () => { throw new Error("wrong"); };\n';
    const found = await alone({ 'probes/low.mjs': wrong });
    expect(found[0]).toBe('packages/low: fails in Node when installed alone');
  });

  test('a package without a probe', async () => {
    const { 'probes/low.mjs': _, ...files } = sound;
    const { root, tarballs } = await workspace({});
    const probes = join(plant(files), 'probes');
    const found = await checkPublishable({ root, tarballs, log: () => {}, probes, nodeOnly: ['low', 'high'] });
    expect(found).toEqual([
      { where: 'packages/low', message: 'has no probe', hint: 'add tools/checks/probes/low.mjs' },
    ]);
  });

  test('code made from text, which a strict page refuses', async ({ skip }) => {
    if (!findChromium()) {
      console.warn('SKIPPED: no Chromium: nothing was tried in a page');
      skip('no Chromium');
    }
    expect(await alone(dist("export const two = new Function('return 2')();\n"))).toEqual([
      'packages/high: fails in a page',
    ]);
  });
});

describe('published shape', () => {
  test('two sound packages', async () => {
    expect(await shape({})).toEqual([]);
  });

  test('an entry whose types are missing', async () => {
    const exports = {
      './extra': { '@q/source': './src/extra.ts', types: './dist/extra.d.ts', default: './dist/extra.js' },
    };
    const found = await shape({ ...packageFiles('low', { exports }), 'packages/low/dist/extra.js': 'export {};\n' });
    expect(found).toContainEqual(expect.stringMatching(/^packages\/low: publint: .*extra\.d\.ts/));
    expect(found).toContainEqual(expect.stringMatching(/^packages\/low: attw: \w+ at \.\/extra/));
  });

  test('a tarball that still speaks of the workspace, as npm pack would make it', async () => {
    const { root } = await workspace({});
    const unpacked = async ({ dir }: { dir: string }): Promise<string> => join(root, dir);
    const tarballs = Object.assign(new Tarballs(root), { unpacked });
    onTestFinished(() => tarballs.dispose());
    const found = await checkPublishedShape(root, tarballs);
    expect(found.map(({ message }) => message)).toContain('is published asking for @q/low as "workspace:*"');
  });
});
