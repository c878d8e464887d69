import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A folder of the shared test data (Q_SHARED, or `../shared` beside the repository); says so when it is missing. */
export function sharedFolder(path: string): string | undefined {
  const root = process.env.Q_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url));
  const folder = `${root}/${path}`;
  if (existsSync(folder)) return folder;
  console.warn(`SKIPPED: ${path} of the shared data is not there (set Q_SHARED)`);
  return undefined;
}
