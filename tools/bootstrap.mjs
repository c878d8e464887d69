// Installs and builds with nothing but Node and npm: pnpm comes through npx, pinned to the version in package.json.
// usage: node tools/bootstrap.mjs [--only PACKAGE]   (PACKAGE: a workspace package, without the @q/ prefix)
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const onlyIndex = process.argv.indexOf('--only');
// turbo looks for pnpm on the PATH, which `node tools/bootstrap.mjs` alone does not extend.
const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`;
const only = onlyIndex > 0 ? process.argv[onlyIndex + 1] : undefined;

/** @param {string} title @param {string} command @param {string[]} args */
function run(title, command, args) {
  console.log(`[q] ${title}`);
  const started = performance.now();
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: path, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
    shell: process.platform === 'win32',
  });
  if (error || status !== 0) {
    console.error(`[q] ${title}: failed${error ? ` (${error.message})` : ` with exit code ${status}`}`);
    process.exit(status || 1);
  }
  console.log(`[q] ${title}: done in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

// A first `--only` install leaves out the heavy private tools; a later full install adds them.
const filter = only ? ['--filter', 'q-workspace', '--filter', `@q/${only}...`] : [];
const localPnpm = join(root, 'node_modules', '.bin', 'pnpm');
const install = ['install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only', ...filter];
// Without a terminal pnpm refuses to replace a modules folder that another version laid out.
install.push('--config.confirmModulesPurge=false');
if (existsSync(localPnpm)) run('install', localPnpm, install);
else run(`install with ${packageManager}`, 'npx', ['--yes', packageManager, ...install]);

const target = only ? [`--filter=@q/${only}`] : ['--filter=./packages/*'];
run('build', join(root, 'node_modules', '.bin', 'turbo'), ['run', 'build', '--output-logs=errors-only', ...target]);
