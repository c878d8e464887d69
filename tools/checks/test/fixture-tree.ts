import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Files by path; objects are written as JSON. */
export type Tree = Readonly<Record<string, string | object>>;

/** Writes the tree into a temporary folder that goes away with the test. */
export function plant(tree: Tree): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'q-planted-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(tree)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }
  return root;
}

/** The same, known to git, for checks that ask which files are tracked. */
export function plantTracked(tree: Tree): string {
  const root = plant(tree);
  execFileSync('git', ['init', '--quiet'], { cwd: root });
  return root;
}

export interface PackageOptions {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly references?: readonly string[];
  readonly manifest?: object;
}

/** Two files that make a well-formed package; tests spoil one thing. */
export function packageFiles(folder: string, options: PackageOptions = {}): Tree {
  const { dependencies = {}, devDependencies = {}, exports = {}, manifest = {} } = options;
  const internal = (names: readonly string[], up: string): { path: string }[] =>
    names.filter((name) => name.startsWith('@q/')).map((name) => ({ path: `${up}${name.slice(3)}` }));
  const references = options.references ?? Object.keys(dependencies);
  const testReferences = Object.keys({ ...dependencies, ...devDependencies });
  return {
    [`packages/${folder}/package.json`]: {
      name: `@q/${folder}`,
      version: '0.0.0',
      description: 'A planted package',
      license: 'Apache-2.0',
      type: 'module',
      sideEffects: false,
      engines: { node: '>=20.19' },
      files: ['dist', 'src'],
      exports: {
        '.': { '@q/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
        ...exports,
        './package.json': './package.json',
      },
      scripts: { build: 'tsc -b', test: 'vitest run', typecheck: 'tsc -p test' },
      dependencies,
      devDependencies,
      ...manifest,
    },
    [`packages/${folder}/tsconfig.json`]: { references: internal(references, '../') },
    [`packages/${folder}/test/tsconfig.json`]: { references: [{ path: '..' }, ...internal(testReferences, '../../')] },
    [`packages/${folder}/README.md`]: `# @q/${folder}\n`,
    [`packages/${folder}/src/index.ts`]: 'export const one = 1;\n',
  };
}

/** Links workspace packages into the root's node_modules, as an install would. */
export function link(root: string, ...folders: string[]): void {
  mkdirSync(join(root, 'node_modules', '@q'), { recursive: true });
  for (const folder of folders) symlinkSync(join(root, 'packages', folder), join(root, 'node_modules', '@q', folder));
}
