import { QError } from '@q/ir';
import type { UserMetric } from '@q/search';
import { importModule } from './import-module.ts';
import { kindOfPath } from './input-files.ts';

/**
 * The functions of `--metric FILE`: an ES module that exports `metric(float, quantized, image)`, and `summarize(answers)` if the
 * measure is one of the whole data set.
 *
 * @throws QError `cli.hook`, `cli.missing-file`
 */
export async function loadMetric(path: string): Promise<UserMetric> {
  kindOfPath(path, '--metric');
  const module = await importModule(path);
  const { metric = module.default, summarize } = module;
  if (typeof metric === 'function' && (summarize === undefined || typeof summarize === 'function')) {
    return { metric, ...(summarize && { summarize }) } as UserMetric;
  }
  throw new QError(
    typeof metric === 'function'
      ? `${path} exports summarize, which is no function`
      : `${path} exports no function metric`,
    {
      code: 'cli.hook',
      where: path,
      found: Object.keys(module).join(', ') || 'nothing',
      expected: 'export function metric(float, quantized, image) { return 1; } // larger is better',
      hint: 'float and quantized are { name: { data: Float32Array, shape } }, image is { index, files }',
    },
  );
}
