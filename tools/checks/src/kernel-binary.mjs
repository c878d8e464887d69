import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { lastLines, runCommand } from './run-command.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */

/** Ways for AssemblyScript to ask its host for something. */
const hostCalls = /\bJSMath\b|@external\b|^\s*(?:export\s+)?declare\s+(?:function|const|let)\b/;

/**
 * The checks of the AssemblyScript sources, which the TypeScript linter leaves out: they compile without a warning, the
 * module asks its host for nothing (so no engine's Math can change a digit), the default binary holds no relaxed SIMD,
 * and every source file is part of it.
 * @param {string} dir folder with `asconfig.json` and `assembly/`
 * @param {string} asc path of the compiler
 * @returns {Promise<Problem[]>}
 */
export async function checkKernelBinary(dir, asc = join(dir, 'node_modules', '.bin', 'asc')) {
  const problems = [...sources(dir), ...unreached(dir)];
  const out = mkdtempSync(join(tmpdir(), 'q-asc-'));
  try {
    const wasm = join(out, 'kernels.wasm');
    const wat = join(out, 'kernels.wat');
    const args = ['--config', 'asconfig.json', '--target', 'release', '--outFile', wasm, '--textFile', wat];
    const { status, output } = await runCommand(asc, args, { cwd: dir });
    if (status !== 0) return [...problems, { where: 'assembly', message: 'does not compile', hint: lastLines(output) }];
    if (/\bWARNING\b/.test(output))
      problems.push({ where: 'assembly', message: 'compiles with warnings', hint: lastLines(output) });
    const relaxed = /\b[a-z0-9]+\.relaxed_\w+/.exec(readFileSync(wat, 'utf8'))?.[0];
    if (relaxed) {
      return [
        ...problems,
        { where: 'kernels.wasm', message: `holds ${relaxed}, whose result differs between machines` },
      ];
    }
    const module = new WebAssembly.Module(readFileSync(wasm));
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      problems.push({
        where: 'kernels.wasm',
        message: `imports the ${kind} ${from}.${name}; the module must import nothing`,
      });
    }
    return problems;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** @param {string} dir */
function assemblyFiles(dir) {
  return readdirSync(join(dir, 'assembly'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => `assembly/${file}`)
    .sort();
}

/** @param {string} dir @returns {Problem[]} */
function sources(dir) {
  return assemblyFiles(dir).flatMap((file) =>
    readFileSync(join(dir, file), 'utf8')
      .split('\n')
      .flatMap((line, index) => {
        const found = hostCalls.exec(line)?.[0].trim();
        return found ? [{ where: `${file}:${index + 1}`, message: `asks the host for something (${found})` }] : [];
      }),
  );
}

/** @param {string} dir @returns {Problem[]} */
function unreached(dir) {
  const files = assemblyFiles(dir);
  const reached = new Set(['assembly/index.ts']);
  for (const file of reached) {
    const text = readFileSync(join(dir, file), 'utf8');
    for (const [, specifier] of text.matchAll(/\bfrom\s+["'](\.[^"']*)["']/g)) {
      const base = join(dirname(file), specifier ?? '')
        .replaceAll('\\', '/')
        .replace(/\.ts$/, '');
      const target = [`${base}.ts`, `${base}/index.ts`].find((candidate) => files.includes(candidate));
      if (target) reached.add(target);
    }
  }
  return files
    .filter((file) => !reached.has(file))
    .map((file) => ({ where: file, message: 'is not reached from assembly/index.ts' }));
}
