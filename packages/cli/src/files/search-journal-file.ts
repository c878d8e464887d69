import {
  closeSync,
  existsSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { QError } from '@q/ir';
import type { SearchJournal } from '@q/search';

export interface SearchJournalFile extends SearchJournal {
  close(): void;
}

/** How a line of a journal begins, be it as short as it may: its checksum. */
const BEGINNING = /^[0-9a-f]{1,8}(?: |$)/;

/**
 * A journal in a file. Lines are on disk when `append` returns, so that nothing is lost when the process is killed; a line
 * that was being written then is cut off, but not before the search knows the journal for its own: a file that was named by
 * mistake stays as it is.
 *
 * @throws QError `cli.cannot-write`
 */
export function openSearchJournal(path: string): SearchJournalFile {
  const { text, file } = attempt(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    return { text: existsSync(path) ? readFileSync(path, 'utf8') : '', file: openSync(path, 'a') };
  });
  const end = text.lastIndexOf('\n') + 1;
  const torn = text.slice(end);
  const isForeign = end === 0 && torn !== '' && !BEGINNING.test(torn);
  let isCut = torn === '';
  return {
    where: path,
    lines: isForeign ? [torn] : text.slice(0, end).split('\n').slice(0, -1),
    append(lines) {
      if (lines.length === 0) return;
      attempt(path, () => {
        if (!isCut) ftruncateSync(file, Buffer.byteLength(text.slice(0, end)));
        isCut = true;
        writeSync(file, `${lines.join('\n')}\n`);
        fdatasyncSync(file);
      });
    },
    close: () => closeSync(file),
  };
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new QError(
      `cannot write the journal ${path}: ${found}`,
      {
        code: 'cli.cannot-write',
        where: path,
        found,
        expected: 'a file that is a journal or does not exist yet, in a folder that can be written to',
      },
      { cause },
    );
  }
}
