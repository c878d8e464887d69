import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printMlir } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../src/browser.mjs';
import { Pages } from '../src/page-run.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const model = join(root, 'test-models/objects-cnn/objects-cnn.onnx');
/** Nothing but scripts of the page's own origin: no `eval`, no `Function`, no WebAssembly. */
const policy = "default-src 'none'; script-src 'self'";

const chromium = findChromium();
if (chromium === undefined)
  console.warn('SKIPPED: no Chromium on the PATH (or Q_CHROMIUM): import is not tried in a page');

/** What the page does: import the model, print it, and show the text; it also proves that the policy is in force. */
const page = `
import { printMlir } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import model from ${JSON.stringify(model)};
const report = (verdict, text) => { document.body.textContent = text; document.title = verdict; };
let evalWorks = true;
try { (0, eval)('1'); } catch { evalWorks = false; }
try {
  const { text } = printMlir(importOnnx(model, { name: 'objects_cnn' }), { weightFile: 'w.npz' });
  report(evalWorks ? 'failed' : 'ok', evalWorks ? 'the policy is not in force' : text);
} catch (error) { report('failed', String(error?.stack ?? error)); }
`;

test.skipIf(chromium === undefined)('an ONNX model imports in a page without eval as it does in Node', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'q-ir-page-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const bundle = join(folder, 'main.js');
  await build({
    stdin: { contents: page, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    conditions: ['@q/source', 'browser'],
    loader: { '.onnx': 'binary' },
    outfile: bundle,
    logLevel: 'silent',
  });
  const pages = new Pages(chromium!);
  onTestFinished(() => pages.dispose());
  const { verdict, text } = await pages.run(bundle, folder, policy);
  const expected = printMlir(importOnnx(readFileSync(model), { name: 'objects_cnn' }), { weightFile: 'w.npz' }).text;
  expect(verdict, text.slice(0, 400)).toBe('ok');
  expect(text).toBe(expected);
});
