import { bm168x } from '@q/backend-bm1684x';
import { describe, expect, it } from 'vitest';
import {
  explainPlan,
  type QtableOptions,
  type QtableOutcome,
  runQtable,
  runSensitiveLayer,
  type SearchEvent,
  searchQtable,
} from '../src/index.ts';
import { expectResumable, journalOf } from './test-journal.ts';
import { toyNetwork, toyRanges, toySamples } from './toy-network.ts';

const graph = toyNetwork();
const thresholds = new Map([...toyRanges(graph)].map(([name, row]) => [name, row.threshold]));
const options = {
  target: bm168x,
  processor: 'bm1684',
  graph,
  values: toyRanges(graph),
  samples: toySamples,
  expectedCos: 0.99999,
};

describe('a search that is stopped while a float set is scored', () => {
  it.each([
    ['run_sensitive_layer', runSensitiveLayer],
    ['search_qtable', searchQtable],
  ])('says who stopped it: %s', async (_, search) => {
    const stopping = new AbortController();
    const events: SearchEvent[] = [];
    const outcome = await search({
      ...options,
      methods: [{ method: 'MAX', thresholds }],
      signal: stopping.signal,
      onEvent: (event) => {
        events.push(event);
        if (event.type === 'network' && event.kind === 'mixed') stopping.abort();
      },
    });
    expect(outcome).toMatchObject({ kind: 'searched', stopped: 'aborted' });
    expect(events.filter(({ type }) => type === 'stopped')).toEqual([{ type: 'stopped', reason: 'aborted' }]);
  });
});

describe('runQtable', () => {
  type Searched = Extract<QtableOutcome, { kind: 'searched' }>;
  const search = async (more: Partial<QtableOptions> = {}): Promise<Searched> => {
    const outcome = await runQtable({ ...options, expectedCos: 1.1, minLayerCos: 0.99999, ...more });
    if (outcome.kind !== 'searched') throw new Error(outcome.kind);
    return outcome;
  };
  it('stops by budget and by signal, with a plan that can be deployed', async () => {
    const none = await search({ budgetMilliseconds: 0 });
    expect(none).toMatchObject({
      end: 'stopped',
      stopped: 'budget',
      layers: [],
      floatLayers: [],
      int8Score: Number.NaN,
    });
    const stopping = new AbortController();
    const events: SearchEvent[] = [];
    let trials = 0;
    const full = await search();
    const outcome = await search({
      signal: stopping.signal,
      onEvent: (event) => {
        events.push(event);
        if (event.type === 'network' && event.kind === 'mixed' && ++trials === 2) stopping.abort();
      },
    });
    expect(outcome).toMatchObject({ end: 'stopped', stopped: 'aborted' });
    expect(outcome.layers).toEqual(full.layers.slice(0, outcome.layers.length));
    // The set that was being scored is not taken.
    const scored = events.filter((event) => event.type === 'mixed');
    expect(scored).toHaveLength(1);
    expect([[], scored[0]!.floatLayers]).toContainEqual(outcome.floatLayers);
    expect(events.at(-1)).toEqual({ type: 'stopped', reason: 'aborted' });
    expect(bm168x.lower(graph, outcome.plan).state).toBe('TPU_LOWERED');
  });

  it('says for every float layer what it costs, or behind which layer it is', async () => {
    const { plan, layers, floatLayers } = await search({ expectedCos: 0.99999 });
    const judged = new Map(layers.map(({ layer, cosine }) => [layer, cosine]));
    const reasons = floatLayers.map((layer) => [layer, plan.ops.get(layer)!.reason] as const);
    expect(new Set(reasons.map(([, { code }]) => code))).toEqual(new Set(['sensitivity', 'neighbour']));
    for (const [layer, reason] of reasons) {
      if (reason.code === 'sensitivity') expect(reason.loss).toBe(1 - judged.get(layer)!);
      else if (reason.code === 'neighbour') expect(floatLayers).toContain(reason.of);
    }
    const explained = explainPlan(graph, plan).floatLayers.find(({ reason }) => reason === 'neighbour')!;
    expect(explained.explanation).toMatch(`behind ${explained.neighbourOf}: `);
  });

  it('tells what it does', async () => {
    const events: SearchEvent[] = [];
    const { layers, int8Score } = await search({ onEvent: (event) => events.push(event) });
    expect(events.slice(0, 3)).toEqual([
      { type: 'network', kind: 'float' },
      { type: 'network', kind: 'int8' },
      { type: 'int8-score', score: int8Score },
    ]);
    const work = events.filter((event) => event.type === 'work');
    const worst = layers.toSorted((a, b) => a.cosine - b.cosine)[0]!;
    expect(work.at(-1)!.top[0]).toEqual({ layer: worst.layer, loss: 1 - worst.cosine, samples: toySamples.length });
  });

  it('goes on from its journal wherever it was interrupted, to the same bytes', async () => {
    expect((await expectResumable(search)).length).toBeGreaterThan(4);
  });

  it.each([2, 3])('answers the same from %i workers, journal included', async (workers) => {
    const [alone, together] = [journalOf([]), journalOf([])];
    expect(await search({ workers, journal: together.journal })).toEqual(await search({ journal: alone.journal }));
    expect(together.written).toEqual(alone.written);
    expect(await search({ workers, budgetMilliseconds: 0 })).toEqual(await search({ budgetMilliseconds: 0 }));
    const compared = { compared: ['gated', 'head'], expectedCos: 1.1 };
    expect(await search({ ...compared, workers })).toEqual(await search(compared));
  });

  it('decides anew from the same records, and refuses those of another network', async () => {
    const { journal, written } = journalOf([]);
    await search({ journal });
    const other = { minLayerCos: 0.999, expectedCos: 0.999999 };
    expect(await search({ ...other, journal: journalOf(written).journal })).toEqual(await search(other));
    await expect(search({ journal: journalOf(written).journal, processor: 'bm1684x' })).rejects.toMatchObject({
      code: 'search.journal-differs',
    });
  });
});
