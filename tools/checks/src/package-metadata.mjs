import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProjects } from './workspace.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */

/**
 * What every published package says about itself in the same way.
 * @param {string} root
 * @returns {Problem[]}
 */
export function checkPackageMetadata(root) {
  const { engines, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  /** @type {Problem[]} */
  const problems = [];
  for (const { dir, manifest } of readProjects(root)) {
    /** @param {boolean} holds @param {string} message */
    const demand = (holds, message) => {
      if (!holds) problems.push({ where: `${dir}/package.json`, message });
    };
    demand(manifest.private !== true, 'is private; everything under packages/ is published');
    demand(manifest.type === 'module', 'needs "type": "module"');
    demand(manifest.license === license, `needs "license": "${license}"`);
    demand(manifest.engines?.node === engines.node, `needs "engines": { "node": "${engines.node}" }`);
    demand((manifest.description ?? '').length > 10, 'needs a description');
    demand(manifest.sideEffects !== undefined, 'needs "sideEffects", so that bundlers may drop what is unused');
    demand(manifest.files !== undefined, 'needs "files"');
    demand(manifest.exports?.['./package.json'] !== undefined, 'needs "./package.json" in "exports"');
    for (const script of ['build', 'test', 'typecheck'])
      demand(manifest.scripts?.[script] !== undefined, `needs the script "${script}"`);
    for (const [entry, target] of Object.entries(manifest.exports ?? {})) checkEntry(entry, target, demand);
    for (const file of ['README.md', 'src/index.ts']) {
      if (!existsSync(join(root, dir, file))) problems.push({ where: dir, message: `needs ${file}` });
    }
  }
  return problems;
}

/**
 * A code entry resolves to the source for this workspace and to types and JavaScript for everyone else, in that order.
 * @param {string} entry
 * @param {unknown} target
 * @param {(holds: boolean, message: string) => void} demand
 */
function checkEntry(entry, target, demand) {
  if (typeof target !== 'object' || target === null) return;
  const keys = Object.keys(target);
  demand(keys[0] === '@q/source', `"exports"["${entry}"] needs the condition "@q/source" first`);
  demand(keys.at(-1) === 'default', `"exports"["${entry}"] needs the condition "default" last`);
}
