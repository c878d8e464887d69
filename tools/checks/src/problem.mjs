/**
 * One thing that breaks a rule.
 * @typedef {object} Problem
 * @property {string} where file, package or edge, relative to the root
 * @property {string} message which rule, and what was found
 * @property {string} [hint] what to do about it
 */

/**
 * A gate: it reads the tree at `root` and returns what breaks its rule, in a stable order.
 * @typedef {object} Check
 * @property {string} name
 * @property {string} proves one line for the table
 * @property {(context: Context) => Promise<Problem[]>} run
 */

/**
 * @typedef {object} Context
 * @property {string} root absolute path of the workspace
 * @property {boolean} update write what the check compares with (API reports) instead of comparing
 * @property {(line: string) => void} log progress, and what could not be checked here
 * @property {import('./pack.mjs').Tarballs} tarballs every package as it would be published, packed once a run
 */

/** @param {Problem} problem */
export function formatProblem({ where, message, hint }) {
  return `  ${where}: ${message}${hint ? `\n      ${hint.replaceAll('\n', '\n      ')}` : ''}`;
}
