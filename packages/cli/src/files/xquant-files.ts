import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DataSources, PreprocessHook } from '@q/backend-spacemit/xquant';
import { QError } from '@q/ir';
import { readInputFile, readInputText } from './input-files.ts';

/** Calibration data of an XQuant configuration as files: lines of a list start from the list's folder (spacemit.md 4.1). */
export const fileSources: DataSources = {
  async readList(path) {
    return isFile(path) ? readInputText(path, 'data_list_path') : undefined;
  },
  async read(path, listPath) {
    return readInputFile(besides(path, listPath), listPath);
  },
  resolve: besides,
  async loadHook(file, name) {
    const path = resolve(file);
    if (!isFile(path)) throw hookError(file, 'no such file', 'an ES module');
    const module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
    const hook = module[name];
    if (typeof hook !== 'function') throw hookError(file, `no function ${name}`, Object.keys(module).join(', '));
    return hook as PreprocessHook;
  },
};

function besides(path: string, listPath: string): string {
  return isAbsolute(path) ? path : join(dirname(listPath), path);
}

export function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

export function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/** Where a model keeps large tensors: files of its own folder. */
export function externalDataOf(modelPath: string): (location: string) => Uint8Array {
  const folder = realpathSync(dirname(resolve(modelPath)));
  return (location) => {
    const file = resolve(folder, location);
    if (file.startsWith(folder + sep)) return readInputFile(file, 'onnx_model');
    throw new QError(`${modelPath} wants its data from ${location}, outside its own folder`, {
      code: 'onnx.external-data-outside',
      where: modelPath,
      found: location,
      expected: 'a path inside the folder of the model',
    });
  };
}

function hookError(where: string, found: string, expected: string): QError {
  return new QError(`preprocess_file ${where} cannot be used: ${found}.`, {
    code: 'xquant.data.hook',
    where,
    found,
    expected,
  });
}
