import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The fields of a package.json that checks read.
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string} [version]
 * @property {string} [description]
 * @property {string} [license]
 * @property {string} [type]
 * @property {boolean} [private]
 * @property {string[]} [files]
 * @property {Record<string, unknown>} [exports]
 * @property {Record<string, unknown>} [imports]
 * @property {Record<string, string>} [bin]
 * @property {Record<string, string>} [engines]
 * @property {boolean | string[]} [sideEffects]
 * @property {Record<string, string>} [scripts]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 */

/**
 * @typedef {object} Project
 * @property {string} folder name of its folder: `ir`
 * @property {string} dir relative to the root: `packages/ir`
 * @property {Manifest} manifest
 */

/**
 * The projects of one folder of the workspace, sorted by name.
 * @param {string} root
 * @param {string} [parent] `packages` or `tools`
 * @returns {Project[]}
 */
export function readProjects(root, parent = 'packages') {
  if (!existsSync(join(root, parent))) return [];
  return readdirSync(join(root, parent))
    .sort()
    .filter((folder) => existsSync(join(root, parent, folder, 'package.json')))
    .map((folder) => ({
      folder,
      dir: `${parent}/${folder}`,
      manifest: JSON.parse(readFileSync(join(root, parent, folder, 'package.json'), 'utf8')),
    }));
}

/**
 * What a project needs at run time, by name.
 * @param {Manifest} manifest
 */
export function runtimeDependencies(manifest) {
  return {
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
  };
}

/**
 * The workspace packages that `project` needs at run time, directly or not, itself first.
 * @param {Project} project
 * @param {readonly Project[]} projects
 */
export function withDependencies(project, projects) {
  const closure = new Set([project]);
  for (const member of closure) {
    for (const name of Object.keys(runtimeDependencies(member.manifest))) {
      const found = projects.find((candidate) => candidate.manifest.name === name);
      if (found) closure.add(found);
    }
  }
  return [...closure];
}
