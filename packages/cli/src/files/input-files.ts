import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { largeBytes, nearest, QError } from '@q/ir';

/** The bytes of a file that the user named with `flag`; the error of a missing one names the nearest existing file. */
export function readInputFile(path: string, flag: string): Uint8Array {
  try {
    return readWhole(path);
  } catch (cause) {
    throw unreadable(path, flag, cause);
  }
}

/** Models are large: their bytes must not stay with the process when nothing refers to them any more. */
function readWhole(path: string): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    // A pipe does not know its size.
    if (size === 0) return readFileSync(file);
    const bytes = largeBytes(size);
    let end = 0;
    for (let read = 1; read > 0 && end < size; end += read) read = readSync(file, bytes, { offset: end });
    return bytes.subarray(0, end);
  } finally {
    closeSync(file);
  }
}

export function readInputText(path: string, flag: string): string {
  return new TextDecoder('utf-8').decode(readInputFile(path, flag));
}

export type PathKind = 'file' | 'folder';

/** What `path` is; a missing path is an error that names `flag`. */
export function kindOfPath(path: string, flag: string): PathKind {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'file';
  } catch (cause) {
    throw unreadable(path, flag, cause);
  }
}

function unreadable(path: string, flag: string, cause: unknown): QError {
  const systemCode = (cause as { code?: string }).code;
  if (systemCode === 'ENOENT' || systemCode === 'ENOTDIR') {
    const neighbour = nearestNeighbour(path);
    return new QError(`${flag}: ${path} does not exist`, {
      code: 'cli.missing-file',
      where: path,
      expected: 'an existing path',
      ...(neighbour === undefined ? {} : { hint: `did you mean ${neighbour}?` }),
    });
  }
  if (systemCode === 'EISDIR') {
    return new QError(`${flag}: ${path} is a folder, a file is expected`, { code: 'cli.not-a-file', where: path });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new QError(
    `${flag}: ${path} cannot be read (${reason})`,
    { code: 'cli.unreadable-file', where: path, found: reason },
    { cause },
  );
}

function nearestNeighbour(path: string): string | undefined {
  try {
    return nearest(basename(path), readdirSync(dirname(path)));
  } catch {
    return undefined;
  }
}
