import { bm168x } from '@q/backend-bm1684x';
import { describe, expect, it } from 'vitest';
import {
  fastSearch,
  mixSearch,
  type NewerSearchOptions,
  type SearchEvent,
  searchLossTable,
  searchScreenedQtable,
} from '../src/index.ts';
import { expectResumable, journalOf } from './test-journal.ts';
import { toyNetwork, toyRanges, toySamples } from './toy-network.ts';

const graph = toyNetwork();
const values = toyRanges(graph);
const common = {
  ...{ target: bm168x, processor: 'bm1684', graph, values, samples: toySamples },
  ...{ expectedCos: 1.1, minLayerCos: 0.99999 },
};
const thresholds = (factor: number) => new Map([...values].map(([name, row]) => [name, factor * row.threshold]));
const methods = [
  { method: 'MAX', thresholds: thresholds(1) },
  { method: 'KL', thresholds: thresholds(0.7) },
];

/** What a search answers but for what it cost, which depends on what was known. */
async function costless<T extends object>(outcome: Promise<T>): Promise<T & { stopped?: string }> {
  return { ...(await outcome), cost: undefined };
}

type More = Partial<NewerSearchOptions>;

describe.each([
  ['fast_search', (more: More) => costless(fastSearch({ ...common, ...more }))],
  ['mix_search', (more: More) => costless(mixSearch({ ...common, ...more }))],
  ['search_qtable', (more: More) => costless(searchScreenedQtable({ ...common, methods, ...more }))],
  ['--cluster', (more: More) => costless(searchScreenedQtable({ ...common, methods, isClustered: true, ...more }))],
  ['run_qtable of 2022', (more: More) => costless(searchLossTable({ ...common, ...more }))],
] as const)('%s', (_, search) => {
  it('goes on from its journal wherever it was interrupted, to the same bytes', async () => {
    expect((await expectResumable<object>(search)).length).toBeGreaterThan(3);
  });

  it('stops by budget and by signal, with a plan that can be deployed', async () => {
    const none = await search({ budgetMilliseconds: 0 });
    expect(none).toMatchObject({ stopped: 'budget', plan: { precision: 'INT8' } });
    const stopping = new AbortController();
    const events: SearchEvent[] = [];
    const outcome = await search({
      signal: stopping.signal,
      onEvent: (event) => {
        events.push(event);
        if (event.type === 'work') stopping.abort();
      },
    });
    expect(outcome.stopped).toBe('aborted');
    expect(events.filter(({ type }) => type === 'stopped')).toEqual([events.at(-1)]);
    if (!('plan' in outcome)) throw new Error('nothing was searched');
    expect(bm168x.lower(graph, outcome.plan).state).toBe('TPU_LOWERED');
  });

  it('tells what is left, with the costliest layers so far', async () => {
    const work: Extract<SearchEvent, { type: 'work' }>[] = [];
    await search({ onEvent: (event) => event.type === 'work' && work.push(event) });
    expect(work.length).toBeGreaterThan(2);
    for (const { done, total, top } of work) {
      expect(done).toBeLessThanOrEqual(total);
      expect(top.map(({ loss }) => loss)).toEqual(top.map(({ loss }) => loss).sort((a, b) => b - a));
    }
    const last = work.at(-1)!;
    expect(last.done).toBe(last.total);
    expect(last.top.length).toBeGreaterThan(0);
  });

  it('answers the same from three workers, journal included', async () => {
    const workers = 3;
    const [alone, together] = [journalOf([]), journalOf([])];
    expect(await search({ workers, journal: together.journal })).toEqual(await search({ journal: alone.journal }));
    expect(together.written).toEqual(alone.written);
  });
});

it('a search of 2026 that is stopped among its layers puts the costliest of those into float that it tried', async () => {
  const stopping = new AbortController();
  const tried: string[] = [];
  const found = await searchScreenedQtable({
    ...{ ...common, methods, maxFloatLayers: 2, signal: stopping.signal },
    onEvent: (event) => {
      if (event.type === 'layer' && tried.push(event.sensitivity.layer) === 4) stopping.abort();
    },
  });
  if (found.kind !== 'searched') throw new Error(found.kind);
  const whole = await searchScreenedQtable({ ...common, methods, maxFloatLayers: 2 });
  if (whole.kind !== 'searched') throw new Error(whole.kind);
  expect(found.layers).toEqual(whole.layers.slice(0, 4));
  const { floatLayers, score } = found.trials.at(-1)!;
  expect(floatLayers).toEqual(found.ranking.slice(0, 2).map(({ layer }) => layer));
  expect(score).toBeNaN();
});
