import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { summarize } from '../../test-summary.mjs';
import type { Tally } from '../../test-tally.ts';
import { runCommand } from '../src/run-command.mjs';
import { plant } from './fixture-tree.ts';

const root = join(fileURLToPath(import.meta.url), '..', '..', '..', '..');

/** Runs vitest over planted test files, as a package does, and reads what it tallied. */
async function tally(tests: Record<string, string>): Promise<Tally> {
  const files = Object.entries(tests).map(([name, text]) => [
    `test/${name}.test.ts`,
    `import { expect, test } from 'vitest';\n${text}`,
  ]);
  const planted = plant({
    'package.json': { name: '@q/planted', type: 'module' },
    'vitest.config.ts': `export { default } from '${join(root, 'vitest.shared.ts')}';\n`,
    ...Object.fromEntries(files),
  });
  symlinkSync(join(root, 'node_modules'), join(planted, 'node_modules'));
  const dir = join(planted, 'tally');
  const env = { ...process.env, Q_TEST_TALLY: dir };
  await runCommand(join(root, 'node_modules', '.bin', 'vitest'), ['run'], { cwd: planted, env });
  const [file = 'none'] = readdirSync(dir);
  return JSON.parse(readFileSync(join(dir, file), 'utf8'));
}

describe('tally of a run', () => {
  test('counts, names and reasons', async () => {
    const found = await tally({
      a: "test('one', () => {});\ntest('two', () => expect(1).toBe(2));\ntest.each([1, 2])('each %i', () => {});\n",
      b: "test('three', ({ skip }) => {\n  console.warn('SKIPPED: no moon');\n  skip('no moon');\n});\ntest.todo('four');\n",
      c: "throw new Error('does not load');\n",
    });
    expect(found).toEqual({
      package: '@q/planted',
      passed: 3,
      failed: 2,
      skipped: 2,
      skippedTests: [
        { test: 'test/b.test.ts > three', note: 'no moon' },
        { test: 'test/b.test.ts > four', note: '' },
      ],
      failedTests: expect.arrayContaining(['test/a.test.ts > two', 'test/c.test.ts']),
      warnings: ['SKIPPED: no moon'],
    });
  });

  test('what fails outside any test', async () => {
    const found = await tally({
      a: "test('one', () => {});\nsetTimeout(() => { throw new Error('late'); }, 0);\ntest('two', () => new Promise((r) => setTimeout(r, 50)));\n",
    });
    expect(found).toMatchObject({ passed: 2, failed: 1, failedTests: ['outside any test: late'] });
  });
});

describe('summary of several packages', () => {
  const good: Tally = {
    package: '@q/ir',
    passed: 3,
    failed: 0,
    skipped: 1,
    skippedTests: [{ test: 't', note: 'why' }],
    failedTests: [],
    warnings: [],
  };

  test('all is well', () => {
    const { closing, failed, lines } = summarize({
      packages: ['@q/ir'],
      tallies: [good],
      status: 0,
      notes: ['no ../shared'],
    });
    expect(closing).toBe('3 passed, 0 failed, 1 skipped');
    expect(failed).toBe(0);
    expect(lines).toContain('  ○ no ../shared');
    expect(lines).toContain('  ○ @q/ir: t (why)');
  });

  test('a package that never reported, and a run that failed without a failing test', () => {
    expect(summarize({ packages: ['@q/ir', '@q/cli'], tallies: [good], status: 1 }).closing).toBe(
      '3 passed, 1 failed, 1 skipped',
    );
    const silent = summarize({ packages: ['@q/ir'], tallies: [good], status: 1 });
    expect(silent.closing).toBe('3 passed, 1 failed, 1 skipped');
    expect(silent.lines).toContain('  ✗ the run ended with status 1 without a failing test: see above');
  });

  test('many tests of one file that skip for one reason get one line', () => {
    const skippedTests = Array.from({ length: 6 }, (_, i) => ({ test: `a.test.ts > case ${i}`, note: 'no moon' }));
    const { lines } = summarize({ packages: ['@q/ir'], tallies: [{ ...good, skippedTests, skipped: 6 }], status: 0 });
    expect(lines.filter((line) => line.includes('a.test.ts'))).toEqual([
      '  ○ @q/ir: a.test.ts: 6 tests, the first of them "case 0" (no moon)',
    ]);
  });
});
