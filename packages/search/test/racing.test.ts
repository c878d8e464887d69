import { bm168x } from '@q/backend-bm1684x';
import { describe, expect, it } from 'vitest';
import {
  runSensitiveLayer,
  type SearchEvent,
  type SensitiveLayerOptions,
  type SensitiveLayerOutcome,
  searchQtable,
} from '../src/index.ts';
import { toyNetwork, toyRanges, toySamples } from './toy-network.ts';

const graph = toyNetwork();
const SAMPLES = 24;

/** Thresholds of the toy network times factors that differ from layer to layer. */
function method(name: string, factors: readonly number[]) {
  const rows = [...toyRanges(graph)];
  return {
    method: name,
    thresholds: new Map(rows.map(([layer, { threshold }], at) => [layer, threshold * factors[at % factors.length]!])),
  };
}

/** Samples of one size: a race infers from some samples what others will say, so that they must be of one kind. */
function alike(index: number) {
  const feeds = toySamples.sample(index);
  return new Map(feeds).set(
    'left',
    feeds.get('left')!.map((value) => (2 * value) / (index + 1)),
  );
}

const options: SensitiveLayerOptions = {
  target: bm168x,
  processor: 'bm1684',
  graph,
  values: toyRanges(graph),
  methods: [method('base', [1]), method('other', [0.5, 1.1, 0.9, 2]), method('third', [3, 0.2])],
  samples: { length: SAMPLES, sample: alike },
  expectedCos: 2,
  maxFloatLayers: 3,
};

type Searched = Extract<SensitiveLayerOutcome, { kind: 'searched' }>;

async function search(more: Partial<SensitiveLayerOptions> = {}): Promise<Searched> {
  const outcome = await runSensitiveLayer({ ...options, ...more });
  if (outcome.kind !== 'searched') throw new Error(outcome.kind);
  return outcome;
}

describe('a race', () => {
  it.each([1, 2, 3, 4])(
    'finds the %i costliest layers of the exhaustive search, and its decided thresholds',
    async (count) => {
      const [full, raced] = [
        await search({ maxFloatLayers: count }),
        await search({ maxFloatLayers: count, effort: 'racing' }),
      ];
      expect([...raced.floatLayers].sort()).toEqual([...full.floatLayers].sort());
      const best = new Map(full.layers.map((layer) => [layer.layer, layer.best.threshold]));
      for (const { layer, isDecided } of raced.layers) {
        const expected = isDecided ? best.get(layer) : options.values.get(layer)!.threshold;
        expect(raced.plan.values.get(layer)!.threshold, layer).toBe(expected);
      }
      const tried = ({ layers }: Searched): number =>
        layers.flatMap(({ trials }) => trials).reduce((sum, { samples }) => sum + samples, 0);
      expect(tried(raced)).toBeLessThan(tried(full));
    },
  );

  it('agrees about growing float sets', async () => {
    const grown = { ...options, maxFloatLayers: 1, expectedCos: 0.9999 };
    const [full, raced] = [await searchQtable(grown), await searchQtable({ ...grown, effort: 'racing' })];
    if (full.kind !== 'searched' || raced.kind !== 'searched') throw new Error('nothing was searched');
    expect(raced.trials.map(({ count, floatLayers }) => [count, floatLayers])).toEqual(
      full.trials.map(({ count, floatLayers }) => [count, floatLayers]),
    );
  });
});

/** The toy network's samples, `left` of a size of its own each. */
function sized(sizeOf: (index: number) => number) {
  return {
    length: SAMPLES,
    sample: (index: number) =>
      new Map(alike(index)).set(
        'left',
        alike(index)
          .get('left')!
          .map((value) => (value * sizeOf(index)) / 2),
      ),
  };
}

describe('samples that are not of one kind', () => {
  it.each([
    ['of many sizes', (index: number) => index + 1],
    ['of three sizes', (index: number) => [1, 3, 8][index % 3]!],
    ['with two that have most of the loss', (index: number) => (index % 11 === 5 ? 20 : 2)],
    ['with a heavy tail', (index: number) => 2 * Math.exp(1.2 * Math.sin(index * 7.3) ** 3)],
    ['with one that has most of the loss', (index: number) => (index === 17 ? 40 : 1)],
  ])('are raced as the exhaustive search ranks them: %s', async (_, sizeOf) => {
    const samples = sized(sizeOf);
    for (const maxFloatLayers of [1, 2, 3, 4]) {
      const full = await search({ samples, maxFloatLayers });
      const raced = await search({ samples, maxFloatLayers, effort: 'racing' });
      expect([...raced.floatLayers].sort()).toEqual([...full.floatLayers].sort());
      const best = new Map(full.layers.map((layer) => [layer.layer, layer.best.threshold]));
      for (const { layer, isDecided } of raced.layers) {
        const expected = isDecided ? best.get(layer) : options.values.get(layer)!.threshold;
        expect(raced.plan.values.get(layer)!.threshold, layer).toBe(expected);
      }
    }
  });
});

