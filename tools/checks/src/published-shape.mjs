import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { inParallel } from './in-parallel.mjs';
import { runCommand } from './run-command.mjs';
import { readProjects } from './workspace.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */
/** @typedef {import('./workspace.mjs').Project} Project */

const attw = fileURLToPath(new URL('../node_modules/.bin/attw', import.meta.url));

/**
 * What is in each tarball: entries that resolve, types that match, no dependency range that only a workspace knows.
 * @param {string} root
 * @param {import('./pack.mjs').Tarballs} tarballs
 * @returns {Promise<Problem[]>}
 */
export async function checkPublishedShape(root, tarballs) {
  const problems = await inParallel(readProjects(root), async (project) => [
    ...(await entries(project, tarballs)),
    ...(await types(project, tarballs)),
    ...(await ranges(project, tarballs)),
  ]);
  return problems.flat();
}

/** @param {Project} project @param {import('./pack.mjs').Tarballs} tarballs @returns {Promise<Problem[]>} */
async function entries(project, tarballs) {
  const pkgDir = await tarballs.unpacked(project);
  const { messages, pkg } = await publint({ pkgDir, strict: true, pack: false });
  return messages.map((message) => ({
    where: project.dir,
    message: `publint: ${formatMessage(message, pkg, { color: false })}`,
  }));
}

/** Entries that are not code have no types to find. @param {Project} project */
function entriesWithoutTypes({ manifest }) {
  return Object.entries(manifest.exports ?? {}).flatMap(([entry, target]) =>
    typeof target === 'string' && !entry.endsWith('.json') ? [entry.replace(/^\.\//, '')] : [],
  );
}

/** @param {Project} project @param {import('./pack.mjs').Tarballs} tarballs @returns {Promise<Problem[]>} */
async function types(project, tarballs) {
  const without = entriesWithoutTypes(project);
  const { stdout, output } = await runCommand(
    attw,
    [
      await tarballs.tarball(project),
      '--profile=esm-only',
      '--format=json',
      ...(without.length > 0 ? ['--exclude-entrypoints', ...without] : []),
    ],
    { cwd: process.cwd() },
  );
  /** @type {{ analysis?: { types?: unknown }, problems?: Record<string, { kind: string, entrypoint?: string, resolutionKind?: string }[]> }} */
  let result;
  try {
    result = JSON.parse(stdout);
  } catch {
    return [{ where: project.dir, message: `attw: ${output.trim().split('\n').at(-1)}` }];
  }
  // The profile only colours the text form: the JSON form holds what CommonJS users would meet as well.
  const ignored = ['node10', 'node16-cjs'];
  return Object.values(result.problems ?? {})
    .flat()
    .filter(({ resolutionKind }) => !ignored.includes(resolutionKind ?? ''))
    .filter(({ kind }) => kind !== 'CJSResolvesToESM')
    .map(({ kind, entrypoint }) => ({
      where: project.dir,
      message: `attw: ${kind}${entrypoint ? ` at ${entrypoint}` : ''}`,
    }));
}

/** @param {Project} project @param {import('./pack.mjs').Tarballs} tarballs @returns {Promise<Problem[]>} */
async function ranges(project, tarballs) {
  /** @type {import('./workspace.mjs').Manifest} */
  const manifest = JSON.parse(readFileSync(join(await tarballs.unpacked(project), 'package.json'), 'utf8'));
  return Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.devDependencies })
    .filter(([, range]) => /^(?:workspace|catalog|link|file):/.test(range))
    .map(([name, range]) => ({ where: project.dir, message: `is published asking for ${name} as "${range}"` }));
}
