import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { SearchJournal } from '@q/search';

export interface SearchJournalFile extends SearchJournal {
  close(): void;
}

/**
 * A journal in a file. Lines are on disk when `append` returns, so that nothing is lost when the process is killed; a line
 * that was being written then is cut off here.
 */
export function openSearchJournal(path: string): SearchJournalFile {
  mkdirSync(dirname(path), { recursive: true });
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const end = text.lastIndexOf('\n') + 1;
  if (end < text.length) truncateSync(path, Buffer.byteLength(text.slice(0, end)));
  const file = openSync(path, 'a');
  return {
    lines: text.slice(0, end).split('\n').slice(0, -1),
    append(lines) {
      if (lines.length === 0) return;
      writeSync(file, `${lines.join('\n')}\n`);
      fdatasyncSync(file);
    },
    close: () => closeSync(file),
  };
}
