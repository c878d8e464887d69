import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetSource } from '@q/dataset';

/** The files below a folder, as the dataset package wants them: paths as printed from the folder that the user gave. */
export function folderSource(folder: string): DatasetSource {
  return {
    async list() {
      return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() || entry.isSymbolicLink())
        .map((entry) => join(entry.parentPath, entry.name));
    },
    read: (path) => readFile(path),
  };
}
