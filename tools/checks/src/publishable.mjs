import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { findChromium } from './browser.mjs';
import { inParallel } from './in-parallel.mjs';
import { nodeOnlyPackages } from './package-graph-table.mjs';
import { Pages } from './page-run.mjs';
import { lastLines, runCommand } from './run-command.mjs';
import { readProjects, withDependencies } from './workspace.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */
/** @typedef {import('./workspace.mjs').Project} Project */

const probesHere = fileURLToPath(new URL('../probes', import.meta.url));

/**
 * @typedef {object} Options
 * @property {string} root
 * @property {import('./pack.mjs').Tarballs} tarballs
 * @property {(line: string) => void} log
 * @property {string} [probes] folder with one `<package>.mjs` per package: its default export calls the package and throws when the answer is wrong
 * @property {readonly string[]} [nodeOnly]
 */

/**
 * Publishable alone: each package's tarball, and those of the workspace packages it needs, installed with npm into an
 * empty project; imported and called in Node; bundled for a page, and called there when there is a browser.
 * @param {Options} options
 * @returns {Promise<Problem[]>}
 */
export async function checkPublishable(options) {
  const { root, log, nodeOnly = nodeOnlyPackages } = options;
  const projects = readProjects(root);
  const browser = findChromium();
  const pages = browser ? new Pages(browser) : undefined;
  if (!pages) log('SKIPPED: no Chromium: bundles are made, not run in a page');
  const base = mkdtempSync(join(tmpdir(), 'q-alone-'));
  try {
    const problems = await inParallel(projects, async (project) => {
      const dir = join(base, project.folder);
      const installed = await install(project, projects, dir, options);
      if (installed.length > 0) return installed;
      const inNode = await runInNode(project, dir, options);
      const inPage =
        nodeOnly.includes(project.folder) || !existsSync(probeIn(dir, project))
          ? []
          : await runInPage(project, dir, pages);
      log(`${project.manifest.name}: installed alone${inNode.length + inPage.length > 0 ? ', with problems' : ''}`);
      return [...inNode, ...inPage];
    });
    return problems.flat();
  } finally {
    await pages?.dispose();
    rmSync(base, { recursive: true, force: true });
  }
}

/** @param {Project} project @param {Project[]} projects @param {string} dir @param {Options} options @returns {Promise<Problem[]>} */
async function install(project, projects, dir, { tarballs }) {
  mkdirSync(dir, { recursive: true });
  const needed = withDependencies(project, projects);
  /** @type {Record<string, string>} */
  const dependencies = {};
  for (const member of needed) dependencies[member.manifest.name] = `file:${await tarballs.tarball(member)}`;
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
  const args = ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, output } = await runCommand('npm', args, { cwd: dir, env: plainEnvironment() });
  if (status !== 0) return [{ where: project.dir, message: 'its tarball does not install', hint: lastLines(output) }];
  /** @type {{ packages: Record<string, { resolved?: string }> }} */
  const lock = JSON.parse(readFileSync(join(dir, 'package-lock.json'), 'utf8'));
  return Object.entries(lock.packages)
    .filter(([path, { resolved = '' }]) => path.includes('node_modules/@q/') && !resolved.startsWith('file:'))
    .map(([path]) => ({ where: project.dir, message: `${path} came from elsewhere than this workspace` }));
}

/** @param {string} dir @param {Project} project */
function probeIn(dir, { folder }) {
  return join(dir, 'probes', `${folder}.mjs`);
}

/** A command started by npm sees that npm's settings for the workspace; the empty project must not. */
function plainEnvironment() {
  const inherited =
    /^npm_(?:package|lifecycle|command|execpath|node_execpath|config_local_prefix)|^(?:INIT_CWD|NODE_OPTIONS)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !inherited.test(name)));
}

/** @param {Project} project @param {string} dir @param {Options} options @returns {Promise<Problem[]>} */
async function runInNode(project, dir, { probes = probesHere }) {
  cpSync(probes, join(dir, 'probes'), { recursive: true });
  if (!existsSync(probeIn(dir, project)))
    return [{ where: project.dir, message: 'has no probe', hint: `add tools/checks/probes/${project.folder}.mjs` }];
  writeFileSync(join(dir, 'node-main.mjs'), `import probe from './probes/${project.folder}.mjs';\nawait probe();\n`);
  const { status, output } = await runCommand(process.execPath, ['node-main.mjs'], {
    cwd: dir,
    env: plainEnvironment(),
  });
  return status === 0
    ? []
    : [{ where: project.dir, message: 'fails in Node when installed alone', hint: lastLines(output) }];
}

/** @param {Project} project @param {string} dir @param {Pages | undefined} pages @returns {Promise<Problem[]>} */
async function runInPage(project, dir, pages) {
  const bundle = join(dir, 'page', 'main.js');
  const imports = codeEntries(project).map((name, index) => `import * as entry${index} from '${name}';`);
  const kept = imports.map((_, index) => `entry${index}`).join(', ');
  const contents = `import probe from './probes/${project.folder}.mjs';
${imports.join('\n')}
globalThis.entries = [${kept}];
const report = (verdict, text) => { document.body.textContent = text; document.title = verdict; };
probe().then(() => report('ok', ''), (error) => report('failed', String(error?.stack ?? error)));
`;
  try {
    await build({
      stdin: { contents, resolveDir: dir, sourcefile: 'page-main.mjs' },
      bundle: true,
      platform: 'browser',
      format: 'esm',
      target: 'es2022',
      outfile: bundle,
      logLevel: 'silent',
    });
  } catch (error) {
    return [{ where: project.dir, message: 'does not bundle for a page', hint: lastLines(String(error)) }];
  }
  const outcome = await pages?.run(bundle, join(dir, 'node_modules'));
  if (!outcome || outcome.verdict === 'ok') return [];
  return [{ where: project.dir, message: 'fails in a page', hint: lastLines(outcome.text) }];
}

/** Entries with code, as users write them. @param {Project} project */
function codeEntries({ manifest }) {
  return Object.entries(manifest.exports ?? {})
    .filter(([, target]) => typeof target === 'object')
    .map(([entry]) => manifest.name + entry.slice(1));
}
