import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { lastLines, runCommand } from './run-command.mjs';
import { readProjects } from './workspace.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */

/**
 * Changesets name packages that exist, and the release plan can be computed from them.
 * @param {string} root
 * @param {(line: string) => void} log
 * @returns {Promise<Problem[]>}
 */
export async function checkChangesets(root, log) {
  const names = new Set(readProjects(root).map(({ manifest }) => manifest.name));
  const problems = changesetFiles(root).flatMap((file) => malformed(root, file, names));
  if (problems.length > 0) return problems;
  const base = JSON.parse(readFileSync(join(root, '.changeset', 'config.json'), 'utf8')).baseBranch;
  const branch = await runCommand('git', ['rev-parse', '--verify', '--quiet', base], { cwd: root });
  if (branch.status !== 0) {
    log(`SKIPPED: no branch ${base} here, which changesets compare with`);
    return [];
  }
  const out = mkdtempSync(join(tmpdir(), 'q-changesets-'));
  try {
    const file = join(out, 'plan.json');
    const command = join(root, 'node_modules', '.bin', 'changeset');
    const { status, output } = await runCommand(command, ['status', '--output', relative(root, file)], { cwd: root });
    if (status !== 0 || !existsSync(file)) {
      return [
        {
          where: '.changeset',
          message: 'changeset status fails',
          hint: `${lastLines(output)}\nadd one: npx changeset`,
        },
      ];
    }
    /** @type {{ releases: { name: string, oldVersion: string, newVersion: string }[] }} */
    const plan = JSON.parse(readFileSync(file, 'utf8'));
    for (const { name, oldVersion, newVersion } of plan.releases) log(`${name}: ${oldVersion} → ${newVersion}`);
    return [];
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** @param {string} root */
function changesetFiles(root) {
  const dir = join(root, '.changeset');
  if (!existsSync(join(dir, 'config.json'))) return [];
  return readdirSync(dir).filter((file) => file.endsWith('.md') && file !== 'README.md');
}

/** @param {string} root @param {string} file @param {ReadonlySet<string>} names @returns {Problem[]} */
function malformed(root, file, names) {
  const where = `.changeset/${file}`;
  const text = readFileSync(join(root, where), 'utf8');
  const front = /^---\n([\s\S]*?)\n?---\n([\s\S]*)$/.exec(text);
  if (!front) return [{ where, message: 'does not begin with the packages between two lines ---' }];
  const [, packages = '', summary = ''] = front;
  /** @type {Problem[]} */
  const problems = [];
  for (const line of packages.split('\n').filter(Boolean)) {
    const [, name = '', bump = ''] = /^["']?([^"':]+)["']?:\s*(\w+)$/.exec(line) ?? [];
    if (!names.has(name))
      problems.push({ where, message: `names "${name || line}", which is not a published package` });
    else if (!['major', 'minor', 'patch'].includes(bump))
      problems.push({ where, message: `asks for the bump "${bump}"` });
  }
  if (summary.trim() === '') problems.push({ where, message: 'says nothing about the change' });
  return problems;
}
