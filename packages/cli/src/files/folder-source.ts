import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { DatasetSource } from '@q/dataset';

/** The files below a folder, by their path relative to it. */
export function folderSource(folder: string): DatasetSource {
  return {
    async list() {
      return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() || entry.isSymbolicLink())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
    },
    read: (path) => readFile(join(folder, path)),
  };
}

/** Files named by a data list: absolute, or relative to the working directory as TPU-MLIR takes them. */
export const listedFilesSource: DatasetSource = {
  async list() {
    return [];
  },
  read: (path) => readFile(path),
};
