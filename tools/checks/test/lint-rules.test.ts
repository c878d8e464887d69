import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runCommand } from '../src/run-command.mjs';
import { plantTracked } from './fixture-tree.ts';

const root = join(fileURLToPath(import.meta.url), '..', '..', '..', '..');

/** Names of the rules that the linter, as it is configured here, reports. */
async function reported(tree: Record<string, string>): Promise<string[]> {
  const planted = plantTracked(tree);
  copyFileSync(join(root, 'biome.json'), join(planted, 'biome.json'));
  const { output } = await runCommand(join(root, 'node_modules', '.bin', 'biome'), ['lint', '--colors=off', '.'], {
    cwd: planted,
  });
  return [...new Set([...output.matchAll(/\blint\/\w+\/(\w+)/g)].map(([, rule]) => rule ?? ''))].sort();
}

test('an import cycle', async () => {
  const cycle = {
    'src/a.ts': "import { b } from './b.ts';\n\nexport const a = (): number => b();\n",
    'src/b.ts': "import { a } from './a.ts';\n\nexport const b = (): number => a();\n",
  };
  expect(await reported(cycle)).toEqual(['noImportCycles']);
});

test('any, eval and an import that is only a type', async () => {
  const spoiled = "import { A } from './a.ts';\n\nexport const f = (a: A): any => eval(String(a));\n";
  expect(await reported({ 'src/a.ts': 'export interface A {}\n', 'src/f.ts': spoiled })).toEqual(
    expect.arrayContaining(['noExplicitAny', 'noGlobalEval', 'useImportType']),
  );
});

test('clean code', async () => {
  expect(await reported({ 'src/a.ts': 'export const a = 1;\n' })).toEqual([]);
});
