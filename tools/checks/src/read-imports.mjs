import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cruise } from 'dependency-cruiser';
import { readProjects } from './workspace.mjs';

/**
 * One import statement (or re-export, or `import()`) of a source file.
 * @typedef {object} Import
 * @property {string} from file, relative to the root
 * @property {string} specifier as written
 * @property {string} to the file it resolves to, relative to the root; of no use unless `kind` is `file`
 * @property {'file' | 'package' | 'node' | 'unresolved'} kind `file`: of this workspace, another package's included
 * @property {boolean} typeOnly
 */

const sourceFolders = ['src', 'test', 'bin'];

/**
 * Every import of the workspace's own sources, resolved the way tests and the type checker resolve them: straight to
 * `src` through the export condition `@q/source`.
 * @param {string} root
 * @returns {Promise<{ files: string[], imports: Import[] }>}
 */
export async function readImports(root) {
  const folders = readProjects(root).flatMap(({ dir }) => sourceFolders.map((folder) => `${dir}/${folder}`));
  const { output } = await cruise(
    [...folders, 'tools'].filter((folder) => existsSync(join(root, folder))),
    {
      baseDir: root,
      doNotFollow: { path: 'node_modules' },
      exclude: { path: ['/dist/', '/wasm/', '/assembly/'] },
      tsPreCompilationDeps: true,
      enhancedResolveOptions: {
        exportsFields: ['exports'],
        conditionNames: ['@q/source', 'types', 'node', 'import', 'default'],
        extensions: ['.ts', '.mjs', '.js', '.json'],
        mainFields: ['module', 'main', 'types'],
      },
    },
  );
  if (typeof output === 'string') throw new Error('dependency-cruiser returned text where a result was asked for');
  const own = output.modules.filter(({ source }) => isOwn(source));
  return {
    files: own.map(({ source }) => source).sort(),
    imports: own.flatMap(({ source, dependencies }) => dependencies.map((dependency) => toImport(source, dependency))),
  };
}

/** @param {string} file */
function isOwn(file) {
  return /^(?:packages|tools)\//.test(file) && !file.includes('node_modules/');
}

/**
 * @param {string} from
 * @param {import('dependency-cruiser').IDependency} dependency
 * @returns {Import}
 */
function toImport(from, dependency) {
  const { module, protocol, resolved, couldNotResolve, dependencyTypes } = dependency;
  /** @type {Import['kind']} */
  let kind = isOwn(resolved) || /^[^/]+\.ts$/.test(resolved) ? 'file' : 'package';
  // `/// <reference types="node" />` counts as what it brings into sight.
  const nodeTypes = module === 'node' && dependencyTypes.includes('triple-slash-type-reference');
  if (dependencyTypes.includes('core') || nodeTypes) kind = 'node';
  else if (couldNotResolve) kind = 'unresolved';
  return {
    from,
    specifier: `${protocol ?? ''}${module}`,
    to: resolved,
    kind,
    typeOnly: dependencyTypes.includes('type-only'),
  };
}
