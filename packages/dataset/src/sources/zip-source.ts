import { readZip } from '@q/ir';
import { missingFile } from './memory-source.ts';
import type { DatasetSource } from './source.ts';

/**
 * The files of a zip archive, inflated when they are read. Folders and the resource forks that macOS adds (`__MACOSX/`)
 * are left out.
 *
 * @throws QError `zip.*` for an archive that cannot be read
 */
export function zipSource(archive: Uint8Array, where = 'archive'): DatasetSource {
  const entries = new Map(
    readZip(archive, where)
      .filter(({ name }) => !name.endsWith('/') && !name.startsWith('__MACOSX/'))
      .map((entry) => [entry.name, entry] as const),
  );
  return {
    async list() {
      return [...entries.keys()];
    },
    async read(path) {
      const entry = entries.get(path);
      if (entry === undefined) throw missingFile(path);
      return entry.read();
    },
  };
}
