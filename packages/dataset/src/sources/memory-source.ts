import { QError } from '@q/ir';
import type { DatasetSource } from './source.ts';

/** Files that are already in memory. */
export function memorySource(files: ReadonlyMap<string, Uint8Array>): DatasetSource {
  return {
    async list() {
      return [...files.keys()];
    },
    async read(path) {
      const bytes = files.get(path);
      if (bytes === undefined) throw missingFile(path);
      return bytes;
    },
  };
}

/** A path that the source does not have. */
export function missingFile(path: string): QError {
  return new QError(`There is no sample file ${path}.`, { code: 'dataset.file-missing', where: path });
}
