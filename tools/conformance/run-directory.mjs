import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runCase } from './run-case.mjs';

/** Case folders of a directory: those with a `model.onnx`. */
export function caseFolders(directory) {
  return readdirSync(directory)
    .sort()
    .map((name) => join(directory, name))
    .filter((folder) => existsSync(join(folder, 'model.onnx')));
}

/**
 * Runs every case. `environment`: `importOnnx`, `inspectOnnx`, `readTensorProto` of @q/ir/onnx, `createSession` of @q/runtime, and
 * `kernels`, the instance that all cases share.
 */
export async function runDirectory(directory, environment) {
  const results = { passed: [], failed: [], outOfScope: [] };
  for (const folder of caseFolders(directory)) {
    const { outcome, reason } = await runCase(folder, environment);
    results[outcome].push({ name: basename(folder), reason });
  }
  return results;
}
