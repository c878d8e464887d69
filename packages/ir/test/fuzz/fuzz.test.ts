import { describe, expect, it } from 'vitest';
import { isQError } from '../../src/index.ts';
import { formats } from './formats.ts';
import { mutant } from './mutate.ts';

/** Q_FUZZ=1000000 npx vitest run fuzz: as many damaged files over all formats; the default takes some seconds. */
const TOTAL = Number(process.env.Q_FUZZ ?? 10_000);
/** Q_FUZZ_FROM=n begins the sequence elsewhere. */
const FROM = Number(process.env.Q_FUZZ_FROM ?? 0);
const SLOWEST_MS = 2000;
/** The seeds are a few kilobytes. What the engine has not collected yet is in it, too. */
const MOST_BYTES = 512 * 2 ** 20;

/** What is wrong with how a reader took a damaged file, or undefined. */
function complaint(read: (bytes: Uint8Array) => void, bytes: Uint8Array): string | undefined {
  const held = process.memoryUsage().arrayBuffers;
  const started = performance.now();
  let found: string | undefined;
  try {
    read(bytes);
  } catch (error) {
    if (!isQError(error)) found = error instanceof Error ? (error.stack ?? error.message) : String(error);
    else if (!/^[a-z-]+(?:\.[a-z0-9-]+)+$/.test(error.code) || error.message === '') found = `code ${error.code}`;
  }
  const elapsed = performance.now() - started;
  if (elapsed > SLOWEST_MS) found = `${Math.round(elapsed)} ms`;
  const grown = process.memoryUsage().arrayBuffers - held;
  if (grown > MOST_BYTES) found = `${grown} bytes`;
  return found;
}

describe('damaged files give coded errors, or are read', () => {
  it.each(formats)('$name', (format) => {
    const { seeds, read } = format;
    for (const seed of seeds) expect(complaint(read, seed)).toBeUndefined();
    for (const seed of seeds) expect(() => read(seed)).not.toThrow();
    const count = Math.ceil(TOTAL / formats.length);
    const found = new Map<string, string>();
    for (let index = FROM; index < FROM + count; index++) {
      const problem = complaint(read, mutant(format, index));
      // One line per kind of failure is enough to find it again.
      if (problem !== undefined) found.set(problem.split('\n').slice(0, 4).join(' | '), `file ${index}`);
    }
    expect([...found].map(([problem, file]) => `${file}: ${problem}`)).toEqual([]);
  });
});