describe('a race', () => {
  it('says that samples are not of one kind, and that it tries everything', async () => {
    const events: SearchEvent[] = [];
    const samples = sized((index) => (index === 17 ? 40 : 1));
    const { layers } = await search({ samples, effort: 'racing', onEvent: (event) => events.push(event) });
    const told = events.filter((event) => event.type === 'not-raced');
    expect(told).toEqual([{ type: 'not-raced', sample: 17, loss: expect.any(Number), median: expect.any(Number) }]);
    expect(told[0]!.loss).toBeGreaterThan(3 * told[0]!.median);
    expect(layers.every(({ isDecided }) => isDecided)).toBe(true);
  });
});

describe('a search', () => {
  it('tells what it does', async () => {
    const events: SearchEvent[] = [];
    const { layers, floatLayers } = await search({ onEvent: (event) => events.push(event) });
    const of = <T extends SearchEvent['type']>(type: T) =>
      events.filter((event): event is Extract<SearchEvent, { type: T }> => event.type === type);
    expect(of('network').map(({ kind }) => kind)).toEqual(['float', 'int8', 'mixed']);
    expect(of('layer').map(({ sensitivity }) => sensitivity)).toEqual(layers);
    const work = of('work');
    expect(work.at(-1)!.done).toBe(work.at(-1)!.total);
    expect(
      of('ranking')[0]!
        .ranking.slice(0, 3)
        .map(({ layer }) => layer),
    ).toEqual(floatLayers);
  });

  it.each(['exhaustive', 'racing'] as const)(
    'stops when it should, with a plan that can be deployed: %s',
    async (effort) => {
      const stopping = new AbortController();
      let seen = 0;
      const outcome = await search({
        effort,
        signal: stopping.signal,
        onEvent: ({ type }) => {
          if (type === 'work' && ++seen === 2) stopping.abort();
        },
      });
      expect(outcome.stopped).toBe('aborted');
      expect(bm168x.lower(graph, outcome.plan).state).toBe('TPU_LOWERED');
      const none = await search({ effort, budgetMilliseconds: 0 });
      expect(none).toMatchObject({ stopped: 'budget', layers: [], floatLayers: [] });
      expect(bm168x.lower(graph, none.plan).state).toBe('TPU_LOWERED');
    },
  );

  it.each([2, 4])('answers the same from %i workers', async (workers) => {
    for (const effort of ['exhaustive', 'racing'] as const) {
      const { cost: _, ...alone } = await search({ effort });
      const { cost: __, ...together } = await search({ effort, workers });
      expect(together).toEqual(alone);
    }
  });
});

describe('a journal', () => {
  const record = () => {
    const lines: string[] = [];
    return { lines, append: (more: readonly string[]) => void lines.push(...more) };
  };

  it.each(['exhaustive', 'racing'] as const)('is gone on with from any line: %s', async (effort) => {
    const whole = record();
    const { cost: _, ...expected } = await search({ effort, journal: whole });
    for (let length = 0; length <= whole.lines.length; length += 7) {
      const part = record();
      part.append(whole.lines.slice(0, length));
      const { cost: __, ...found } = await search({ effort, journal: part });
      expect(found).toEqual(expected);
      expect(part.lines).toEqual(whole.lines);
    }
  });

  it('spares what was evaluated, and finds damaged lines again', async () => {
    const whole = record();
    const { cost: _, ...expected } = await search({ journal: whole });
    const damaged = whole.lines.map((line, at) => (at === 4 ? line.replace(/\d(?=[^\d]*$)/, 'x') : line));
    const events: SearchEvent[] = [];
    const journal = { ...record(), lines: damaged };
    const { cost, ...found } = await search({ journal, onEvent: (event) => events.push(event) });
    expect(found).toEqual(expected);
    expect(events[0]).toMatchObject({ type: 'network' });
    expect(events.find(({ type }) => type === 'resumed')).toBeDefined();
    expect(cost.candidateOperators).toBeLessThan(cost.fullOperators);
  });

  it('is refused when anything that scores depend on is another', async () => {
    const journal = record();
    await search({ journal });
    const changed = toyNetwork();
    (changed.weights.get('head.b')!.data as Float32Array)[0]! += 1;
    for (const other of [{ graph: changed }, { samples: { ...options.samples, length: 5 } }, { recipe: 'x' }]) {
      await expect(search({ journal, ...other })).rejects.toMatchObject({ code: 'search.journal-differs' });
    }
  });
});
