import { fileURLToPath } from 'node:url';
import { lastLines, runCommand } from './run-command.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */

const knip = fileURLToPath(new URL('../node_modules/.bin/knip', import.meta.url));
const config = fileURLToPath(new URL('../knip.json', import.meta.url));

const kinds = {
  files: 'is used by nothing',
  dependencies: 'is a dependency that nothing imports',
  devDependencies: 'is a development dependency that nothing imports',
  unlisted: 'is imported but not declared',
  unresolved: 'does not resolve',
  binaries: 'is run but not declared',
  exports: 'is exported and imported by nothing',
  types: 'is an exported type that nothing imports',
  enumMembers: 'is an enum member that nothing uses',
  duplicates: 'is exported twice',
};

/**
 * Files, exports and dependencies that nothing uses (knip). What a package's entries export counts as used.
 * @param {string} root
 * @param {string} [configFile]
 * @returns {Promise<Problem[]>}
 */
export async function checkUnused(root, configFile = config) {
  const args = ['--config', configFile, '--directory', root, '--no-progress', '--reporter', 'json', '--no-exit-code'];
  const { stdout, output } = await runCommand(knip, args, { cwd: root });
  /** @type {{ files?: string[], issues: Array<{ file: string } & Record<string, { name: string, line?: number }[] | undefined>> }} */
  let report;
  try {
    report = JSON.parse(stdout.slice(stdout.indexOf('{')));
  } catch {
    return [{ where: 'knip', message: lastLines(output) }];
  }
  return report.issues.flatMap((issue) =>
    Object.entries(kinds).flatMap(([kind, message]) =>
      (issue[kind] ?? []).flat().map(({ name, line }) => {
        const place = line ? `${issue.file}:${line}` : issue.file;
        return { where: place, message: kind === 'files' ? message : `${name} ${message}` };
      }),
    ),
  );
}
