import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { QError } from '@q/ir';

/** Files that are being written under a temporary name right now: Ctrl-C and crashes remove them. */
const unfinished = new Set<string>();

/** Removes every half-written file of this process. Safe to call from an exit or signal handler. */
export function removeUnfinishedFiles(): void {
  for (const path of unfinished) removeQuietly(path);
  unfinished.clear();
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder itself is gone or was never one: there is nothing to remove, and the first error is the one to report.
  }
}

/**
 * Writes `bytes` to `path` so that a reader sees either nothing (or the old file) or the whole of it: a temporary
 * neighbour is written and renamed. Missing folders are made.
 */
export function writeFileWhole(path: string, bytes: Uint8Array | string): void {
  writeFilesWhole([{ path, bytes }]);
}

/**
 * Finds out whether files can be written, for commands that work long before they write: nothing is made or changed.
 *
 * @throws QError `cli.cannot-write`
 */
export function requireWritable(paths: readonly string[]): void {
  for (const path of paths) {
    const target = resolve(path);
    if (existsSync(target) && statSync(target).isDirectory()) throw isFolder(target);
    let folder = dirname(target);
    while (!existsSync(folder)) folder = dirname(folder);
    try {
      if (!statSync(folder).isDirectory()) throw new Error(`${folder} is no folder`);
      accessSync(folder, constants.W_OK);
    } catch (cause) {
      const found = cause instanceof Error ? cause.message : String(cause);
      throw new QError(
        `cannot write ${path}: ${found}`,
        { code: 'cli.cannot-write', where: path, found, hint: 'check the folder and its permissions' },
        { cause },
      );
    }
  }
}

function isFolder(where: string): QError {
  return new QError(`${where} is a folder, a file is to be written there`, { code: 'cli.cannot-write', where });
}

/** As `writeFileWhole`, for files that belong together: none takes its name before all are on disk. */
export function writeFilesWhole(files: readonly { path: string; bytes: Uint8Array | string }[]): void {
  const pending = files.map(({ path, bytes }) => {
    const target = resolve(path);
    return { target, temporary: `${target}.${randomBytes(4).toString('hex')}.tmp`, bytes };
  });
  try {
    for (const { target, temporary, bytes } of pending) {
      mkdirSync(dirname(target), { recursive: true });
      if (existsSync(target) && statSync(target).isDirectory()) throw isFolder(target);
      unfinished.add(temporary);
      writeFileSync(temporary, bytes);
    }
    for (const { target, temporary } of pending) {
      renameSync(temporary, target);
      unfinished.delete(temporary);
    }
  } catch (cause) {
    for (const { temporary } of pending) {
      if (unfinished.delete(temporary)) removeQuietly(temporary);
    }
    if (cause instanceof QError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QError(
      `cannot write ${files.map((file) => file.path).join(', ')}: ${reason}`,
      {
        code: 'cli.cannot-write',
        where: files.map((file) => file.path).join(', '),
        found: reason,
        hint: 'check the folder, its permissions and the free space',
      },
      { cause },
    );
  }
}
