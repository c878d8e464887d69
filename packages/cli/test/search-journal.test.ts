import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const script = fileURLToPath(new URL('search-in-child.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'q-journal-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KILLS = 20;

/** Runs the search on a journal; kills it `afterLines` new lines and a moment later. Answers what it printed when it ended. */
function run(
  journal: string,
  kill?: { readonly afterLines: number; readonly delayMs: number },
): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, journal], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    let lines = 0;
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
      lines = output.split('recorded\n').length - 1;
      if (kill !== undefined && lines >= kill.afterLines) setTimeout(() => child.kill('SIGKILL'), kill.delayMs);
    });
    child.on('error', reject);
    child.on('close', (status) => resolve(status === 0 ? output.replaceAll('recorded\n', '') : null));
  });
}

it('a search that is killed 20 times ends with the bytes of one that is not', async () => {
  const whole = join(folder, 'whole.journal');
  const expected = await run(whole);
  expect(expected).toContain('floatLayers');
  const killed = join(folder, 'killed.journal');
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let kills = 0;
  let found: string | null = null;
  while (kills < KILLS) {
    found = await run(killed, { afterLines: random(2), delayMs: random(12) });
    if (found === null) kills++;
    else {
      expect(found).toBe(expected);
      rmSync(killed);
    }
  }
  found = await run(killed);
  expect(found).toBe(expected);
  expect(readFileSync(killed)).toEqual(readFileSync(whole));
}, 180_000);

it('a line that was being written is found again', async () => {
  const whole = join(folder, 'torn-whole.journal');
  const expected = await run(whole);
  const bytes = readFileSync(whole);
  const torn = join(folder, 'torn.journal');
  writeFileSync(torn, bytes.subarray(0, Math.floor(bytes.length * 0.6)));
  expect(await run(torn)).toBe(expected);
  expect(readFileSync(torn)).toEqual(bytes);
}, 60_000);
