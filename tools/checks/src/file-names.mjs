import { trackedFiles } from './tracked-files.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */

/** Words that say where a thing was put because nobody knew what it was; some only when they stand alone. */
const emptyWord = /^(?:utils?|helpers?|misc)$/;
const emptyName = /^(?:common|shared|lib|stuff)$/;
const kebab = /^[a-z0-9]+(?:[-.][a-z0-9]+)*$/;
const code = /\.(?:[cm]?ts|[cm]?js)$/;

/**
 * Files and folders are named after the one thing in them; code is in kebab-case.
 * @param {string} root
 * @returns {Problem[]}
 */
export function checkFileNames(root) {
  /** @type {Map<string, Problem>} */
  const problems = new Map();
  for (const file of trackedFiles(root)) {
    const parts = file.split('/');
    for (const [index, part] of parts.entries()) {
      const where = parts.slice(0, index + 1).join('/');
      const name = part.replace(/\.[^.]*$/, '');
      if (emptyName.test(name) || name.split(/[-._]/).some((word) => emptyWord.test(word))) {
        problems.set(where, { where, message: 'has a name that says nothing', hint: 'name it after what is in it' });
      }
    }
    const name = parts.at(-1) ?? '';
    if (code.test(name) && !kebab.test(name)) problems.set(file, { where: file, message: 'is not in kebab-case' });
  }
  return [...problems.values()];
}
