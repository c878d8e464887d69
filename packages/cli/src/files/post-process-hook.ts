import { existsSync } from 'node:fs';
import { QError } from '@q/ir';
import type { PostProcess } from '@q/search';
import { importModule } from './import-module.ts';
import { kindOfPath } from './input-files.ts';

/**
 * The function of `--post_process FILE`: an ES module that exports `PostProcess`. For `x.py` its port `x.mjs` is taken, which
 * lies beside it.
 *
 * @throws QError `cli.hook`, `cli.missing-file`
 */
export async function loadPostProcess(file: string): Promise<{ process: PostProcess; where: string }> {
  const path = file.endsWith('.py') ? portOf(file) : file;
  kindOfPath(path, '--post_process');
  const module = await importModule(path);
  const process = module.PostProcess ?? module.default;
  if (typeof process === 'function') return { process: process as PostProcess, where: path };
  throw new QError(`${path} exports no function PostProcess`, {
    code: 'cli.hook',
    where: path,
    found: Object.keys(module).join(', ') || 'nothing',
    expected: 'export function PostProcess(outputs) { return outputs; }',
  });
}

function portOf(file: string): string {
  const port = `${file.slice(0, -'.py'.length)}.mjs`;
  if (existsSync(port)) return port;
  throw new QError(`--post_process ${file} is Python, which is not run here, and there is no ${port} beside it`, {
    code: 'cli.hook',
    where: file,
    expected: `${port} with: export function PostProcess(outputs) { return outputs; }`,
    hint:
      'outputs is { name: { data: Float32Array, shape } } where Python has { name: array }; ' +
      'return an object of the same kind with what is to be compared',
  });
}
