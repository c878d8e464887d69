import { expect } from 'vitest';
import type { SearchEvent, SearchJournal, SearchOptions } from '../src/index.ts';

/** A journal in memory that throws once it has so many lines, as a killed process writes no more. */
export function journalOf(lines: readonly string[], most = Number.POSITIVE_INFINITY) {
  const written = [...lines];
  const append = (more: readonly string[]): void => {
    if (written.length >= most) throw new Error('killed');
    written.push(...more);
  };
  return { journal: { lines, append } satisfies SearchJournal, written };
}

/** How often a search is interrupted. */
const KILLS = 6;

/** What tests of interruption change of a search's options. */
export type Interruption = Pick<Partial<SearchOptions>, 'journal' | 'onEvent' | 'processor'>;

/**
 * A search that is killed after a line of its journal, here and there, goes on from there to the same outcome and the same journal; one that finds all
 * of it says so. Answers the lines of the whole journal.
 */
export async function expectResumable<T extends object>(
  search: (more: Interruption) => Promise<T>,
): Promise<readonly string[]> {
  const whole = journalOf([]);
  const expected = await search({ journal: whole.journal });
  expect(expected).toEqual(await search({}));
  const step = Math.ceil(whole.written.length / KILLS);
  for (let lines = 1; lines < whole.written.length; lines += step) {
    const killed = journalOf([], lines);
    await expect(search({ journal: killed.journal })).rejects.toThrow('killed');
    const resumed = journalOf(killed.written);
    expect(await search({ journal: resumed.journal })).toEqual(expected);
    expect(resumed.written).toEqual(whole.written);
  }
  const events: SearchEvent[] = [];
  const { journal } = journalOf(whole.written, 0);
  expect(await search({ journal, onEvent: (event) => events.push(event) })).toEqual(expected);
  expect(events[0]).toMatchObject({ type: 'resumed' });
  await expect(search({ journal: journalOf(whole.written).journal, processor: 'bm1684x' })).rejects.toMatchObject({
    code: 'search.journal-differs',
  });
  return whole.written;
}
