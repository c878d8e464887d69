import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { quietFlags } from './browser.mjs';

/** A strict page: scripts of its own origin, WebAssembly, and neither `eval` nor `Function`. */
export const strictPolicy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:";

const page =
  '<!doctype html><meta charset="utf-8"><title>waiting</title><script type="module" src="/main.js"></script>';

/** @typedef {{ verdict: 'ok' | 'failed', text: string }} Outcome what the page wrote about itself */

/**
 * Runs bundles in pages of one browser. A bundle is served as `/main.js`; binaries that it asks for by URL are looked up
 * by name in the project's node_modules, as a bundler's asset step would do.
 */
export class Pages {
  /** @type {Promise<import('playwright-core').Browser>} */
  #browser;

  /** @param {string} executablePath */
  constructor(executablePath) {
    this.#browser = chromium.launch({ executablePath, headless: true, args: quietFlags });
  }

  /**
   * @param {string} bundle file that calls `report(verdict, text)` once
   * @param {string} modules the project's node_modules
   * @param {string} [policy] content-security policy of the page
   * @returns {Promise<Outcome>}
   */
  async run(bundle, modules, policy = strictPolicy) {
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://page').pathname;
      response.setHeader('content-security-policy', policy);
      const asset = answer(path, bundle, modules);
      response.writeHead(asset ? 200 : 404, { 'content-type': asset?.type ?? 'text/plain' }).end(asset?.body ?? '');
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const tab = await (await this.#browser).newPage();
    try {
      /** @type {string[]} */
      const errors = [];
      tab.on('pageerror', (error) => errors.push(error.message));
      tab.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      await tab.goto(`http://127.0.0.1:${port}/`);
      // The title is asked for from outside: a policy without eval may refuse a condition that is given as text.
      const end = Date.now() + 60_000;
      while ((await tab.title()) === 'waiting' && Date.now() < end) await setTimeout(50);
      if (Date.now() >= end) errors.push('the page did not finish in 60 s');
      const text = (await tab.evaluate('document.body.textContent')) || errors.join('; ');
      return { verdict: (await tab.title()) === 'ok' ? 'ok' : 'failed', text: String(text) };
    } finally {
      await tab.close();
      server.close();
    }
  }

  async dispose() {
    await (await this.#browser).close();
  }
}

/**
 * @param {string} path
 * @param {string} bundle
 * @param {string} modules
 * @returns {{ type: string, body: string | Buffer } | undefined}
 */
function answer(path, bundle, modules) {
  if (path === '/') return { type: 'text/html', body: page };
  if (path === '/main.js') return { type: 'text/javascript', body: readFileSync(bundle) };
  if (!path.endsWith('.wasm')) return undefined;
  const files = readdirSync(modules, { recursive: true, encoding: 'utf8' });
  const file = files.find((candidate) => basename(candidate) === basename(path));
  return file === undefined ? undefined : { type: 'application/wasm', body: readFileSync(join(modules, file)) };
}
