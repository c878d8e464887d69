import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Files that git tracks or would track, sorted, relative to the root.
 * @param {string} root
 */
export function trackedFiles(root) {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    maxBuffer: 64 << 20,
  });
  const files = new Set(listed.toString('utf8').split('\0').filter(Boolean));
  return [...files].filter((file) => existsSync(join(root, file))).sort();
}
