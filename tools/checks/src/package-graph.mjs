import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageGraph } from './package-graph-table.mjs';
import { readProjects, runtimeDependencies } from './workspace.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */
/** @typedef {import('./workspace.mjs').Project} Project */
/** @typedef {Record<string, import('./package-graph-table.mjs').Row>} Table */

const tableFile = 'tools/checks/src/package-graph-table.mjs';

/**
 * Holds every package.json against the table: no package outside it, no edge outside it, no cycle, no third-party
 * package that was not chosen, and tsconfig references that say the same as the dependencies.
 * @param {string} root
 * @param {Table} [table]
 * @returns {Problem[]}
 */
export function checkPackageGraph(root, table = packageGraph) {
  const projects = readProjects(root);
  return [
    ...presence(projects, table),
    ...projects.flatMap((project) => edges(project, table)),
    ...cycles(projects),
    ...projects.flatMap((project) => references(root, project, projects)),
  ];
}

/**
 * Everything `folder` may use: its row, and what those packages are built on.
 * @param {string} folder
 * @param {Table} table
 * @returns {Set<string>}
 */
export function allowedPackages(folder, table = packageGraph) {
  const row = table[folder];
  const allowed = new Set([...(row?.packages ?? []), ...(row?.subpaths ?? [])]);
  for (const name of allowed) for (const next of table[name]?.packages ?? []) allowed.add(next);
  return allowed;
}

/** @param {Project[]} projects @param {Table} table @returns {Problem[]} */
function presence(projects, table) {
  const unknown = projects.filter(({ folder }) => !table[folder]);
  const misnamed = projects.filter(({ folder, manifest }) => manifest.name !== `@q/${folder}`);
  const missing = Object.keys(table).filter((folder) => !projects.some((project) => project.folder === folder));
  return [
    ...unknown.map(({ dir }) => ({
      where: dir,
      message: 'is not in the package graph',
      hint: `add its row to ${tableFile}`,
    })),
    ...misnamed.map(({ dir, manifest }) => ({
      where: dir,
      message: `is named ${manifest.name}, not after its folder`,
    })),
    ...missing.map((folder) => ({
      where: `packages/${folder}`,
      message: 'is in the package graph but not in the tree',
    })),
  ];
}

/** @param {Project} project @param {Table} table @returns {Problem[]} */
function edges(project, table) {
  const { folder, manifest, dir } = project;
  const row = table[folder];
  if (!row) return [];
  const allowed = allowedPackages(folder, table);
  /** @type {Problem[]} */
  const problems = [];
  for (const [name, range] of Object.entries(runtimeDependencies(manifest))) {
    if (name.startsWith('@q/') ? allowed.has(name.slice(3)) : row.thirdParty.includes(name)) {
      const protocol = name.startsWith('@q/') ? 'workspace:' : 'catalog:';
      if (!range.startsWith(protocol)) {
        problems.push({
          where: `${dir}/package.json`,
          message: `asks for ${name} as "${range}", not as "${protocol}…"`,
        });
      }
      continue;
    }
    const listed = [...allowed].map((other) => `@q/${other}`).concat(row.thirdParty);
    problems.push({
      where: `${dir}/package.json`,
      message: `must not depend on ${name}; it may depend on ${listed.join(', ') || 'nothing'}`,
      hint: `if the architecture has changed, change ARCHITECTURE.md and ${tableFile}`,
    });
  }
  for (const name of row.thirdParty.filter((name) => !(name in runtimeDependencies(manifest)))) {
    problems.push({
      where: tableFile,
      message: `allows ${folder} to depend on ${name}, which it does not: take it out`,
    });
  }
  for (const name of Object.keys(manifest.devDependencies ?? {})) {
    if (name === '@q/cli')
      problems.push({ where: `${dir}/package.json`, message: 'must not depend on @q/cli, not even in tests' });
  }
  return problems;
}

/**
 * Cycles count devDependencies too: a build in the order of dependencies needs a first package.
 * @param {Project[]} projects
 * @returns {Problem[]}
 */
function cycles(projects) {
  const byName = new Map(projects.map((project) => [project.manifest.name, project]));
  /** @type {Map<string, 'open' | 'done'>} */
  const state = new Map();
  /** @type {Problem[]} */
  const problems = [];
  /** @param {string} name @param {string[]} path */
  const visit = (name, path) => {
    const manifest = byName.get(name)?.manifest;
    if (!manifest || state.get(name) === 'done') return;
    if (state.get(name) === 'open') {
      problems.push({
        where: name,
        message: `is in a cycle: ${[...path.slice(path.indexOf(name)), name].join(' → ')}`,
      });
      return;
    }
    state.set(name, 'open');
    for (const next of Object.keys({ ...runtimeDependencies(manifest), ...manifest.devDependencies }))
      visit(next, [...path, name]);
    state.set(name, 'done');
  };
  for (const name of byName.keys()) visit(name, []);
  return problems;
}

/**
 * `tsc -b` builds what the references name; a dependency without one would be compiled into this package's output, and
 * into every type-check of its tests.
 * @param {string} root
 * @param {Project} project
 * @param {Project[]} projects
 * @returns {Problem[]}
 */
function references(root, project, projects) {
  const needed = Object.keys(runtimeDependencies(project.manifest));
  const neededByTests = [...needed, ...Object.keys(project.manifest.devDependencies ?? {})];
  /** @param {readonly string[]} names @param {string} up */
  const paths = (names, up) =>
    names
      .filter((name) => projects.some(({ manifest }) => manifest.name === name))
      .map((name) => `${up}${name.slice(3)}`)
      .sort();
  return [
    ...compareReferences(root, `${project.dir}/tsconfig.json`, paths(needed, '../')),
    ...compareReferences(root, `${project.dir}/test/tsconfig.json`, ['..', ...paths(neededByTests, '../../')]),
  ];
}

/** @param {string} root @param {string} file @param {string[]} expected @returns {Problem[]} */
function compareReferences(root, file, expected) {
  if (!existsSync(join(root, file))) return [{ where: file, message: 'does not exist' }];
  /** @type {{ references?: { path: string }[] }} */
  const config = JSON.parse(readFileSync(join(root, file), 'utf8'));
  const found = (config.references ?? []).map(({ path }) => path).sort();
  if (found.join() === expected.join()) return [];
  const message = `references [${found.join(', ')}] but package.json depends on [${expected.join(', ')}]`;
  return [{ where: file, message }];
}
