import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { lastLines, runCommand } from './run-command.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */

/** Ways for AssemblyScript to ask its host for something. */
const hostCalls = /\bJSMath\b|@external\b|^\s*(?:export\s+)?declare\s+(?:function|const|let)\b/;

/** Largest size of a binary, as it is and not compressed. */
const LARGEST_BYTES = 192_000;

/** What the fast binary may hold of relaxed SIMD: one rounding instead of two, and no integer dot product. */
const fused = 'f32x4.relaxed_madd';

/**
 * The checks of the AssemblyScript sources, which the TypeScript linter leaves out: they compile without a warning, the
 * module asks its host for nothing (so no engine's Math can change a digit), the default binary holds no relaxed SIMD and the
 * fast one only fused multiply-adds, neither outgrows its budget, every source file is part of them, and every export has
 * its place in ABI.md.
 * @param {string} dir folder with `asconfig.json` and `assembly/`
 * @param {{ asc?: string, log?: (line: string) => void }} [options] path of the compiler; where sizes are reported
 * @returns {Promise<Problem[]>}
 */
export async function checkKernelBinary(dir, { asc = join(dir, 'node_modules', '.bin', 'asc'), log = () => {} } = {}) {
  const problems = [...sources(dir), ...unreached(dir)];
  const { targets } = JSON.parse(readFileSync(join(dir, 'asconfig.json'), 'utf8'));
  for (const target of ['release', 'fast'].filter((name) => name in targets))
    problems.push(...(await checkTarget(dir, { asc, log, target })));
  return problems;
}

/** @param {string} dir @param {{ asc: string, log: (line: string) => void, target: string }} options @returns {Promise<Problem[]>} */
async function checkTarget(dir, { asc, log, target }) {
  const name = target === 'fast' ? 'kernels-fast.wasm' : 'kernels.wasm';
  /** @type {Problem[]} */
  const problems = [];
  const out = mkdtempSync(join(tmpdir(), 'q-asc-'));
  try {
    const wasm = join(out, 'kernels.wasm');
    const wat = join(out, 'kernels.wat');
    const args = ['--config', 'asconfig.json', '--target', target, '--outFile', wasm, '--textFile', wat];
    const { status, output } = await runCommand(asc, args, { cwd: dir });
    if (status !== 0) return [{ where: 'assembly', message: 'does not compile', hint: lastLines(output) }];
    if (/\bWARNING\b/.test(output))
      problems.push({ where: 'assembly', message: 'compiles with warnings', hint: lastLines(output) });
    const relaxed = [...new Set(readFileSync(wat, 'utf8').match(/\b[a-z0-9]+\.relaxed_\w+/g))];
    const foreign = relaxed.find((instruction) => target !== 'fast' || instruction !== fused);
    if (foreign) {
      const message =
        target === 'fast'
          ? `holds ${foreign}; of relaxed SIMD only ${fused} is within its budget`
          : `holds ${foreign}, whose result differs between machines`;
      return [...problems, { where: name, message }];
    }
    const bytes = readFileSync(wasm);
    log(`${name}: ${bytes.length} bytes, ${brotliCompressSync(bytes).length} with brotli`);
    if (bytes.length > LARGEST_BYTES)
      problems.push({ where: name, message: `takes ${bytes.length} bytes, and ${LARGEST_BYTES} are its budget` });
    // Compiled here only by engines that can: Node 20 knows no relaxed SIMD.
    if (target === 'fast') return problems;
    const module = new WebAssembly.Module(bytes);
    for (const { module: from, name: imported, kind } of WebAssembly.Module.imports(module)) {
      problems.push({
        where: name,
        message: `imports the ${kind} ${from}.${imported}; the module must import nothing`,
      });
    }
    return [...problems, ...undocumented(dir, module)];
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/**
 * ABI.md has a row for each export and no row for anything else. The first cell of a row names exports in backquotes;
 * `_pack`, `_packed_bytes` and `_scratch_bytes` may belong to the row of what they prepare.
 * @param {string} dir @param {WebAssembly.Module} module @returns {Problem[]}
 */
function undocumented(dir, module) {
  const file = join(dir, 'ABI.md');
  if (!existsSync(file)) return [];
  const exported = WebAssembly.Module.exports(module).map(({ name }) => name);
  const documented = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => String(name)));
  return [
    ...exported
      .filter((name) => !/_(pack|packed_bytes|scratch_bytes)$/.test(name) && !documented.includes(name))
      .map((name) => ({ where: 'ABI.md', message: `says nothing of the export ${name}` })),
    ...documented
      .filter((name) => !exported.includes(name))
      .map((name) => ({ where: 'ABI.md', message: `describes ${name}, which the binary does not export` })),
  ];
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
