import { basename } from 'node:path';
import { loadKernels } from '../../packages/kernels-wasm/dist/index.js';
import { runCase } from './run-case.mjs';

/** Runs every case folder, all in one kernel instance. */
export async function runDirectory(folders) {
  const environment = { kernels: await loadKernels() };
  const results = { passed: [], failed: [], outOfScope: [] };
  for (const folder of folders) {
    const { outcome, reason } = await runCase(folder, environment);
    results[outcome].push({ name: basename(folder), reason });
  }
  return results;
}
