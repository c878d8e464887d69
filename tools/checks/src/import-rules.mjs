import { allowedPackages } from './package-graph.mjs';
import { confinedDependencies, nodeOnlyPackages, packageGraph } from './package-graph-table.mjs';
import { readImports } from './read-imports.mjs';
import { findCycles } from './value-cycles.mjs';
import { readProjects, runtimeDependencies } from './workspace.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */
/** @typedef {import('./read-imports.mjs').Import} Import */
/** @typedef {import('./workspace.mjs').Project} Project */

/** The Node half of a file that differs by platform: `wasm-bytes-node.ts` beside `wasm-bytes-web.ts`. */
const nodeHalf = /-node\.ts$/;

/**
 * @typedef {object} Site an import and the package it stands in
 * @property {Import} found
 * @property {Project} project
 * @property {boolean} published in `src` or `bin`, so it reaches users
 */

/**
 * What a source file may import.
 * @param {string} root
 * @param {typeof packageGraph} [table]
 * @returns {Promise<Problem[]>}
 */
export async function checkImports(root, table = packageGraph) {
  const { imports } = await readImports(root);
  const projects = readProjects(root);
  const sites = imports.flatMap((found) => {
    const project = projects.find(({ dir }) => found.from.startsWith(`${dir}/`));
    return project ? [{ found, project, published: !found.from.startsWith(`${project.dir}/test/`) }] : [];
  });
  return [
    ...imports.filter(({ kind }) => kind === 'unresolved').map(unresolved),
    ...loadCycles(imports),
    ...sites.flatMap((site) => [
      ...crossPackage(site, projects),
      ...platform(site),
      ...declared(site),
      ...confined(site),
    ]),
    ...projects.flatMap((project) => mainEntry(project, imports, table)),
  ];
}

/** @param {Import} found @returns {Problem} */
function unresolved({ from, specifier }) {
  return { where: from, message: `imports ${specifier}, which does not resolve` };
}

/** @param {readonly Import[]} imports @returns {Problem[]} */
function loadCycles(imports) {
  /** @type {Map<string, string[]>} */
  const graph = new Map();
  for (const { from, to, kind, typeOnly } of imports) {
    if (kind === 'file' && !typeOnly) graph.set(from, [...(graph.get(from) ?? []), to]);
  }
  return findCycles(graph).map((group) => ({
    where: group[0] ?? '',
    message: `is in an import cycle: ${group.join(', ')}`,
    hint: 'move what both need into a file of its own, or import only the type',
  }));
}

/** Another package is reached through its public entries, never through its files. @param {Site} site @param {Project[]} projects @returns {Problem[]} */
function crossPackage({ found, project, published }, projects) {
  const { from, specifier, to, kind } = found;
  const other = projects.find(({ dir }) => kind === 'file' && to.startsWith(`${dir}/`));
  if (specifier.startsWith('.')) {
    if (!other || other === project) return [];
    return [
      {
        where: from,
        message: `reaches into ${other.dir} by path (${specifier})`,
        hint: `import ${other.manifest.name}`,
      },
    ];
  }
  const target = projects.find(
    ({ manifest }) => specifier === manifest.name || specifier.startsWith(`${manifest.name}/`),
  );
  if (!target) return [];
  if (target === project && published)
    return [{ where: from, message: `imports its own package by name (${specifier})` }];
  const entry = `.${specifier.slice(target.manifest.name.length)}`;
  if (isEntry(entry, target.manifest.exports ?? {})) return [];
  return [{ where: from, message: `imports ${specifier}, which is not an entry of ${target.manifest.name}` }];
}

/** @param {string} entry @param {Record<string, unknown>} entries */
function isEntry(entry, entries) {
  return Object.keys(entries).some(
    (key) => key === entry || (key.endsWith('/*') && entry.startsWith(key.slice(0, -1))),
  );
}

/** Published code runs in a page, but for the command line and the Node halves. @param {Site} site @returns {Problem[]} */
function platform({ found, project, published }) {
  const { from, specifier, to, kind } = found;
  if (!published || nodeOnlyPackages.includes(project.folder) || nodeHalf.test(from)) return [];
  if (kind === 'node') {
    return [
      {
        where: from,
        message: `imports ${specifier}, which a page does not have`,
        hint: 'inject it, or put it in a *-node.ts file chosen by a condition of "imports" in package.json',
      },
    ];
  }
  if (kind === 'file' && nodeHalf.test(to) && specifier.startsWith('.')) {
    return [
      {
        where: from,
        message: `imports the Node half ${specifier} by path`,
        hint: 'name both halves in "imports" of package.json and import the #name',
      },
    ];
  }
  return [];
}

/** @param {Site} site @returns {Problem[]} */
function declared({ found, project, published }) {
  const { from, specifier, kind } = found;
  if (kind === 'node' || /^[.#/]/.test(specifier)) return [];
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const { manifest } = project;
  if (name === manifest.name) return [];
  const known = { ...runtimeDependencies(manifest), ...(published ? {} : manifest.devDependencies) };
  if (name in known) return [];
  const field = published ? '"dependencies"' : '"dependencies" or "devDependencies"';
  return [{ where: from, message: `imports ${name}, which is not in ${field} of ${project.dir}/package.json` }];
}

/** @param {Site} site @returns {Problem[]} */
function confined({ found, project, published }) {
  return confinedDependencies
    .filter((rule) => published && rule.package === project.folder && isOf(found.specifier, rule.dependency))
    .filter((rule) => !rule.behind.test(found.from))
    .map((rule) => ({ where: found.from, message: `imports ${found.specifier} outside ${rule.behind.source}` }));
}

/** @param {string} specifier @param {string} name */
function isOf(specifier, name) {
  return specifier === name || specifier.startsWith(`${name}/`);
}

/**
 * What the main entry pulls in, directly or not: no confined dependency, and no package that is for subpaths only.
 * @param {Project} project
 * @param {readonly Import[]} imports
 * @param {typeof packageGraph} table
 * @returns {Problem[]}
 */
function mainEntry(project, imports, table) {
  const row = table[project.folder];
  if (!row) return [];
  const forMain = allowedPackages(project.folder, { ...table, [project.folder]: { ...row, subpaths: [] } });
  const confinedHere = confinedDependencies.filter((rule) => rule.package === project.folder);
  /** @type {Problem[]} */
  const problems = [];
  const reached = new Map([[`${project.dir}/src/index.ts`, /** @type {string[]} */ ([])]]);
  for (const [file, path] of reached) {
    for (const { from, to, specifier, kind } of imports) {
      if (from !== file) continue;
      if (kind === 'file' && to.startsWith(`${project.dir}/`) && !reached.has(to)) reached.set(to, [...path, file]);
      const name = /^@q\/([^/]+)/.exec(specifier)?.[1];
      const stranger = name !== undefined && name !== project.folder && !forMain.has(name);
      if (stranger || confinedHere.some((rule) => isOf(specifier, rule.dependency))) {
        problems.push({
          where: [...path, file].join(' → '),
          message: `the main entry of ${project.manifest.name} reaches ${specifier}`,
        });
      }
    }
  }
  return problems;
}
