import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { trackedFiles } from './tracked-files.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */

export const limit = 450;

const code = /^(?:packages|tools)\/.*\.(?:[cm]?ts|[cm]?js|py)$/;
const generated = /\/generated\//;

/**
 * Files that may be longer, each with its reason: a table, or one long list that nobody reads from top to bottom.
 * @type {Record<string, string>}
 */
export const longFiles = {};

/**
 * A file is split when it is longer than the limit, generated code and listed tables apart.
 * @param {string} root
 * @param {Record<string, string>} [exceptions] file → reason
 * @returns {Problem[]}
 */
export function checkFileLength(root, exceptions = longFiles) {
  const files = trackedFiles(root).filter((file) => code.test(file) && !generated.test(file));
  const lengths = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8').split('\n').length - 1]));
  const tooLong = [...lengths].filter(([file, lines]) => lines > limit && !(file in exceptions));
  const needless = Object.keys(exceptions).filter((file) => (lengths.get(file) ?? 0) <= limit);
  return [
    ...tooLong.map(([file, lines]) => ({
      where: file,
      message: `has ${lines} lines, more than ${limit}`,
      hint: 'split it by concept; a table goes into a file of its own and onto the list in tools/checks/src/file-length.mjs',
    })),
    ...needless.map((file) => ({ where: file, message: 'is on the list of long files and is not long: take it off' })),
  ];
}
