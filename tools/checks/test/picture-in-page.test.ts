import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../src/browser.mjs';
import { Pages } from '../src/page-run.mjs';

const kernels = fileURLToPath(new URL('../../../packages/kernels-wasm/', import.meta.url));

/** Waiting for a page that takes a while is itself an evaluation of a string; what is held here are pictures. */
const policy = "default-src 'self'; script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval'";

const chromium = findChromium();
if (chromium === undefined)
  console.warn('SKIPPED: no Chromium on the PATH (or Q_CHROMIUM): the example page of the kernels is not opened');

/** Opens the example, then looks at what it drew: the picture as it is, and its edges. */
const page = `
import './main.mjs';
import { convolve } from './convolve.mjs';
const canvases = [...document.querySelectorAll('canvas')];
const pixels = canvases.map((canvas) => [...canvas.getContext('2d').getImageData(0, 0, 256, 256).data]);
const different = new Set(pixels.map((data) => data.join())).size;
const spot = { width: 3, height: 3, data: new Uint8ClampedArray(36) };
spot.data[4 * 4 + 1] = 90;
const green = [...convolve(spot, [1, 0, 0, 0, 2, 0, 0, 0, 0.5])].filter((_, i) => i % 4 === 1);
document.body.textContent = JSON.stringify({ canvases: canvases.length, different, green });
document.title = 'ok';
`;

test.skipIf(chromium === undefined)('the example page convolves pictures', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'q-picture-page-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const bundle = join(folder, 'main.js');
  await build({
    stdin: { contents: page, resolveDir: join(kernels, 'examples/picture-page') },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    conditions: ['@q/source', 'browser'],
    alias: { '@q/kernels-wasm': join(kernels, 'src/index.ts') },
    outfile: bundle,
    logLevel: 'silent',
  });
  const pages = new Pages(chromium!);
  onTestFinished(() => pages.dispose());
  const { verdict, text } = await pages.run(bundle, join(kernels, 'wasm'), policy);
  expect(verdict, text.slice(0, 600)).toBe('ok');
  // A cross-correlation spreads a spot mirrored: the top left tap lands at the bottom right.
  expect(JSON.parse(text)).toEqual({ canvases: 4, different: 4, green: [45, 0, 0, 0, 180, 0, 0, 0, 90] });
});
