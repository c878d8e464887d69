import { bm168x } from '@q/backend-bm1684x';
import { describe, expect, it } from 'vitest';
import { fastSearch, mixSearch, type NewerSearchOptions, type SearchEvent } from '../src/index.ts';
import { toyNetwork, toyRanges, toySamples } from './toy-network.ts';

const graph = toyNetwork();
const options = {
  target: bm168x,
  processor: 'bm1684',
  graph,
  values: toyRanges(graph),
  samples: toySamples,
  expectedCos: 1.1,
  minLayerCos: 0.99999,
};

/** A journal that throws once it has so many lines, as a killed process writes no more. */
function journalOf(lines: readonly string[], most = Number.POSITIVE_INFINITY) {
  const written = [...lines];
  const append = (more: readonly string[]): void => {
    if (written.length >= most) throw new Error('killed');
    written.push(...more);
  };
  return { journal: { lines, append }, written };
}

describe.each([
  ['fast_search', (more: Partial<NewerSearchOptions>) => fastSearch({ ...options, ...more })],
  ['mix_search', (more: Partial<NewerSearchOptions>) => mixSearch({ ...options, ...more })],
])('%s', (_, search) => {
  it('goes on from its journal wherever it was interrupted, to the same bytes', async () => {
    const whole = journalOf([]);
    const expected = await search({ journal: whole.journal });
    expect(expected).toMatchObject({ kind: 'searched' });
    expect(expected).toEqual(await search({}));
    expect(whole.written.length).toBeGreaterThan(3);
    for (let lines = 1; lines < whole.written.length; lines++) {
      const killed = journalOf([], lines);
      await expect(search({ journal: killed.journal })).rejects.toThrow('killed');
      const resumed = journalOf(killed.written);
      expect(await search({ journal: resumed.journal })).toEqual(expected);
      expect(resumed.written).toEqual(whole.written);
    }
    await expect(search({ journal: journalOf(whole.written).journal, processor: 'bm1684x' })).rejects.toMatchObject({
      code: 'search.journal-differs',
    });
  });

  it('stops by budget and by signal, with a plan that can be deployed', async () => {
    const none = await search({ budgetMilliseconds: 0 });
    expect(none).toMatchObject({ kind: 'searched', stopped: 'budget', int8Score: Number.NaN, floatLayers: [] });
    const stopping = new AbortController();
    const events: SearchEvent[] = [];
    const outcome = await search({
      signal: stopping.signal,
      onEvent: (event) => {
        events.push(event);
        if (event.type === 'int8-score') stopping.abort();
      },
    });
    if (outcome.kind !== 'searched') throw new Error(outcome.kind);
    expect(outcome.stopped).toBe('aborted');
    expect(events.at(-1)).toEqual({ type: 'stopped', reason: 'aborted' });
    expect(bm168x.lower(graph, outcome.plan).state).toBe('TPU_LOWERED');
  });
});
