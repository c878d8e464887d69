import type { XquantConfig } from '../config/settings.ts';

/** Where results go: a folder, and the stem of the files in it. */
export interface OutputNames {
  /** Undefined: `./temp`, as nothing says more. */
  readonly folder: string | undefined;
  readonly prefix: string;
}

/** What decides the names besides the configuration. */
export interface NameSources {
  /** Path of the model as given on the command line or to the API; it wins over `onnx_model`. */
  readonly modelPath?: string;
  /** `-o`. */
  readonly outputPath?: string;
  readonly outputIsFolder?: boolean;
}

/**
 * Names of the written files (spacemit.md 2.2, 3.2). A given model path names the files after itself; as that would
 * overwrite a model in its own folder, the stem gets `.q` there, which the original forgets.
 */
export function outputNames(config: XquantConfig, sources: NameSources): OutputNames {
  const { modelPath, outputPath, outputIsFolder = false } = sources;
  const { onnxModel, outputPrefix, workingDir } = config.model;
  const model = modelPath ?? onnxModel;
  const stem = model === undefined ? 'xquant' : stemOf(model);
  const configured = modelPath === undefined ? (outputPrefix ?? `${stem}.q`) : stem;
  let folder = workingDir ?? (model === undefined ? undefined : folderOf(model));
  let prefix = configured;
  if (outputPath !== undefined) {
    const isFile = outputPath.endsWith('.onnx') && !outputIsFolder;
    folder = isFile ? folderOf(outputPath) : outputPath;
    if (isFile) prefix = stemOf(outputPath);
  }
  const isOverwriting = model !== undefined && prefix === stem && same(folder, folderOf(model));
  return { folder, prefix: isOverwriting ? `${stem}.q` : prefix };
}

const same = (a: string | undefined, b: string) => (a ?? '').replace(/\/+$/, '') === b.replace(/\/+$/, '');

function stemOf(path: string): string {
  return path
    .split(/[\\/]/)
    .at(-1)!
    .replace(/\.onnx$/, '');
}

function folderOf(path: string): string {
  const folder = path.split(/[\\/]/).slice(0, -1).join('/');
  return folder === '' ? (path.startsWith('/') ? '/' : '.') : folder;
}
