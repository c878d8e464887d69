import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../src/browser.mjs';
import { Pages } from '../src/page-run.mjs';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

const kernels = join(root, 'packages/kernels-wasm/wasm');
/** The kernels in all their builds, as a page asks for them. */
export const kernelBinaries: readonly string[] = readdirSync(kernels)
  .filter((name) => name.endsWith('.wasm'))
  .map((name) => join(kernels, name));

/** Waiting for a page that takes a while is itself an evaluation of a string: for pages that are held to numbers only. */
export const waitingPolicy = "default-src 'self'; script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval'";

const chromium = findChromium();

/** `test`, skipped loudly where there is no browser; `untried` says what then goes untried. */
export function testInPage(untried: string) {
  if (chromium === undefined) console.warn(`SKIPPED: no Chromium on the PATH (or Q_CHROMIUM): ${untried}`);
  return test.skipIf(chromium === undefined);
}

export interface PageScript {
  /** Import statements; `.onnx`, `.zip` and files without an ending give their bytes. */
  readonly imports: string;
  /** Body of an async function that answers a text. */
  readonly body: string;
  /** Binaries that the script fetches by name. */
  readonly binaries: readonly string[];
  /** Content-security policy; a strict one when absent. */
  readonly policy?: string;
  /** Folder that the imports are relative to; this one when absent. */
  readonly folder?: string;
  readonly alias?: Readonly<Record<string, string>>;
}

/** Bundles a script for browsers, runs it in a page and answers its text; a failure in the page fails the test. */
export async function textOfPage(script: PageScript): Promise<string> {
  const served = mkdtempSync(join(tmpdir(), 'q-page-'));
  onTestFinished(() => rmSync(served, { recursive: true, force: true }));
  for (const path of script.binaries) copyFileSync(path, join(served, basename(path)));
  const bundle = join(served, 'main.js');
  await build({
    stdin: { contents: moduleOf(script), resolveDir: script.folder ?? fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    conditions: ['@q/source', 'browser'],
    loader: { '.onnx': 'binary', '.zip': 'binary', '': 'binary' },
    ...(script.alias === undefined ? {} : { alias: script.alias }),
    outfile: bundle,
    logLevel: 'silent',
  });
  const pages = new Pages(chromium!);
  onTestFinished(() => pages.dispose());
  const { verdict, text } = await pages.run(bundle, served, script.policy);
  expect(verdict, text.slice(0, 600)).toBe('ok');
  return text;
}

function moduleOf({ imports, body }: PageScript): string {
  return `${imports}
const report = (verdict, text) => { document.body.textContent = text; document.title = verdict; };
(async () => { ${body} })().then(
  (text) => report('ok', text),
  (error) => report('failed', String(error?.stack ?? error)),
);`;
}
