import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** The packages as the command line resolves them: built, or from sources under `--conditions=@q/source`. */
const fromCli = createRequire(new URL('../../packages/cli/package.json', import.meta.url));

const load = (name) => import(pathToFileURL(fromCli.resolve(name)).href);

export const [ir, onnx, runtime, calib, dataset, search, bm, cv, xquant] = await Promise.all(
  [
    '@q/ir',
    '@q/ir/onnx',
    '@q/runtime',
    '@q/calib',
    '@q/dataset',
    '@q/search',
    '@q/backend-bm1684x',
    '@q/backend-cv18xx',
    '@q/backend-spacemit/xquant',
  ].map(load),
);
