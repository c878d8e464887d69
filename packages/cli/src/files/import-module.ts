import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { QError } from '@q/ir';

/**
 * A module of the user's.
 *
 * @throws QError `cli.hook`: it cannot be loaded
 */
export async function importModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new QError(`${path} cannot be loaded: ${text}`, { code: 'cli.hook', where: path, found: text }, { cause });
  }
}
