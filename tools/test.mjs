// Runs every package's tests and the checks' own, lists what was skipped, and ends with one line of counts.
// usage: node tools/test.mjs [PACKAGE…]   (PACKAGE: a workspace package, without the @q/ prefix; default: all)
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const names = process.argv.slice(2);
const started = performance.now();
const tallyDir = mkdtempSync(join(tmpdir(), 'q-test-'));
const rule = '─'.repeat(80);

const projects = testedProjects();
for (const name of names) {
  if (!projects.includes(`@q/${name}`)) {
    console.error(`[q] no package @q/${name} with tests; there are: ${projects.map((p) => p.slice(3)).join(' ')}`);
    process.exit(2);
  }
}
const chosen = names.length > 0 ? names.map((name) => `@q/${name}`) : projects;

console.log(`[q] test: ${chosen.join(' ')}`);
const status = runTests(chosen);
const tallies = readTallies();
rmSync(tallyDir, { recursive: true, force: true });
process.exit(report(chosen, tallies, status));

/** Names of the workspace projects that have a `test` script. */
function testedProjects() {
  const found = [];
  for (const folder of ['packages', 'tools']) {
    for (const entry of readdirSync(join(root, folder)).sort()) {
      const manifest = join(root, folder, entry, 'package.json');
      if (!existsSync(manifest)) continue;
      const { name, scripts } = JSON.parse(readFileSync(manifest, 'utf8'));
      if (scripts?.test) found.push(name);
    }
  }
  return found;
}

/**
 * One turbo run: as many packages at once as there are cores (at most 4), the cores shared out among their workers.
 * @param {string[]} packages
 */
function runTests(packages) {
  const cores = availableParallelism();
  const concurrency = Math.min(cores, 4);
  const { status, error } = spawnSync(
    join(root, 'node_modules', '.bin', 'turbo'),
    [
      'run',
      'test',
      `--concurrency=${concurrency}`,
      '--log-order=grouped',
      '--log-prefix=none',
      '--continue=always',
      ...packages.map((name) => `--filter=${name}`),
    ],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
      env: {
        ...process.env,
        PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`,
        Q_TEST_TALLY: tallyDir,
        VITEST_MAX_WORKERS: process.env.VITEST_MAX_WORKERS ?? String(Math.max(1, Math.floor(cores / concurrency))),
        TURBO_TELEMETRY_DISABLED: '1',
        DO_NOT_TRACK: '1',
      },
    },
  );
  if (error) console.error(`[q] turbo: ${error.message}`);
  return status ?? 1;
}

/** @typedef {import('./test-tally.ts').Tally} Tally */

/** @returns {Tally[]} */
function readTallies() {
  return readdirSync(tallyDir).map((file) => JSON.parse(readFileSync(join(tallyDir, file), 'utf8')));
}

/**
 * Prints the table, the skipped and the failed, and the closing line. Returns the exit status.
 * @param {string[]} packages
 * @param {Tally[]} tallies
 * @param {number} status of the run
 */
function report(packages, tallies, status) {
  const byName = new Map(tallies.map((tally) => [tally.package, tally]));
  const total = { passed: 0, failed: 0, skipped: 0 };
  /** @type {string[]} */
  const failures = [];
  console.log(`\n${rule}`);
  for (const name of packages) {
    const tally = byName.get(name) ?? {
      passed: 0,
      failed: 1,
      skipped: 0,
      skippedTests: [],
      failedTests: ['its tests (or the build they need) did not run to the end: see above'],
      warnings: [],
    };
    total.passed += tally.passed;
    total.failed += tally.failed;
    total.skipped += tally.skipped;
    failures.push(...tally.failedTests.map((test) => `${name}: ${test}`));
    const counts = `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`;
    console.log(`${tally.failed > 0 ? '✗' : '✓'} ${name.padEnd(24)} ${counts}`);
  }
  if (status !== 0 && total.failed === 0) {
    total.failed = 1;
    failures.push(`the run ended with ${status} without a failing test: see above`);
  }
  printSkipped(tallies);
  if (failures.length > 0) console.log(`\n${rule}\nFAILED\n${failures.map((line) => `  ✗ ${line}`).join('\n')}`);
  console.log(`${rule}\n[q] test: done in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed > 0 ? 1 : 0;
}

/**
 * What was not tested is said as loudly as what failed: a green run without it proves less.
 * @param {Tally[]} tallies
 */
function printSkipped(tallies) {
  /** @type {string[]} */
  const lines = [];
  for (const tally of tallies) {
    for (const warning of tally.warnings) lines.push(`${tally.package}: ${warning}`);
    for (const { test, note } of tally.skippedTests) lines.push(`${tally.package}: ${test}${note ? ` (${note})` : ''}`);
  }
  const shared = process.env.Q_SHARED ?? resolve(root, '..', 'shared');
  if (!existsSync(shared))
    lines.unshift('no ../shared folder (or Q_SHARED): nothing was tried on the real networks in it');
  if (lines.length > 0) console.log(`\n${rule}\nSKIPPED\n${lines.map((line) => `  ○ ${line}`).join('\n')}`);
}
