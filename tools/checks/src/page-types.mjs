import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { nodeOnlyPackages } from './package-graph-table.mjs';
import { readProjects } from './workspace.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */

/**
 * Type-checks every package's entries as a page's bundler resolves them: browser halves, no Node types. `Buffer`,
 * `process` and the like, which a Node half brings into sight in a normal build, are errors here.
 * @param {string} root
 * @param {readonly string[]} [nodeOnly]
 * @returns {Problem[]}
 */
export function checkPageTypes(root, nodeOnly = nodeOnlyPackages) {
  const entries = readProjects(root)
    .filter(({ folder }) => !nodeOnly.includes(folder))
    .flatMap(({ dir, manifest }) =>
      Object.values(manifest.exports ?? {}).flatMap((target) => {
        const source =
          typeof target === 'object' && target !== null && '@q/source' in target ? target['@q/source'] : undefined;
        return typeof source === 'string' ? [join(root, dir, source)] : [];
      }),
    )
    .filter((file) => existsSync(file));
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile);
  // What belongs to emitting goes: this program only reads.
  const { tsBuildInfoFile: _, ...options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root).options;
  const program = ts.createProgram({
    rootNames: entries,
    options: {
      ...options,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      customConditions: ['@q/source', 'browser'],
      types: [],
      noEmit: true,
      composite: false,
      declaration: false,
      declarationMap: false,
    },
  });
  const nodeTypes = program.getSourceFiles().find(({ fileName }) => fileName.includes('/@types/node/'));
  const diagnostics = program.getSemanticDiagnostics().concat(program.getOptionsDiagnostics());
  return [
    ...(nodeTypes
      ? [{ where: 'packages', message: 'a page entry pulls in the types of Node', hint: nodeTypesReason(program) }]
      : []),
    ...diagnostics.map((diagnostic) => ({
      where: diagnostic.file ? place(root, diagnostic.file, diagnostic.start ?? 0) : 'tsconfig',
      message: ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'),
    })),
  ];
}

/** @param {string} root @param {ts.SourceFile} file @param {number} start */
function place(root, file, start) {
  return `${relative(root, file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1}`;
}

/** The own files that ask for them by name. @param {ts.Program} program */
function nodeTypesReason(program) {
  return program
    .getSourceFiles()
    .filter((file) => !file.fileName.includes('node_modules'))
    .filter((file) => file.typeReferenceDirectives.some(({ fileName }) => fileName === 'node'))
    .map(({ fileName }) => fileName)
    .join('\n');
}
