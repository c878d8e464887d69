// Runs every package's tests and the checks' own, lists what was skipped, and ends with one line of counts.
// usage: node tools/test.mjs [PACKAGE…]   (PACKAGE: a workspace package, without the @q/ prefix; default: all)
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { summarize } from './test-summary.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const names = process.argv.slice(2);
const started = performance.now();
const tallyDir = mkdtempSync(join(tmpdir(), 'q-test-'));

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
const summary = summarize({ packages: chosen, tallies: readTallies(), status, notes: missing() });
rmSync(tallyDir, { recursive: true, force: true });
console.log(`\n${summary.lines.join('\n')}`);
console.log(`[q] test: done in ${((performance.now() - started) / 1000).toFixed(1)} s`);
console.log(summary.closing);
process.exit(summary.failed > 0 ? 1 : 0);

/** What a full run would like to have and this machine has not. */
function missing() {
  const shared = process.env.Q_SHARED ?? resolve(root, '..', 'shared');
  return existsSync(shared) ? [] : ['no ../shared folder (or Q_SHARED): nothing was tried on the real networks in it'];
}

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
