import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../src/browser.mjs';
import { Pages } from '../src/page-run.mjs';
import { kernelHashes } from './kernel-hashes.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Waiting for a page that takes a while is itself an evaluation of a string; what is held here are numbers. */
const policy = "default-src 'self'; script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval'";

const chromium = findChromium();
if (chromium === undefined)
  console.warn('SKIPPED: no Chromium on the PATH (or Q_CHROMIUM): kernels are not run in a page');

const page = `
import { kernelHashes } from './kernel-hashes.ts';
const report = (verdict, text) => { document.body.textContent = text; document.title = verdict; };
kernelHashes().then(
  (text) => report('ok', text),
  (error) => report('failed', String(error?.stack ?? error)),
);
`;

test.skipIf(chromium === undefined)('every kernel leaves the same bytes in a page as in Node', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'q-kernels-page-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const bundle = join(folder, 'main.js');
  await build({
    stdin: { contents: page, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    conditions: ['@q/source', 'browser'],
    outfile: bundle,
    logLevel: 'silent',
  });
  const pages = new Pages(chromium!);
  onTestFinished(() => pages.dispose());
  const { verdict, text } = await pages.run(bundle, join(root, 'packages/kernels-wasm/wasm'), policy);
  expect(verdict, text.slice(0, 600)).toBe('ok');
  expect(text.split('\n')).toEqual((await kernelHashes()).split('\n'));
});
