// The gates over the whole workspace, with a table at the end.
// usage: npm run check [-- NAME…] [-- --update]     (--update rewrites what a check compares with: the API reports)
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checks } from './src/all-checks.mjs';
import { Tarballs } from './src/pack.mjs';
import { formatProblem } from './src/problem.mjs';

const root = join(fileURLToPath(import.meta.url), '..', '..', '..');
const words = process.argv.slice(2);
const update = words.includes('--update');
const names = words.filter((word) => word !== '--update');
const unknown = names.filter((name) => !checks.some((check) => check.name === name));
if (unknown.length > 0) {
  console.error(`no check called ${unknown.join(', ')}; there are: ${checks.map(({ name }) => name).join(' ')}`);
  process.exit(2);
}

const tarballs = new Tarballs(root);
/** @type {{ name: string, proves: string, problems: number, seconds: number }[]} */
const rows = [];
try {
  for (const check of checks.filter(({ name }) => names.length === 0 || names.includes(name))) {
    console.log(`[q] check ${check.name}`);
    const started = performance.now();
    const problems = await check
      .run({ root, update, tarballs, log: (line) => console.log(`    ${line}`) })
      .catch((/** @type {unknown} */ error) => [
        { where: check.name, message: error instanceof Error ? error.message : String(error) },
      ]);
    for (const problem of problems) console.log(formatProblem(problem));
    rows.push({ ...check, problems: problems.length, seconds: (performance.now() - started) / 1000 });
  }
} finally {
  tarballs.dispose();
}

const width = Math.max(...rows.map(({ name }) => name.length));
console.log(`\n${'─'.repeat(80)}`);
for (const { name, proves, problems, seconds } of rows) {
  const verdict = problems === 0 ? '✓' : '✗';
  const count = problems === 0 ? '' : ` (${problems} ${problems === 1 ? 'problem' : 'problems'})`;
  console.log(`${verdict} ${name.padEnd(width)} ${seconds.toFixed(1).padStart(6)} s  ${proves}${count}`);
}
const failed = rows.filter(({ problems }) => problems > 0).length;
console.log(`${rows.length - failed} of ${rows.length} checks hold`);
process.exitCode = failed > 0 ? 1 : 0;
