import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { declarationText } from './declaration-text.mjs';
import { lineDiff } from './line-diff.mjs';
import { readProjects } from './workspace.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */
/** @typedef {import('./workspace.mjs').Project} Project */

const folder = 'api';
const howToUpdate = 'if the change is meant: npm run api, and a changeset';

/**
 * The public API of every package, written down in `api/`, so that a change of it shows in review.
 * @param {string} root
 * @param {{ update?: boolean }} [options]
 * @returns {Problem[]}
 */
export function checkApiReports(root, { update = false } = {}) {
  const projects = readProjects(root);
  const names = new Set(projects.map((project) => `${project.folder}.api.md`));
  const strays = existsSync(join(root, folder))
    ? readdirSync(join(root, folder)).filter((name) => !names.has(name))
    : [];
  if (update) for (const name of strays) rmSync(join(root, folder, name));
  const program = createProgram(root, projects);
  return [
    ...(update
      ? []
      : strays.map((name) => ({ where: `${folder}/${name}`, message: 'reports no package', hint: howToUpdate }))),
    ...projects.flatMap((project) => compare(root, project, program, update)),
  ];
}

/** One program over all entries: packages name each other's types. @param {string} root @param {Project[]} projects */
function createProgram(root, projects) {
  const files = projects.flatMap(typedEntries).map(({ file }) => join(root, file));
  return ts.createProgram({
    rootNames: files.filter((file) => existsSync(file)),
    options: {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      noEmit: true,
      types: [],
    },
  });
}

/** @param {string} root @param {Project} project @param {ts.Program} program @param {boolean} update @returns {Problem[]} */
function compare(root, project, program, update) {
  const where = `${folder}/${project.folder}.api.md`;
  const unbuilt = typedEntries(project).filter(({ file }) => !existsSync(join(root, file)));
  if (unbuilt.length > 0)
    return unbuilt.map(({ file }) => ({ where: file, message: 'is not built', hint: 'npm run build' }));
  const text = apiReport(root, project, program);
  const file = join(root, where);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (before === text) return [];
  if (update) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return [];
  }
  return [{ where, message: 'the public API has changed', hint: `${lineDiff(before, text)}\n${howToUpdate}` }];
}

/**
 * Entries with types: name as users import it, and the declaration file.
 * @param {Project} project
 */
function typedEntries({ dir, manifest }) {
  return Object.entries(manifest.exports ?? {}).flatMap(([entry, target]) => {
    const types = typeof target === 'object' && target !== null && 'types' in target ? target.types : undefined;
    return typeof types === 'string' ? [{ name: manifest.name + entry.slice(1), file: join(dir, types) }] : [];
  });
}

/** @param {string} root @param {Project} project @param {ts.Program} program */
function apiReport(root, project, program) {
  const entries = typedEntries(project);
  const checker = program.getTypeChecker();
  const exported = entries.map(({ file }) => exportsOf(program, checker, join(root, file)));
  const importable = new Set(exported.flat().map(({ target }) => target));
  const dir = join(root, project.dir);
  const sections = entries.map(({ name }, index) =>
    entrySection(checker, name, exported[index] ?? [], importable, dir),
  );
  const header = `# Public API of ${project.manifest.name}\n\nWritten by \`npm run api\` from the built declarations; not edited by hand.\n`;
  return `${header}\n${sections.join('\n')}`;
}

/**
 * @typedef {{ name: string, target: ts.Symbol }} Exported
 * @param {ts.Program} program
 * @param {ts.TypeChecker} checker
 * @param {string} file
 * @returns {Exported[]} by name
 */
function exportsOf(program, checker, file) {
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  const exported = module ? checker.getExportsOfModule(module) : [];
  const named = exported.map((symbol) => ({ name: symbol.getName(), target: resolveAlias(checker, symbol) }));
  return named.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * @param {ts.TypeChecker} checker
 * @param {string} entry
 * @param {readonly Exported[]} exported
 * @param {ReadonlySet<ts.Symbol>} importable from any entry of the package
 * @param {string} dir absolute folder of the package
 */
function entrySection(checker, entry, exported, importable, dir) {
  const lines = exported.flatMap(({ name, target }) => symbolLines(name, target, dir));
  const section = [`## ${entry}`, '', '```ts', ...lines, '```', ''];
  const unnamed = mentioned(checker, exported, importable, dir);
  if (unnamed.length === 0) return section.join('\n');
  const rest = unnamed.flatMap((symbol) => symbolLines(symbol.getName(), symbol, dir));
  return [...section, `### Named by ${entry}, exported nowhere`, '', '```ts', ...rest, '```', ''].join('\n');
}

/** @param {ts.TypeChecker} checker @param {ts.Symbol} symbol */
function resolveAlias(checker, symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** @param {string} name @param {ts.Symbol} symbol @param {string} dir */
function symbolLines(name, symbol, dir) {
  const declarations = symbol.getDeclarations() ?? [];
  const outside = declarations.find((declaration) => isOutside(declaration, dir));
  if (outside) return [`${name}: from ${packageOf(outside)}`];
  const renamed = name === symbol.getName() ? [] : [`// ${symbol.getName()}, exported as ${name}`];
  return [...renamed, ...declarations.map(declarationText)];
}

/** @param {ts.Declaration} declaration @param {string} dir */
function isOutside(declaration, dir) {
  const file = relative(dir, declaration.getSourceFile().fileName);
  return file.startsWith('..') || file.includes('node_modules');
}

/** @param {ts.Declaration} declaration */
function packageOf(declaration) {
  const file = declaration.getSourceFile().fileName;
  const third = file.split('node_modules/').at(-1) ?? file;
  const ours = /\/packages\/([^/]+)\//.exec(file)?.[1];
  return ours ? `@q/${ours}` : third.split('/', third.startsWith('@') ? 2 : 1).join('/');
}

/**
 * Types of this package that the exported declarations name but that users cannot import.
 * @param {ts.TypeChecker} checker
 * @param {readonly Exported[]} exported
 * @param {ReadonlySet<ts.Symbol>} importable
 * @param {string} dir
 */
function mentioned(checker, exported, importable, dir) {
  /** @type {Set<ts.Symbol>} */
  const found = new Set();
  const queue = exported.map(({ target }) => target);
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isIdentifier(node)) {
      const symbol = checker.getSymbolAtLocation(node);
      const target = symbol && resolveAlias(checker, symbol);
      if (target && isOwnType(target, dir) && !importable.has(target) && !found.has(target)) {
        found.add(target);
        queue.push(target);
      }
    }
    ts.forEachChild(node, visit);
  };
  for (const symbol of queue) {
    for (const declaration of symbol.getDeclarations() ?? []) if (!isOutside(declaration, dir)) visit(declaration);
  }
  return [...found].sort((a, b) => (a.getName() < b.getName() ? -1 : 1));
}

/** @param {ts.Symbol} symbol @param {string} dir */
function isOwnType(symbol, dir) {
  const kinds = ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias | ts.SymbolFlags.Class | ts.SymbolFlags.Enum;
  const declaration = symbol.getDeclarations()?.[0];
  return (symbol.flags & kinds) !== 0 && declaration !== undefined && !isOutside(declaration, dir);
}
