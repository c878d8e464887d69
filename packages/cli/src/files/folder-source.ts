import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { DatasetSource } from '@q/dataset';
import { QError } from '@q/ir';

/** The files below a folder, by their path relative to it. */
export function folderSource(folder: string): DatasetSource {
  return {
    async list() {
      return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() || entry.isSymbolicLink())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
    },
    read: (path) => readSample(join(folder, path)),
  };
}

/** Files named by a data list: absolute, or relative to the working directory as TPU-MLIR takes them. */
export const listedFilesSource: DatasetSource = {
  async list() {
    return [];
  },
  read: readSample,
};

/** @throws QError `cli.missing-file` */
async function readSample(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new QError(
      `The sample ${path} cannot be read`,
      {
        code: 'cli.missing-file',
        where: path,
        found,
        expected: 'a file; paths of a list count from the working directory',
      },
      { cause },
    );
  }
}
